// Every struct with its two directions and a way to make it: what the tests of messages go through.
import * as fc from 'fast-check';
import { asciiText } from '../src/presentation/ascii.ts';
import { decodeAlpnClient, decodeAlpnServer, encodeAlpn } from '../src/handshake/extensions/alpn.ts';
import {
  decodeCertificateAuthorities,
  encodeCertificateAuthorities,
} from '../src/handshake/extensions/certificate-authorities.ts';
import { decodeCookie, encodeCookie } from '../src/handshake/extensions/cookie.ts';
import { decodeEarlyDataTicket, encodeEarlyDataTicket } from '../src/handshake/extensions/early-data.ts';
import { decodeEmpty, encodeEmpty } from '../src/handshake/extensions/empty-extension.ts';
import { type ExtensionPlace, mayStandIn } from '../src/handshake/extensions/extension-place.ts';
import { extensionType } from '../src/handshake/extensions/extension-type.ts';
import {
  decodeKeyShareClient,
  decodeKeyShareRetry,
  decodeKeyShareServer,
  encodeKeyShareClient,
  encodeKeyShareRetry,
  encodeKeyShareServer,
} from '../src/handshake/extensions/key-share.ts';
import {
  decodePreSharedKeyClient,
  decodePreSharedKeyServer,
  encodePreSharedKeyClient,
  encodePreSharedKeyServer,
  type OfferedPsks,
} from '../src/handshake/extensions/offered-psks.ts';
import {
  decodePskKeyExchangeModes,
  encodePskKeyExchangeModes,
} from '../src/handshake/extensions/psk-key-exchange-modes.ts';
import {
  decodeRecordSizeLimitClient,
  decodeRecordSizeLimitServer,
  encodeRecordSizeLimit,
} from '../src/handshake/extensions/record-size-limit.ts';
import { decodeServerName, encodeServerName } from '../src/handshake/extensions/server-name.ts';
import {
  decodeSignatureAlgorithms,
  encodeSignatureAlgorithms,
} from '../src/handshake/extensions/signature-algorithms.ts';
import {
  decodeCertificateStatus,
  decodeStatusRequest,
  encodeCertificateStatus,
  encodeStatusRequest,
} from '../src/handshake/extensions/status-request.ts';
import { decodeSupportedGroups, encodeSupportedGroups } from '../src/handshake/extensions/supported-groups.ts';
import {
  decodeSupportedVersionsClient,
  decodeSupportedVersionsServer,
  encodeSupportedVersionsClient,
  encodeSupportedVersionsServer,
  tls13Version,
} from '../src/handshake/extensions/supported-versions.ts';
import { decodeCertificate, encodeCertificate } from '../src/handshake/messages/certificate.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from '../src/handshake/messages/certificate-request.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from '../src/handshake/messages/certificate-verify.ts';
import { decodeClientHello, encodeClientHello } from '../src/handshake/messages/client-hello.ts';
import {
  decodeEncryptedExtensions,
  encodeEncryptedExtensions,
} from '../src/handshake/messages/encrypted-extensions.ts';
import { decodeFinished, encodeFinished } from '../src/handshake/messages/finished.ts';
import { handshakeHeaderBytes } from '../src/handshake/messages/handshake-message.ts';
import { helloRetryRequestRandom } from '../src/handshake/messages/hello-random.ts';
import { decodeKeyUpdate, encodeKeyUpdate } from '../src/handshake/messages/key-update.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../src/handshake/messages/new-session-ticket.ts';
import { decodeServerHello, encodeServerHello } from '../src/handshake/messages/server-hello.ts';

/** A struct: messages are given without their header. `encode` of what `decode` answers is possible for all but `oneWay`. */
export interface Codec<T = any> {
  readonly name: string;
  readonly values: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  /** Whether bytes can mean something though `encode` would never write them, so that nothing is to be encoded again. */
  readonly isForeign?: (value: T) => boolean;
  /** Lengths at which a cut leaves something whole. */
  readonly mayEndAt?: (value: T) => readonly number[];
}
const codec = <T>(each: Codec<T>): Codec => each;

const plain = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
export const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
export const uint16: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const distinct16: fc.Arbitrary<number[]> = fc.uniqueArray(uint16, { minLength: 1, maxLength: 30 });
export const protocol: fc.Arbitrary<string> = bytes(1, 255).map(asciiText);
const share = plain({ group: uint16, keyExchange: bytes(1, 100) });
export const hostName: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 255 })
  .map((letters) => String.fromCharCode(...letters).toLowerCase());

const withoutHeader =
  <T>(encode: (value: T) => Uint8Array) =>
  (value: T): Uint8Array =>
    encode(value).subarray(handshakeHeaderBytes);

/** Every type of extension: the tests offer all of them. */
export const everyType: ReadonlySet<number> = new Set(Array.from({ length: 0x1_0000 }, (_, type) => type));

