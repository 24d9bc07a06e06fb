// What RFC 8446 says MUST be refused, message by message: each line is one thing done wrong, and the alert it must end with.
import t from 'tap';
import { cipherSuite } from '../src/crypto/cipher-suite.ts';
import { groupNumber } from '../src/crypto/named-group.ts';
import { encodeAlpn } from '../src/handshake/extensions/alpn.ts';
import { extensionType as ext } from '../src/handshake/extensions/extension-type.ts';
import { encodeKeyShareClient, encodeKeyShareServer } from '../src/handshake/extensions/key-share.ts';
import { encodeServerName } from '../src/handshake/extensions/server-name.ts';
import { encodeSignatureAlgorithms } from '../src/handshake/extensions/signature-algorithms.ts';
import { encodeSupportedGroups } from '../src/handshake/extensions/supported-groups.ts';
import { encodeFinished } from '../src/handshake/messages/finished.ts';
import { helloRetryRequestRandom } from '../src/handshake/messages/hello-random.ts';
import { encodeServerHello } from '../src/handshake/messages/server-hello.ts';
import type { Tls13ClientOptions, Tls13ServerOptions } from '../src/node.ts';
import { issue, now } from './certificate-pki.ts';
import { clientLeaf, credentials, type EndOptions, hostLeaf, joined, root, seededBytes } from './ends.ts';
import {
  certificateVerify,
  handshake,
  patched,
  put,
  type RawOptions,
  type RawPeer,
  type Step,
  type,
  withExtensions,
  without,
} from './raw-peer.ts';
import { clientAndPeer, serverAndPeer, type WithPeer } from './with-peer.ts';

const none = new Uint8Array(0);
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
type Edit = (extensions: [number, Uint8Array][]) => [number, Uint8Array][];
type Alter = (message: Uint8Array, peer: RawPeer) => Uint8Array | readonly Uint8Array[];

/** At that step something else is sent. */
const at = (step: Step, alter: Alter, raw: RawOptions = {}): RawOptions => ({
  ...raw,
  alter: (each, message, peer) => (each === step ? alter(message, peer) : undefined),
});
/** At that step other extensions are sent. */
const edited = (step: Step, edit: Edit, raw: RawOptions = {}): RawOptions =>
  at(step, (message) => withExtensions(message, edit), raw);
const twice =
  (kind: number): Edit =>
  (given) => [...given, ...given.filter(([each]) => each === kind)];
const longer = (message: Uint8Array): Uint8Array => handshake(message[0]!, joined([message.subarray(4), bytes(0)]));
const shorter = (message: Uint8Array): Uint8Array => handshake(message[0]!, message.slice(4, -1));
const unknown: Edit = put(0xfe77, none);
const grease: Edit = put(0x5a5a, none);

interface Wrong {
  readonly clause: string;
  readonly alert: string;
  readonly raw?: RawOptions;
  readonly options?: object;
  readonly end?: EndOptions;
}
type Table = Readonly<Record<string, Wrong>>;

function refuses(title: string, table: Table, meet: (wrong: Wrong) => WithPeer): void {
  t.test(title, async (t) => {
    for (const [name, wrong] of Object.entries(table)) {
      const { end } = meet(wrong);
      const text = `${wrong.clause}: ${name}: ${wrong.alert}`;
      t.ok(end.error, text);
      t.equal(end.error?.alert ?? end.lastWord, wrong.alert, `${text}: ${end.error?.message}`);
      t.equal(end.lastWord, wrong.alert, `${text}: sent`);
      t.equal(end.negotiated, undefined, `${text}: nothing negotiated`);
      t.equal(end.plaintext.length, 0, `${text}: nothing emitted`);
      t.equal(end.log.at(-1), 'failed', `${text}: and that is the end`);
    }
  });
}

const clientRefuses = (title: string, table: Table): void =>
  refuses(`a client refuses ${title}`, table, ({ raw, options, end }) =>
    clientAndPeer(raw, options as Partial<Tls13ClientOptions>, end),
  );
const serverRefuses = (title: string, table: Table): void =>
  refuses(`a server refuses ${title}`, table, ({ raw, options, end }) =>
    serverAndPeer(raw, options as Partial<Tls13ServerOptions>, end),
  );

const share = (group: 'x25519' | 'secp256r1' | 'secp384r1', keyExchange: Uint8Array): Edit =>
  put(ext.key_share, encodeKeyShareServer({ group: groupNumber[group], keyExchange }));
const offCurve = (length: number): Uint8Array => patched(new Uint8Array(length).fill(7), 0, 4);
const identity = bytes(9, 8, 7);
const key = seededBytes(4)(32);
const external = { kind: 'external', identity, key } as const;
const known = { identity, key, hash: 'sha256' } as const;
const aes128 = ['TLS_AES_128_GCM_SHA256'] as const;

