import type { ClientSettings } from '../client-options.ts';
import { hashBytes } from '../crypto/cipher-suite.ts';
import type { CryptoProvider, KeyShare } from '../crypto/crypto-provider.ts';
import { groupNumber } from '../crypto/named-group.ts';
import { KeySchedule } from '../key-schedule/key-schedule.ts';
import { verifyData } from '../key-schedule/traffic-keys.ts';
import { encodeAlpn } from './extensions/alpn.ts';
import { encodeCookie } from './extensions/cookie.ts';
import type { Extension } from './extensions/extension.ts';
import { extensionType } from './extensions/extension-type.ts';
import { encodeKeyShareClient } from './extensions/key-share.ts';
import { bindersLength, encodePreSharedKeyClient } from './extensions/offered-psks.ts';
import { encodePskKeyExchangeModes, pskKeyExchangeMode } from './extensions/psk-key-exchange-modes.ts';
import { encodeRecordSizeLimit } from './extensions/record-size-limit.ts';
import { encodeServerName } from './extensions/server-name.ts';
import { encodeSignatureAlgorithms } from './extensions/signature-algorithms.ts';
import { encodeStatusRequest } from './extensions/status-request.ts';
import { encodeSupportedGroups } from './extensions/supported-groups.ts';
import { encodeSupportedVersionsClient, tls13Version } from './extensions/supported-versions.ts';
import { encodeClientHello } from './messages/client-hello.ts';
import type { OfferedPsk } from './offered-psk.ts';
import type { TranscriptHash } from './transcript-hash.ts';

/** What changes from one ClientHello to the one after HelloRetryRequest. */
export interface HelloParts {
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly share: KeyShare;
  readonly cookie: Uint8Array | undefined;
  readonly psks: readonly OfferedPsk[];
}

/** A ClientHello as it goes out, and the types of the extensions it offers. */
export interface BuiltHello {
  readonly message: Uint8Array;
  readonly offered: ReadonlySet<number>;
}

/** Our ClientHello (RFC 8446 §4.1.2). `transcript` holds what came before it, for binders. */
export function buildClientHello(settings: ClientSettings, parts: HelloParts, transcript: TranscriptHash): BuiltHello {
  const extensions = helloExtensions(settings, parts);
  const build = (binders: readonly Uint8Array[]): Uint8Array =>
    encodeClientHello({
      legacyVersion: 0x0303,
      random: parts.random,
      sessionId: parts.sessionId,
      cipherSuites: settings.suites.map(({ id }) => id),
      compressionMethods: Uint8Array.of(0),
      extensions: parts.psks.length === 0 ? extensions : [...extensions, preSharedKey(parts.psks, binders)],
    });
  const blanks = parts.psks.map(({ hash }) => new Uint8Array(hashBytes[hash]));
  const blank = build(blanks);
  const offered = new Set(extensions.map(({ type }) => type));
  if (parts.psks.length === 0) return { message: blank, offered };
  offered.add(extensionType.pre_shared_key);
  const truncated = blank.subarray(0, blank.length - bindersLength({ binders: blanks }));
  const binders = parts.psks.map((psk) => binder(settings.crypto, psk, transcript.digestWith(psk.hash, truncated)));
  return { message: build(binders), offered };
}

/** PskBinderEntry (RFC 8446 §4.2.11.2): a Finished over the hello up to the binders, under the key that is offered. */
export function binder(
  crypto: CryptoProvider,
  { kind, hash, key }: Pick<OfferedPsk, 'kind' | 'hash' | 'key'>,
  digest: Uint8Array,
): Uint8Array {
  const schedule = new KeySchedule(crypto, hash, key);
  const binderKey = schedule.binderKey(kind);
  const data = verifyData(crypto, hash, binderKey, digest);
  binderKey.fill(0);
  schedule.wipe();
  return data;
}

function helloExtensions(settings: ClientSettings, { share, cookie }: HelloParts): Extension[] {
  const { identity, groups, schemes, alpnProtocols, requestOcsp, recordSizeLimit } = settings;
  const extensions: Extension[] = [];
  const add = (type: number, data: Uint8Array): void => void extensions.push({ type, data });
  // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
  if (identity.kind === 'dns') add(extensionType.server_name, encodeServerName(identity.name));
  add(extensionType.supported_groups, encodeSupportedGroups(groups.map((name) => groupNumber[name])));
  add(extensionType.signature_algorithms, encodeSignatureAlgorithms(schemes.map(({ id }) => id)));
  if (requestOcsp) add(extensionType.status_request, encodeStatusRequest());
  if (alpnProtocols.length > 0) add(extensionType.application_layer_protocol_negotiation, encodeAlpn(alpnProtocols));
  if (recordSizeLimit !== undefined) add(extensionType.record_size_limit, encodeRecordSizeLimit(recordSizeLimit));
  add(extensionType.supported_versions, encodeSupportedVersionsClient([tls13Version]));
  if (cookie !== undefined) add(extensionType.cookie, encodeCookie(cookie));
  // RFC 8446 §4.2.9: without it "servers MUST NOT" send tickets that we could use.
  add(extensionType.psk_key_exchange_modes, encodePskKeyExchangeModes([pskKeyExchangeMode.psk_dhe_ke]));
  add(
    extensionType.key_share,
    encodeKeyShareClient([{ group: groupNumber[share.group], keyExchange: share.publicKey }]),
  );
  return extensions;
}

const preSharedKey = (psks: readonly OfferedPsk[], binders: readonly Uint8Array[]): Extension => ({
  type: extensionType.pre_shared_key,
  data: encodePreSharedKeyClient({
    identities: psks.map(({ identity, obfuscatedTicketAge }) => ({ identity, obfuscatedTicketAge })),
    binders,
  }),
});