/** Extensions that may stand in a message, with any data; the ones that it must have, and that it may not, by name. */
function extensionsOf(
  place: ExtensionPlace,
  must: readonly (readonly [number, Uint8Array])[] = [],
  without: readonly number[] = [],
): fc.Arbitrary<ReadonlyMap<number, Uint8Array>> {
  const mustBe = new Set(must.map(([type]) => type));
  const others = uint16.filter(
    (type) => mayStandIn(type, place) && !mustBe.has(type) && !without.includes(type) && (type & 0x0f0f) !== 0x0a0a,
  );
  return fc
    .tuple(fc.uniqueArray(fc.tuple(others, bytes(0, 20)), { maxLength: 6, selector: ([type]) => type }), fc.nat(6))
    .map(([pairs, at]) => new Map([...pairs.slice(0, at), ...must, ...pairs.slice(at)]));
}

const { supported_versions, signature_algorithms, pre_shared_key, status_request } = extensionType;
const serverVersions = [[supported_versions, encodeSupportedVersionsServer()]] as const;
const serverHello = (place: 'ServerHello' | 'HelloRetryRequest'): Codec =>
  codec({
    name: place,
    values: plain({
      legacyVersion: fc.constant(0x0303),
      random: place === 'ServerHello' ? bytes(32, 32) : fc.constant(helloRetryRequestRandom()),
      sessionIdEcho: bytes(0, 32),
      cipherSuite: uint16,
      extensions: extensionsOf(place, serverVersions),
    }),
    encode: withoutHeader(encodeServerHello),
    decode: (body) => decodeServerHello(body, everyType),
    mayEndAt: ({ sessionIdEcho }) => [38 + sessionIdEcho.length],
  });

export const messages: readonly Codec[] = [
  codec({
    name: 'ClientHello',
    values: plain({
      legacyVersion: fc.constant(0x0303),
      random: bytes(32, 32),
      sessionId: bytes(0, 32),
      cipherSuites: fc.array(uint16, { minLength: 1, maxLength: 40 }),
      compressionMethods: fc.constant(new Uint8Array(1)),
      extensions: fc
        .tuple(
          extensionsOf(
            'ClientHello',
            [[supported_versions, encodeSupportedVersionsClient([tls13Version])]],
            [pre_shared_key],
          ),
          fc.option(bytes(0, 50), { nil: undefined }),
        )
        .map(([some, last]) => [
          ...Array.from(some, ([type, data]) => ({ type, data })),
          ...(last === undefined ? [] : [{ type: pre_shared_key, data: last }]),
        ]),
    }),
    encode: withoutHeader(encodeClientHello),
    decode: decodeClientHello,
    mayEndAt: ({ sessionId, cipherSuites }) => [39 + sessionId.length + 2 * cipherSuites.length],
  }),
  serverHello('ServerHello'),
  serverHello('HelloRetryRequest'),
  codec({
    name: 'EncryptedExtensions',
    values: plain({ extensions: extensionsOf('EncryptedExtensions') }),
    encode: withoutHeader(encodeEncryptedExtensions),
    decode: (body) => decodeEncryptedExtensions(body, everyType),
  }),
  codec({
    name: 'CertificateRequest',
    values: plain({
      extensions: extensionsOf('CertificateRequest', [[signature_algorithms, encodeSignatureAlgorithms([0x0403])]]),
    }),
    encode: withoutHeader(encodeCertificateRequest),
    decode: decodeCertificateRequest,
  }),
  codec({
    name: 'Certificate',
    values: plain({
      entries: fc.array(
        fc.oneof(
          plain({ certificate: bytes(1, 60) }),
          plain({ certificate: bytes(1, 60), ocspResponse: bytes(1, 30) }),
        ),
        { minLength: 1, maxLength: 5 },
      ),
    }),
    encode: withoutHeader(encodeCertificate),
    decode: (body) =>
      decodeCertificate(body, {
        sender: 'server',
        offered: new Set([status_request]),
        maxEntries: Number.POSITIVE_INFINITY,
        tooMany: () => new Error('never'),
      }),
  }),
  codec({
    name: 'CertificateVerify',
    values: plain({ algorithm: uint16, signature: bytes(0, 300) }),
    encode: withoutHeader(encodeCertificateVerify),
    decode: decodeCertificateVerify,
  }),
  codec({
    name: 'Finished',
    values: plain({ verifyData: bytes(48, 48) }),
    encode: withoutHeader(encodeFinished),
    decode: (body) => decodeFinished(body, 48),
  }),
  codec({
    name: 'NewSessionTicket',
    values: plain({
      lifetime: uint32,
      ageAdd: uint32,
      nonce: bytes(0, 255),
      ticket: bytes(1, 300),
      extensions: extensionsOf('NewSessionTicket'),
    }),
    encode: withoutHeader(encodeNewSessionTicket),
    decode: decodeNewSessionTicket,
  }),
  codec({
    name: 'KeyUpdate',
    values: plain({ updateRequested: fc.boolean() }),
    encode: withoutHeader(encodeKeyUpdate),
    decode: decodeKeyUpdate,
  }),
];