clientRefuses('a ServerHello', {
  'legacy_version 0x0302': {
    clause: '§4.1.3',
    alert: 'protocol_version',
    raw: at('ServerHello', (hello) => patched(hello, 4, 3, 2)),
  },
  'no supported_versions': {
    clause: '§4.2.1',
    alert: 'protocol_version',
    raw: edited('ServerHello', without(ext.supported_versions)),
  },
  'no supported_versions, and the sentinel of TLS 1.2': {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) =>
      withExtensions(patched(hello, 30, ...Buffer.from('DOWNGRD\x01', 'latin1')), without(ext.supported_versions)),
    ),
  },
  'no supported_versions, and the sentinel of TLS 1.1': {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) =>
      withExtensions(patched(hello, 30, ...Buffer.from('DOWNGRD\x00', 'latin1')), without(ext.supported_versions)),
    ),
  },
  'supported_versions TLS 1.2': {
    clause: '§4.2.1',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', put(ext.supported_versions, bytes(3, 3))),
  },
  'supported_versions of a draft': {
    clause: '§4.2.1',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', put(ext.supported_versions, bytes(0x7f, 28))),
  },
  'supported_versions cut short': {
    clause: '§4.2.1',
    alert: 'decode_error',
    raw: edited('ServerHello', put(ext.supported_versions, bytes(3))),
  },
  'another session id': {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) => patched(hello, 50, (hello[50] ?? 0) ^ 1)),
  },
  'a session id where none was sent': {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) => handshake(2, joined([hello.subarray(4, 38), bytes(1, 7), hello.subarray(39)]))),
    options: { middleboxCompatibility: false },
  },
  'a cipher suite that was not offered': {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) => patched(hello, 71, 0x13, 0x02)),
    options: { cipherSuites: aes128 },
  },
  'a cipher suite of TLS 1.2': {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) => patched(hello, 71, 0xc0, 0x2f)),
  },
  compression: {
    clause: '§4.1.3',
    alert: 'illegal_parameter',
    raw: at('ServerHello', (hello) => patched(hello, 73, 1)),
  },
  'an extension twice': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', twice(ext.key_share)),
  },
  'an extension nobody knows': { clause: '§4.2', alert: 'unsupported_extension', raw: edited('ServerHello', unknown) },
  GREASE: { clause: 'RFC 8701 §3.1', alert: 'unsupported_extension', raw: edited('ServerHello', grease) },
  'an extension of another message': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', put(ext.server_name, none)),
  },
  'a cookie': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', put(ext.cookie, bytes(0, 1, 1))),
  },
  'no key_share': { clause: '§4.2.8', alert: 'missing_extension', raw: edited('ServerHello', without(ext.key_share)) },
  'a share of another group': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('secp256r1', offCurve(65))),
  },
  'a share that is all zeros': {
    clause: '§7.4.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('x25519', new Uint8Array(32))),
  },
  'a share of low order': {
    clause: '§7.4.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('x25519', patched(new Uint8Array(32), 0, 1))),
  },
  'a share too short': {
    clause: '§4.2.8.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('x25519', new Uint8Array(31).fill(9))),
  },
  'a share too long': {
    clause: '§4.2.8.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('x25519', new Uint8Array(33).fill(9))),
  },
  'an empty share': { clause: '§4.2.8', alert: 'decode_error', raw: edited('ServerHello', share('x25519', none)) },
  'a point that is not on P-256': {
    clause: '§4.2.8.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('secp256r1', offCurve(65)), { groups: ['secp256r1'] }),
    options: { groups: ['secp256r1'] },
  },
  'a compressed point of P-256': {
    clause: '§4.2.8.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('secp256r1', patched(new Uint8Array(33).fill(7), 0, 2)), {
      groups: ['secp256r1'],
    }),
    options: { groups: ['secp256r1'] },
  },
  'a point that is not on P-384': {
    clause: '§4.2.8.2',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('secp384r1', offCurve(97)), { groups: ['secp384r1'] }),
    options: { groups: ['secp384r1'] },
  },
  'a pre-shared key where none was offered': {
    clause: '§4.2.11',
    alert: 'unsupported_extension',
    raw: edited('ServerHello', put(ext.pre_shared_key, bytes(0, 0))),
  },
  'a pre-shared key out of range': {
    clause: '§4.2.11',
    alert: 'illegal_parameter',
    raw: { psks: [external], selected: 1 },
    options: { externalPsks: known },
  },
  'a pre-shared key of another hash': {
    clause: '§4.2.11',
    alert: 'illegal_parameter',
    raw: { psks: [external] },
    options: { externalPsks: { ...known, hash: 'sha384' } },
  },
  'a pre-shared key without key_share': {
    clause: '§4.2.9',
    alert: 'missing_extension',
    raw: edited('ServerHello', without(ext.key_share), { psks: [external] }),
    options: { externalPsks: known },
  },
  'a byte too many': { clause: '§6.2', alert: 'decode_error', raw: at('ServerHello', longer) },
  'a byte too few': { clause: '§6.2', alert: 'decode_error', raw: at('ServerHello', shorter) },
  'no body': { clause: '§6.2', alert: 'decode_error', raw: at('ServerHello', () => handshake(2)) },
});

const retry: RawOptions = { retry: 'secp256r1' };
clientRefuses('a HelloRetryRequest', {
  'no change asked for': {
    clause: '§4.1.4',
    alert: 'illegal_parameter',
    raw: edited('HelloRetryRequest', without(ext.key_share), retry),
  },
  'a second one': {
    clause: '§4.1.4',
    alert: 'unexpected_message',
    raw: at(
      'ServerHello',
      (hello) =>
        encodeServerHello({
          legacyVersion: 0x0303,
          random: helloRetryRequestRandom(),
          sessionIdEcho: hello.slice(39, 71),
          cipherSuite: 0x1301,
          extensions: new Map([
            [ext.supported_versions, bytes(3, 4)],
            [ext.key_share, bytes(0, 0x18)],
          ]),
        }),
      retry,
    ),
  },
  'a group that was not offered': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: retry,
    options: { groups: ['x25519', 'secp384r1'] },
  },
  'a group nobody knows': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: edited('HelloRetryRequest', put(ext.key_share, bytes(0x5a, 0x5a)), retry),
  },
  'the group whose share was sent': { clause: '§4.2.8', alert: 'illegal_parameter', raw: { retry: 'x25519' } },
  'an extension nobody knows': {
    clause: '§4.2',
    alert: 'unsupported_extension',
    raw: edited('HelloRetryRequest', unknown, retry),
  },
  'an extension of another message': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('HelloRetryRequest', put(ext.pre_shared_key, bytes(0, 0)), retry),
  },
  'an extension twice': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('HelloRetryRequest', twice(ext.key_share), retry),
  },
  'an empty cookie': {
    clause: '§4.2.2',
    alert: 'decode_error',
    raw: edited('HelloRetryRequest', put(ext.cookie, bytes(0, 0)), retry),
  },
  'a whole share': {
    clause: '§4.2.8',
    alert: 'decode_error',
    raw: edited('HelloRetryRequest', share('secp256r1', offCurve(65)), retry),
  },
  'another session id': {
    clause: '§4.1.4',
    alert: 'illegal_parameter',
    raw: at('HelloRetryRequest', (hello) => patched(hello, 50, (hello[50] ?? 0) ^ 1), retry),
  },
  'a cipher suite that was not offered': {
    clause: '§4.1.4',
    alert: 'illegal_parameter',
    raw: at('HelloRetryRequest', (hello) => patched(hello, 71, 0x13, 2), retry),
    options: { cipherSuites: aes128 },
  },
  'another cipher suite afterwards': {
    clause: '§4.1.4',
    alert: 'illegal_parameter',
    raw: at('HelloRetryRequest', (hello) => patched(hello, 71, 0x13, 3), retry),
  },
  'a share of another group afterwards': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: edited('ServerHello', share('x25519', new Uint8Array(32).fill(9)), retry),
  },
  'an older version': {
    clause: '§4.1.4',
    alert: 'illegal_parameter',
    raw: edited('HelloRetryRequest', put(ext.supported_versions, bytes(3, 3)), retry),
  },
});

const inEncrypted = (edit: Edit): RawOptions => edited('EncryptedExtensions', edit);
clientRefuses('EncryptedExtensions', {
  ...Object.fromEntries(
    (
      [
        'key_share',
        'supported_versions',
        'cookie',
        'pre_shared_key',
        'psk_key_exchange_modes',
        'signature_algorithms',
        'certificate_authorities',
        'status_request',
        'oid_filters',
        'padding',
        'post_handshake_auth',
      ] as const
    ).map((name) => [
      `${name}, which may not stand there`,
      { clause: '§4.3.1', alert: 'illegal_parameter', raw: inEncrypted(put(ext[name], none)) },
    ]),
  ),
  ...Object.fromEntries(
    (['early_data', 'application_layer_protocol_negotiation', 'max_fragment_length', 'record_size_limit'] as const).map(
      (name) => [
        `${name}, which was not offered`,
        { clause: '§4.2', alert: 'unsupported_extension', raw: inEncrypted(put(ext[name], none)) },
      ],
    ),
  ),
  'an extension nobody knows': { clause: '§4.2', alert: 'unsupported_extension', raw: inEncrypted(unknown) },
  'an extension twice': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: inEncrypted((given) => [...given, [ext.server_name, none], [ext.server_name, none]]),
  },
  'server_name that is not empty': {
    clause: 'RFC 6066 §3',
    alert: 'decode_error',
    raw: inEncrypted(put(ext.server_name, bytes(0))),
  },
  'supported_groups that are malformed': {
    clause: '§6.2',
    alert: 'decode_error',
    raw: inEncrypted(put(ext.supported_groups, bytes(0, 3, 0, 0x1d, 0))),
  },
  'a protocol that was not offered': {
    clause: 'RFC 7301 §3.1',
    alert: 'illegal_parameter',
    raw: inEncrypted(put(ext.application_layer_protocol_negotiation, encodeAlpn(['b']))),
    options: { alpnProtocols: ['a'] },
  },
  'two protocols': {
    clause: 'RFC 7301 §3.1',
    alert: 'illegal_parameter',
    raw: inEncrypted(put(ext.application_layer_protocol_negotiation, encodeAlpn(['a', 'b']))),
    options: { alpnProtocols: ['a', 'b'] },
  },
  'no protocol': {
    clause: 'RFC 7301 §3.1',
    alert: 'decode_error',
    raw: inEncrypted(put(ext.application_layer_protocol_negotiation, bytes(0, 0))),
    options: { alpnProtocols: ['a'] },
  },
  'a record size limit of 63': {
    clause: 'RFC 8449 §4',
    alert: 'illegal_parameter',
    raw: inEncrypted(put(ext.record_size_limit, bytes(0, 63))),
    options: { recordSizeLimit: 1_000 },
  },
  'a record size limit over 2^14 + 1': {
    clause: 'RFC 8449 §4',
    alert: 'illegal_parameter',
    raw: inEncrypted(put(ext.record_size_limit, bytes(0x40, 2))),
    options: { recordSizeLimit: 1_000 },
  },
  'a record size limit cut short': {
    clause: 'RFC 8449 §4',
    alert: 'decode_error',
    raw: inEncrypted(put(ext.record_size_limit, bytes(64))),
    options: { recordSizeLimit: 1_000 },
  },
  'a byte too many': { clause: '§6.2', alert: 'decode_error', raw: at('EncryptedExtensions', longer) },
});