export const extensions: readonly Codec[] = [
  codec<string | undefined>({
    name: 'server_name',
    values: hostName,
    encode: (name) => encodeServerName(name ?? ''),
    decode: decodeServerName,
    isForeign: (name) => name === undefined,
  }),
  codec<undefined>({
    name: 'an empty one',
    values: fc.constant(undefined),
    encode: encodeEmpty,
    decode: (data) => {
      decodeEmpty(data, 'early_data');
      return undefined;
    },
  }),
  codec({
    name: 'supported_groups',
    values: distinct16,
    encode: encodeSupportedGroups,
    decode: (data) => Array.from(decodeSupportedGroups(data)),
  }),
  codec({
    name: 'signature_algorithms',
    values: fc.array(uint16, { minLength: 1, maxLength: 40 }),
    encode: encodeSignatureAlgorithms,
    decode: (data) => Array.from(decodeSignatureAlgorithms(data)),
  }),
  codec({
    name: 'application_layer_protocol_negotiation (client)',
    values: fc.uniqueArray(protocol, { minLength: 1, maxLength: 6 }),
    encode: encodeAlpn,
    decode: (data) => Array.from(decodeAlpnClient(data)),
  }),
  codec({
    name: 'application_layer_protocol_negotiation (server)',
    values: protocol,
    encode: (name) => encodeAlpn([name]),
    decode: decodeAlpnServer,
  }),
  codec({
    name: 'supported_versions (client)',
    values: fc.array(uint16, { minLength: 1, maxLength: 127 }),
    encode: encodeSupportedVersionsClient,
    decode: (data) => Array.from(decodeSupportedVersionsClient(data)),
  }),
  codec({
    name: 'supported_versions (server)',
    values: fc.constant(tls13Version),
    encode: encodeSupportedVersionsServer,
    decode: decodeSupportedVersionsServer,
  }),
  codec({
    name: 'key_share (client)',
    values: fc.uniqueArray(share, { maxLength: 6, selector: ({ group }) => group }),
    encode: encodeKeyShareClient,
    decode: (data) => Array.from(decodeKeyShareClient(data)),
  }),
  codec({ name: 'key_share (server)', values: share, encode: encodeKeyShareServer, decode: decodeKeyShareServer }),
  codec({ name: 'key_share (retry)', values: uint16, encode: encodeKeyShareRetry, decode: decodeKeyShareRetry }),
  codec({
    name: 'psk_key_exchange_modes',
    values: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 255 }),
    encode: encodePskKeyExchangeModes,
    decode: (data) => Array.from(decodePskKeyExchangeModes(data)),
  }),
  codec<OfferedPsks>({
    name: 'pre_shared_key (client)',
    values: fc
      .array(
        plain({
          identity: plain({ identity: bytes(1, 60), obfuscatedTicketAge: uint32 }),
          binder: bytes(32, 64),
        }),
        { minLength: 1, maxLength: 5 },
      )
      .map((psks) => ({
        identities: psks.map(({ identity }) => identity),
        binders: psks.map(({ binder }) => binder),
      })),
    encode: encodePreSharedKeyClient,
    decode: decodePreSharedKeyClient,
  }),
  codec({
    name: 'pre_shared_key (server)',
    values: uint16,
    encode: encodePreSharedKeyServer,
    decode: decodePreSharedKeyServer,
  }),
  codec({ name: 'cookie', values: bytes(1, 300), encode: encodeCookie, decode: decodeCookie }),
  codec({
    name: 'early_data (ticket)',
    values: uint32,
    encode: encodeEarlyDataTicket,
    decode: decodeEarlyDataTicket,
  }),
  codec({
    name: 'record_size_limit (client)',
    values: fc.integer({ min: 64, max: 0xffff }),
    encode: encodeRecordSizeLimit,
    decode: decodeRecordSizeLimitClient,
  }),
  codec({
    name: 'record_size_limit (server)',
    values: fc.integer({ min: 64, max: 16_385 }),
    encode: encodeRecordSizeLimit,
    decode: decodeRecordSizeLimitServer,
  }),
  codec({
    name: 'status_request (client)',
    values: fc.constant(true),
    encode: encodeStatusRequest,
    decode: decodeStatusRequest,
    isForeign: (ocsp) => !ocsp,
  }),
  codec({
    name: 'status_request (staple)',
    values: bytes(1, 300),
    encode: encodeCertificateStatus,
    decode: decodeCertificateStatus,
  }),
  codec({
    name: 'certificate_authorities',
    values: fc.array(bytes(1, 50), { minLength: 1, maxLength: 6 }),
    encode: encodeCertificateAuthorities,
    decode: (data) => Array.from(decodeCertificateAuthorities(data)),
  }),
];