const asked: RawOptions = { requestCertificate: true };
clientRefuses('a CertificateRequest', {
  'a context': {
    clause: '§4.3.2',
    alert: 'illegal_parameter',
    raw: at('CertificateRequest', (message) => handshake(13, joined([bytes(1, 7), message.subarray(5)])), asked),
  },
  'no signature_algorithms': {
    clause: '§4.3.2',
    alert: 'missing_extension',
    raw: edited('CertificateRequest', without(ext.signature_algorithms), asked),
  },
  'no signature algorithm': {
    clause: '§4.2.3',
    alert: 'decode_error',
    raw: edited('CertificateRequest', put(ext.signature_algorithms, bytes(0, 0)), asked),
  },
  'an odd list of signature algorithms': {
    clause: '§4.2.3',
    alert: 'decode_error',
    raw: edited('CertificateRequest', put(ext.signature_algorithms, bytes(0, 3, 4, 3, 4)), asked),
  },
  'malformed certificate_authorities': {
    clause: '§4.2.4',
    alert: 'decode_error',
    raw: edited('CertificateRequest', put(ext.certificate_authorities, bytes(0, 2, 0, 0)), asked),
  },
  'malformed signature_algorithms_cert': {
    clause: '§4.2.3',
    alert: 'decode_error',
    raw: edited('CertificateRequest', put(ext.signature_algorithms_cert, bytes(0, 1, 4)), asked),
  },
  'an extension of another message': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('CertificateRequest', put(ext.key_share, none), asked),
  },
  'an extension twice': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: edited('CertificateRequest', twice(ext.signature_algorithms), asked),
  },
  'a second one': {
    clause: '§4.3.2',
    alert: 'unexpected_message',
    raw: at('CertificateRequest', (message) => [message, message], asked),
  },
  'one beside a pre-shared key': {
    clause: '§4.3.2',
    alert: 'unexpected_message',
    raw: at('EncryptedExtensions', (message) => [message, handshake(13, bytes(0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3))], {
      psks: [external],
    }),
    options: { externalPsks: known },
  },
});

const vector = (size: 1 | 2 | 3, content: Uint8Array): Uint8Array =>
  joined([Uint8Array.from({ length: size }, (_, at) => (content.length >> (8 * (size - 1 - at))) & 0xff), content]);
const certificateOf = (
  certificate: Uint8Array,
  extensions: Uint8Array = none,
  context: Uint8Array = none,
): Uint8Array =>
  handshake(11, joined([vector(1, context), vector(3, joined([vector(3, certificate), vector(2, extensions)]))]));
const extension = (kind: number, data: Uint8Array): Uint8Array =>
  joined([bytes(kind >> 8, kind & 0xff), vector(2, data)]);
const staple = extension(ext.status_request, joined([bytes(1), vector(3, bytes(1, 2))]));

clientRefuses('a Certificate', {
  'a context': {
    clause: '§4.4.2',
    alert: 'illegal_parameter',
    raw: at('Certificate', () => certificateOf(hostLeaf.der, none, bytes(1))),
  },
  'no certificate': { clause: '§4.4.2.4', alert: 'decode_error', raw: { chain: [] } },
  'an empty certificate': { clause: '§4.4.2', alert: 'decode_error', raw: { chain: [none] } },
  'what is no certificate': { clause: '§4.4.2', alert: 'bad_certificate', raw: { chain: [bytes(1, 2, 3)] } },
  'a staple that was not asked for': {
    clause: '§4.4.2',
    alert: 'unsupported_extension',
    raw: at('Certificate', () => certificateOf(hostLeaf.der, staple)),
  },
  'an empty staple': {
    clause: 'RFC 6066 §8',
    alert: 'decode_error',
    raw: at('Certificate', () => certificateOf(hostLeaf.der, extension(ext.status_request, bytes(1, 0, 0, 0)))),
    options: { requestOcsp: true },
  },
  'a staple that is not OCSP': {
    clause: 'RFC 6066 §8',
    alert: 'illegal_parameter',
    raw: at('Certificate', () => certificateOf(hostLeaf.der, extension(ext.status_request, bytes(2, 0, 0, 1, 1)))),
    options: { requestOcsp: true },
  },
  'an extension of another message': {
    clause: '§4.4.2',
    alert: 'illegal_parameter',
    raw: at('Certificate', () => certificateOf(hostLeaf.der, extension(ext.key_share, none))),
  },
  'an extension twice': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: at('Certificate', () => certificateOf(hostLeaf.der, joined([staple, staple]))),
    options: { requestOcsp: true },
  },
  'an entry cut short': {
    clause: '§6.2',
    alert: 'decode_error',
    raw: at('Certificate', () => handshake(11, joined([bytes(0), vector(3, bytes(0, 0, 9, 1))]))),
  },
  'a byte too many': { clause: '§6.2', alert: 'decode_error', raw: at('Certificate', longer) },
});

const rsaLeaf = issue({ issuer: root, dns: ['host.test'], kind: 'rsa' });
const secret = hostLeaf.keys.secret!;
const proof = (alter: Alter, raw: RawOptions = {}): RawOptions => at('CertificateVerify', alter, raw);
const algorithm = (high: number, low: number): RawOptions => proof((message) => patched(message, 4, high, low));
clientRefuses('a CertificateVerify', {
  'a scheme that was not offered': {
    clause: '§4.4.3',
    alert: 'illegal_parameter',
    raw: algorithm(4, 3),
    options: { signatureAlgorithms: ['rsa_pss_rsae_sha256'] },
  },
  'a scheme nobody knows': { clause: '§4.4.3', alert: 'illegal_parameter', raw: algorithm(0x5a, 0x5a) },
  'ECDSA with SHA-1': { clause: '§4.4.3', alert: 'illegal_parameter', raw: algorithm(2, 3) },
  'RSA PKCS #1 v1.5': {
    clause: '§4.2.3',
    alert: 'illegal_parameter',
    raw: proof((m) => patched(m, 4, 4, 1), { issued: rsaLeaf }),
  },
  'a scheme of another kind of key': { clause: '§4.4.3', alert: 'illegal_parameter', raw: algorithm(8, 4) },
  'a scheme of another curve': { clause: '§4.2.3', alert: 'illegal_parameter', raw: algorithm(5, 3) },
  'rsa_pss_pss with an rsaEncryption key': {
    clause: '§4.2.3',
    alert: 'illegal_parameter',
    raw: proof((m) => patched(m, 4, 8, 9), { issued: rsaLeaf }),
  },
  'a flipped signature': {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: proof((message) => patched(message, -1, (message.at(-1) ?? 0) ^ 1)),
  },
  'an empty signature': {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: proof(() => handshake(15, bytes(4, 3, 0, 0))),
  },
  "a client's context string": {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: proof((_, peer) => certificateVerify(secret, 'client', peer.digest())),
  },
  'a signature over another transcript': {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: proof(() => certificateVerify(secret, 'server', new Uint8Array(32))),
  },
  'the key of another certificate': {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: proof((_, peer) => certificateVerify(clientLeaf.keys.secret!, 'server', peer.digest())),
  },
  'a byte too many': { clause: '§6.2', alert: 'decode_error', raw: proof(longer) },
  'none at all': { clause: '§4.4.3', alert: 'unexpected_message', raw: proof(() => []) },
});

const finished = (alter: Alter, raw: RawOptions = {}): RawOptions => at('Finished', alter, raw);
const wrongFinished: Table = {
  'a flipped bit': {
    clause: '§4.4.4',
    alert: 'decrypt_error',
    raw: finished((message) => patched(message, 20, (message[20] ?? 0) ^ 1)),
  },
  zeros: {
    clause: '§4.4.4',
    alert: 'decrypt_error',
    raw: finished(() => encodeFinished({ verifyData: new Uint8Array(32) })),
  },
  'a byte too many': { clause: '§6.2', alert: 'decode_error', raw: finished(longer) },
  'a byte too few': { clause: '§6.2', alert: 'decode_error', raw: finished(shorter) },
  'no body': { clause: '§6.2', alert: 'decode_error', raw: finished(() => handshake(20)) },
  'of the other hash': {
    clause: '§6.2',
    alert: 'decode_error',
    raw: finished(() => encodeFinished({ verifyData: new Uint8Array(48) })),
  },
};
clientRefuses('a Finished', wrongFinished);
serverRefuses('a Finished', wrongFinished);

const hello = (alter: Alter): RawOptions => at('ClientHello', alter);
const helloWith = (edit: Edit): RawOptions => ({ extensions: edit });
const missing = (...kinds: readonly number[]): RawOptions => helloWith(without(...kinds));
const shares = (...entries: readonly (readonly [number, Uint8Array])[]): RawOptions =>
  helloWith(put(ext.key_share, encodeKeyShareClient(entries.map(([group, keyExchange]) => ({ group, keyExchange })))));
const some32 = new Uint8Array(32).fill(9);
const names = { serverNames: { 'host.test': credentials(hostLeaf) }, requireServerName: true };
const alpn = ext.application_layer_protocol_negotiation;

serverRefuses('a ClientHello', {
  'legacy_version 0x0302': { clause: '§4.1.2', alert: 'protocol_version', raw: hello((m) => patched(m, 4, 3, 2)) },
  'SSL 3.0': { clause: '§D.5', alert: 'protocol_version', raw: hello((m) => patched(m, 4, 3, 0)) },
  'no supported_versions': { clause: '§4.2.1', alert: 'protocol_version', raw: missing(ext.supported_versions) },
  'TLS 1.2 alone': {
    clause: '§4.2.1',
    alert: 'protocol_version',
    raw: helloWith(put(ext.supported_versions, bytes(2, 3, 3))),
  },
  'supported_versions of odd length': {
    clause: '§4.2.1',
    alert: 'decode_error',
    raw: helloWith(put(ext.supported_versions, bytes(3, 3, 4, 3))),
  },
  'no extensions': {
    clause: '§4.1.2',
    alert: 'protocol_version',
    raw: hello((m) => handshake(1, m.slice(4, 4 + 2 + 32 + 33 + 4 + 2))),
  },
  'a session id of 33 bytes': {
    clause: '§4.1.2',
    alert: 'decode_error',
    raw: { sessionId: new Uint8Array(33) },
  },
  'compression beside none': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: hello((m) => handshake(1, joined([m.slice(4, 75), bytes(2, 0, 1), m.slice(77)]))),
  },
  'compression alone': { clause: '§4.1.2', alert: 'illegal_parameter', raw: hello((m) => patched(m, 76, 1)) },
  'no compression method': {
    clause: '§4.1.2',
    alert: 'decode_error',
    raw: hello((m) => handshake(1, joined([m.slice(4, 75), bytes(0), m.slice(77)]))),
  },
  'no cipher suite': {
    clause: '§4.1.2',
    alert: 'decode_error',
    raw: hello((m) => handshake(1, joined([m.slice(4, 71), bytes(0, 0), m.slice(75)]))),
  },
  'half a cipher suite': {
    clause: '§4.1.2',
    alert: 'decode_error',
    raw: hello((m) => handshake(1, joined([m.slice(4, 71), bytes(0, 1, 0x13), m.slice(75)]))),
  },
  'no cipher suite in common': {
    clause: '§4.1.1',
    alert: 'handshake_failure',
    options: { cipherSuites: ['TLS_CHACHA20_POLY1305_SHA256'] },
  },
  'an extension twice': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: helloWith(twice(ext.supported_versions)),
  },
  'an extension of another message': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    raw: helloWith(put(ext.oid_filters, bytes(0, 0))),
  },
  'no key_share': { clause: '§9.2', alert: 'missing_extension', raw: missing(ext.key_share) },
  'no supported_groups': { clause: '§9.2', alert: 'missing_extension', raw: missing(ext.supported_groups) },
  'no signature_algorithms': { clause: '§9.2', alert: 'missing_extension', raw: missing(ext.signature_algorithms) },
  'no group in common': {
    clause: '§4.1.1',
    alert: 'handshake_failure',
    raw: helloWith((given) =>
      put(ext.supported_groups, encodeSupportedGroups([0x1e]))(put(ext.key_share, bytes(0, 0))(given)),
    ),
  },
  'no signature scheme in common': {
    clause: '§4.4.2.2',
    alert: 'handshake_failure',
    raw: helloWith(put(ext.signature_algorithms, encodeSignatureAlgorithms([0x0804]))),
  },
  'no signature scheme': {
    clause: '§4.2.3',
    alert: 'decode_error',
    raw: helloWith(put(ext.signature_algorithms, bytes(0, 0))),
  },
  'a group twice': {
    clause: 'RFC 9846 §4.3.7',
    alert: 'illegal_parameter',
    raw: helloWith(put(ext.supported_groups, encodeSupportedGroups([0x1d, 0x1d]))),
  },
  'two shares of a group': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: shares([0x1d, some32], [0x1d, some32]),
  },
  'a share of a group that is not offered': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: shares([0x1d, some32], [0x1e, some32]),
  },
  'shares in another order': {
    clause: '§4.2.8',
    alert: 'illegal_parameter',
    raw: shares([0x17, offCurve(65)], [0x1d, some32]),
  },
  'an empty share': { clause: '§4.2.8', alert: 'decode_error', raw: shares([0x1d, none]) },
  'a share too short': { clause: '§4.2.8.2', alert: 'illegal_parameter', raw: shares([0x1d, some32.slice(1)]) },
  'a share that is all zeros': {
    clause: '§7.4.2',
    alert: 'illegal_parameter',
    raw: shares([0x1d, new Uint8Array(32)]),
  },
  'a point that is not on P-256': { clause: '§4.2.8.2', alert: 'illegal_parameter', raw: shares([0x17, offCurve(65)]) },
  'a point that is not on P-384': { clause: '§4.2.8.2', alert: 'illegal_parameter', raw: shares([0x18, offCurve(97)]) },
  'early data without a pre-shared key': {
    clause: '§4.2.10',
    alert: 'missing_extension',
    raw: helloWith(put(ext.early_data, none)),
  },
  'early_data that is not empty': {
    clause: '§4.2.10',
    alert: 'decode_error',
    raw: { psks: [external], extensions: put(ext.early_data, bytes(0)) },
  },
  'post_handshake_auth that is not empty': {
    clause: '§4.2.6',
    alert: 'decode_error',
    raw: helloWith(put(ext.post_handshake_auth, bytes(0))),
  },
  'malformed certificate_authorities': {
    clause: '§4.2.4',
    alert: 'decode_error',
    raw: helloWith(put(ext.certificate_authorities, bytes(0, 2, 0, 0))),
  },
  'malformed signature_algorithms_cert': {
    clause: '§4.2.3',
    alert: 'decode_error',
    raw: helloWith(put(ext.signature_algorithms_cert, bytes(0, 1, 4))),
  },
  'a malformed status_request': {
    clause: 'RFC 6066 §8',
    alert: 'decode_error',
    raw: helloWith(put(ext.status_request, bytes(1, 0, 1))),
  },
  'two host names': {
    clause: 'RFC 6066 §3',
    alert: 'illegal_parameter',
    raw: helloWith((given) => {
      const one = encodeServerName('host.test').slice(2);
      return put(ext.server_name, vector(2, joined([one, one])))(given);
    }),
  },
  'an empty host name': {
    clause: 'RFC 6066 §3',
    alert: 'decode_error',
    raw: helloWith(put(ext.server_name, bytes(0, 3, 0, 0, 0))),
  },
  'no host name where one is required': {
    clause: '§9.2',
    alert: 'missing_extension',
    raw: missing(ext.server_name),
    options: names,
  },
  'a host name that is not served': {
    clause: 'RFC 6066 §3',
    alert: 'unrecognized_name',
    raw: { serverName: 'other.test' },
    options: names,
  },
  'no protocol in common': {
    clause: 'RFC 7301 §3.2',
    alert: 'no_application_protocol',
    raw: helloWith(put(alpn, encodeAlpn(['a']))),
    options: { alpnProtocols: ['b'] },
  },
  'a protocol twice': {
    clause: 'RFC 7301 §3.1',
    alert: 'illegal_parameter',
    raw: helloWith(put(alpn, encodeAlpn(['a', 'a']))),
  },
  'an empty protocol': { clause: 'RFC 7301 §3.1', alert: 'decode_error', raw: helloWith(put(alpn, bytes(0, 1, 0))) },
  'a record size limit of 63': {
    clause: 'RFC 8449 §4',
    alert: 'illegal_parameter',
    raw: helloWith(put(ext.record_size_limit, bytes(0, 63))),
  },
  'a record size limit cut short': {
    clause: 'RFC 8449 §4',
    alert: 'decode_error',
    raw: helloWith(put(ext.record_size_limit, bytes(64))),
  },
  'a byte too many': { clause: '§6.2', alert: 'decode_error', raw: hello(longer) },
  'a byte too few': { clause: '§6.2', alert: 'decode_error', raw: hello(shorter) },
});

const offering: RawOptions = { psks: [external] };
serverRefuses('pre-shared keys', {
  'a binder that is wrong': {
    clause: '§4.2.11',
    alert: 'decrypt_error',
    raw: at('ClientHello', (m) => patched(m, -1, (m.at(-1) ?? 0) ^ 1), offering),
    options: { externalPsks: known },
  },
  'a binder of another kind': {
    clause: '§4.2.11.2',
    alert: 'decrypt_error',
    raw: { psks: [{ ...external, kind: 'resumption' }] },
    options: { externalPsks: known },
  },
  'a binder under another key': {
    clause: '§4.2.11.2',
    alert: 'decrypt_error',
    raw: { psks: [{ ...external, key: some32 }] },
    options: { externalPsks: known },
  },
  'a binder of another length': {
    clause: '§4.2.11.2',
    alert: 'decrypt_error',
    raw: { psks: [{ ...external, hash: 'sha384' }] },
    options: { externalPsks: known },
  },
  'no psk_key_exchange_modes': {
    clause: '§4.2.9',
    alert: 'missing_extension',
    raw: { ...offering, extensions: without(ext.psk_key_exchange_modes) },
  },
  'no mode': {
    clause: '§4.2.9',
    alert: 'decode_error',
    raw: { ...offering, extensions: put(ext.psk_key_exchange_modes, bytes(0)) },
  },
  'no key exchange': {
    clause: '§4.2.9',
    alert: 'handshake_failure',
    raw: { ...offering, extensions: without(ext.key_share, ext.supported_groups) },
    options: { externalPsks: known },
  },
  'an extension behind it': {
    clause: '§4.2.11',
    alert: 'illegal_parameter',
    raw: edited('ClientHello', unknown, offering),
  },
  'no certificate can be used and no key either': {
    clause: '§9.2',
    alert: 'missing_extension',
    raw: { ...offering, extensions: without(ext.signature_algorithms) },
  },
  'a binder too few': {
    clause: '§4.2.11',
    alert: 'illegal_parameter',
    raw: edited(
      'ClientHello',
      put(
        ext.pre_shared_key,
        joined([
          vector(2, joined([vector(2, identity), bytes(0, 0, 0, 0), vector(2, identity), bytes(0, 0, 0, 0)])),
          vector(2, vector(1, some32)),
        ]),
      ),
      offering,
    ),
  },
  'a binder too short': {
    clause: '§4.2.11',
    alert: 'decode_error',
    raw: edited(
      'ClientHello',
      put(
        ext.pre_shared_key,
        joined([
          vector(2, joined([vector(2, identity), bytes(0, 0, 0, 0)])),
          vector(2, joined([vector(1, some32.slice(1)), bytes(0)])),
        ]),
      ),
      offering,
    ),
  },
  'an empty identity': {
    clause: '§4.2.11',
    alert: 'decode_error',
    raw: edited(
      'ClientHello',
      put(
        ext.pre_shared_key,
        joined([vector(2, joined([vector(2, none), bytes(0, 0, 0, 0, 9)])), vector(2, vector(1, some32))]),
      ),
      offering,
    ),
  },
});

const again = { groups: ['secp256r1'] } as const;
const second = (edit: Edit, raw: RawOptions = {}): RawOptions => ({
  ...raw,
  extensions: (given, number) => (number === 2 ? edit(given) : given),
});
let drift = 0;
/** One that another server has made. */
function foreignCookie(): Uint8Array {
  let found: Uint8Array | undefined;
  serverAndPeer(
    second((given) => {
      found = given.find(([each]) => each === ext.cookie)?.[1];
      return given;
    }),
    again,
    { seed: 99 },
  );
  return found!;
}
serverRefuses('a second ClientHello', {
  'another random': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: at('second ClientHello', (m) => patched(m, 10, (m[10] ?? 0) ^ 1)),
    options: again,
  },
  'another session id': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: at('second ClientHello', (m) => patched(m, 50, (m[50] ?? 0) ^ 1)),
    options: again,
  },
  'other cipher suites': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: at('second ClientHello', (m) =>
      handshake(1, joined([m.slice(4, 71), bytes(0, 4, 0x13, 1, 0x13, 2), m.slice(75)])),
    ),
    options: again,
  },
  'another name': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(put(ext.server_name, encodeServerName('other.test'))),
    options: again,
  },
  'no name any more': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(without(ext.server_name)),
    options: again,
  },
  'a protocol more': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(put(alpn, encodeAlpn(['a']))),
    options: again,
  },
  'an unknown extension more': { clause: '§4.1.2', alert: 'illegal_parameter', raw: second(unknown), options: again },
  'other groups': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(put(ext.supported_groups, encodeSupportedGroups([0x17]))),
    options: again,
  },
  'other signature schemes': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(put(ext.signature_algorithms, encodeSignatureAlgorithms([0x0403]))),
    options: again,
  },
  'early data': {
    clause: '§4.2.10',
    alert: 'illegal_parameter',
    raw: second(put(ext.early_data, none), offering),
    options: again,
  },
  'no cookie': { clause: '§4.2.2', alert: 'missing_extension', raw: second(without(ext.cookie)), options: again },
  'an altered cookie': {
    clause: '§4.2.2',
    alert: 'illegal_parameter',
    raw: second((given) =>
      given.map(([each, data]) => [each, each === ext.cookie ? patched(data, -1, (data.at(-1) ?? 0) ^ 1) : data]),
    ),
    options: again,
  },
  'a cookie of one byte': {
    clause: '§4.2.2',
    alert: 'illegal_parameter',
    raw: second(put(ext.cookie, bytes(0, 1, 1))),
    options: again,
  },
  'a cookie that is too old': {
    clause: '§4.2.2',
    alert: 'illegal_parameter',
    raw: second((given) => {
      drift = 10_001;
      return given;
    }),
    options: again,
    end: { wallClock: () => now + drift },
  },
  'a cookie of another connection': {
    clause: '§4.2.2',
    alert: 'illegal_parameter',
    raw: second((given) => put(ext.cookie, foreignCookie())(given)),
    options: again,
  },
  'no share': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(put(ext.key_share, bytes(0, 0))),
    options: again,
  },
  'the share of the first': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second(put(ext.key_share, encodeKeyShareClient([{ group: 0x1d, keyExchange: some32 }]))),
    options: again,
  },
  'two shares': {
    clause: '§4.1.2',
    alert: 'illegal_parameter',
    raw: second((given) =>
      put(
        ext.key_share,
        encodeKeyShareClient([
          { group: 0x1d, keyExchange: some32 },
          { group: 0x17, keyExchange: offCurve(65) },
        ]),
      )(given),
    ),
    options: again,
  },
});

const asking = { clientAuth: 'require', clientCa: root.pem } as const;
serverRefuses("a client's certificate messages", {
  'an extension that was not asked for': {
    clause: '§4.4.2',
    alert: 'unsupported_extension',
    raw: at('Certificate', () => certificateOf(clientLeaf.der, staple)),
    options: asking,
  },
  'an extension of another message': {
    clause: '§4.4.2',
    alert: 'illegal_parameter',
    raw: at('Certificate', () => certificateOf(clientLeaf.der, extension(ext.key_share, none))),
    options: asking,
  },
  'a context': {
    clause: '§4.4.2',
    alert: 'illegal_parameter',
    raw: at('Certificate', () => certificateOf(clientLeaf.der, none, bytes(1))),
    options: asking,
  },
  'no certificate': {
    clause: '§4.4.2.4',
    alert: 'certificate_required',
    raw: at('Certificate', () => handshake(11, bytes(0, 0, 0, 0))),
    options: asking,
  },
  'no Certificate': { clause: '§4.4', alert: 'unexpected_message', raw: at('Certificate', () => []), options: asking },
  'no CertificateVerify': {
    clause: '§4.4.3',
    alert: 'unexpected_message',
    raw: at('CertificateVerify', () => []),
    options: asking,
  },
  'a CertificateVerify behind no certificate': {
    clause: '§4.4.3',
    alert: 'unexpected_message',
    raw: at('Certificate', () => handshake(11, bytes(0, 0, 0, 0))),
    options: { ...asking, clientAuth: 'request' },
  },
  'a flipped signature': {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: at('CertificateVerify', (m) => patched(m, -1, (m.at(-1) ?? 0) ^ 1)),
    options: asking,
  },
  "a server's context string": {
    clause: '§4.4.3',
    alert: 'decrypt_error',
    raw: at('CertificateVerify', (_, peer) => certificateVerify(clientLeaf.keys.secret!, 'server', peer.digest())),
    options: asking,
  },
  'a scheme that was not asked for': {
    clause: '§4.4.3',
    alert: 'illegal_parameter',
    raw: at('CertificateVerify', (m) => patched(m, 4, 2, 3)),
    options: asking,
  },
  'a Certificate that was not asked for': {
    clause: '§4.4.2',
    alert: 'unexpected_message',
    raw: at('Finished', (m) => [handshake(11, bytes(0, 0, 0, 0)), m]),
  },
});

t.test('what is strange and allowed goes on', async (t) => {
  const oddities: Record<string, WithPeer> = {
    'extensions nobody knows in ClientHello': serverAndPeer(helloWith((given) => grease(unknown(given)))),
    'GREASE everywhere in ClientHello': serverAndPeer(
      helloWith((given) =>
        put(
          ext.supported_versions,
          bytes(4, 0x5a, 0x5a, 3, 4),
        )(put(ext.supported_groups, encodeSupportedGroups([0x5a5a, 0x1d]))(given)),
      ),
    ),
    'no session id': serverAndPeer({ sessionId: none }),
    'padding that changes in the second ClientHello': serverAndPeer(
      { extensions: (given, number) => put(ext.padding, new Uint8Array(number))(given) },
      again,
    ),
    'early data offered in the first ClientHello alone': serverAndPeer(
      {
        ...offering,
        extensions: (given, number) => (number === 1 ? put(ext.early_data, none)(given) : given),
      },
      again,
    ),
    'unknown extensions in CertificateRequest': clientAndPeer(edited('CertificateRequest', unknown, asked)),
    'supported_groups in EncryptedExtensions': clientAndPeer(
      inEncrypted(put(ext.supported_groups, encodeSupportedGroups([0x1d, 0x5a5a]))),
    ),
    'no ChangeCipherSpec': clientAndPeer(at('ChangeCipherSpec', () => [])),
    'a second ChangeCipherSpec': clientAndPeer(at('ChangeCipherSpec', (m) => [m, m])),
    'a client without ChangeCipherSpec': serverAndPeer(at('ChangeCipherSpec', () => [])),
    'any record version in the clear': serverAndPeer({
      wire: (record) => [record[0] === type.handshake ? patched(record, 2, 9) : record],
    }),
    'another suite and group': clientAndPeer({ suite: cipherSuite.TLS_AES_256_GCM_SHA384 }),
  };
  for (const [name, { end, peer }] of Object.entries(oddities)) {
    t.ok(end.negotiated, `${name}: ${end.error?.message ?? 'no error'}`);
    t.ok(peer.connected, name);
  }
});
