import { equalBytes } from '@rxtls/core/engine-parts';
import { decodeAlpnClient } from './extensions/alpn.ts';
import { decodeCookie } from './extensions/cookie.ts';
import { decodeEmpty } from './extensions/empty-extension.ts';
import { extensionType } from './extensions/extension-type.ts';
import { checkKeyShareGroups, decodeKeyShareClient, type KeyShareEntry } from './extensions/key-share.ts';
import { decodePreSharedKeyClient, type OfferedPsks } from './extensions/offered-psks.ts';
import { decodePskKeyExchangeModes } from './extensions/psk-key-exchange-modes.ts';
import { decodeRecordSizeLimitClient } from './extensions/record-size-limit.ts';
import { decodeServerName } from './extensions/server-name.ts';
import { decodeSignatureAlgorithms } from './extensions/signature-algorithms.ts';
import { decodeStatusRequest } from './extensions/status-request.ts';
import { decodeSupportedGroups } from './extensions/supported-groups.ts';
import { decodeSupportedVersionsClient, tls13Version } from './extensions/supported-versions.ts';
import { checkUnusedExtensions } from './extensions/unused-extensions.ts';
import { illegal, incompatible, missing } from './handshake-checks.ts';
import { decodeClientHello } from './messages/client-hello.ts';

/** What a ClientHello says, as far as a server acts on it. */
export interface ReadClientHello {
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly shares: readonly KeyShareEntry[];
  /** Absent where the client offers pre-shared keys alone. */
  readonly schemes: readonly number[] | undefined;
  readonly serverName: string | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
  readonly psks: OfferedPsks | undefined;
  readonly pskModes: readonly number[];
  readonly cookie: Uint8Array | undefined;
  readonly earlyData: boolean;
  readonly recordSizeLimit: number | undefined;
  readonly wantsStaple: boolean;
  /** Every extension by type, to compare a second ClientHello with the first. */
  readonly extensions: ReadonlyMap<number, Uint8Array>;
}

/** Reads a ClientHello and makes the checks of RFC 8446 §4.1.2, §4.2 and §9.2 that need nothing but itself. @throws PeerMisbehavedError, PeerIncompatibleError */
export function readClientHello(body: Uint8Array): ReadClientHello {
  const hello = decodeClientHello(body);
  // RFC 8446 §D.5: "Any endpoint receiving a Hello message with ClientHello.legacy_version ... set to 0x0300 MUST abort the handshake with a "protocol_version" alert."
  if (hello.legacyVersion <= 0x0300) throw incompatible('the client speaks SSL 3.0', 'protocol_version');
  const extensions = new Map(hello.extensions.map(({ type, data }) => [type, data]));
  checkUnusedExtensions(extensions, 'ClientHello');
  const read = <T>(type: number, decode: (data: Uint8Array) => T): T | undefined => {
    const data = extensions.get(type);
    return data === undefined ? undefined : decode(data);
  };
  const versions = read(extensionType.supported_versions, decodeSupportedVersionsClient);
  // RFC 8446 §4.2.1: without the extension a server negotiates TLS 1.2 or below, which is not spoken here.
  if (versions?.includes(tls13Version) !== true)
    throw incompatible('the client does not speak TLS 1.3; engine-node speaks TLS 1.2 with it', 'protocol_version');
  const groups = read(extensionType.supported_groups, decodeSupportedGroups);
  const shares = read(extensionType.key_share, decodeKeyShareClient);
  if (groups === undefined && shares === undefined && extensions.has(extensionType.pre_shared_key))
    throw incompatible('the client offers pre-shared keys without a key exchange, which would give no forward secrecy');
  // RFC 8446 §9.2: "If containing a "supported_groups" extension, it MUST also contain a "key_share" extension, and vice versa"; else "missing_extension".
  if (groups === undefined || shares === undefined) throw missing('supported_groups or key_share');
  checkKeyShareGroups(shares, groups);
  const psks = read(extensionType.pre_shared_key, decodePreSharedKeyClient);
  const pskModes = read(extensionType.psk_key_exchange_modes, decodePskKeyExchangeModes);
  // RFC 8446 §4.2.9: "If clients offer "pre_shared_key" without a "psk_key_exchange_modes" extension, servers MUST abort the handshake."
  if (psks !== undefined && pskModes === undefined) throw missing('psk_key_exchange_modes');
  // RFC 8446 §4.2.10: a client that sends early data "MUST supply both the "pre_shared_key" and "early_data" extensions".
  if (psks === undefined && extensions.has(extensionType.early_data)) throw missing('pre_shared_key');
  const schemes = read(extensionType.signature_algorithms, decodeSignatureAlgorithms);
  // RFC 8446 §9.2: "If not containing a "pre_shared_key" extension, it MUST contain both a "signature_algorithms" extension and a "supported_groups" extension."
  if (psks === undefined && schemes === undefined) throw missing('signature_algorithms');
  return {
    random: hello.random,
    sessionId: hello.sessionId,
    cipherSuites: hello.cipherSuites,
    groups,
    shares,
    schemes,
    serverName: read(extensionType.server_name, decodeServerName),
    alpnProtocols: read(extensionType.application_layer_protocol_negotiation, decodeAlpnClient),
    psks,
    pskModes: pskModes ?? [],
    cookie: read(extensionType.cookie, decodeCookie),
    earlyData: read(extensionType.early_data, isEmpty) === true,
    recordSizeLimit: read(extensionType.record_size_limit, decodeRecordSizeLimitClient),
    wantsStaple: read(extensionType.status_request, decodeStatusRequest) === true,
    extensions,
  };
}

function isEmpty(data: Uint8Array): true {
  decodeEmpty(data, 'ClientHello.early_data');
  return true;
}

/** RFC 8446 §4.1.2: what a client may change in the ClientHello after HelloRetryRequest. */
const mayChange: ReadonlySet<number> = new Set<number>([
  extensionType.key_share,
  extensionType.pre_shared_key,
  extensionType.early_data,
  extensionType.cookie,
  extensionType.padding,
]);

/** @throws PeerMisbehavedError `illegal_parameter` when the second ClientHello is not the first one but for what may change. */
export function checkSecondHello(first: ReadClientHello, second: ReadClientHello): void {
  const same =
    equalBytes(first.random, second.random) &&
    equalBytes(first.sessionId, second.sessionId) &&
    first.cipherSuites.join() === second.cipherSuites.join() &&
    kept(first.extensions) === kept(second.extensions);
  if (!same) throw illegal('the second ClientHello is another one');
  // RFC 8446 §4.2.10: "A client MUST NOT include the "early_data" extension in its followup ClientHello."
  if (second.earlyData) throw illegal('the second ClientHello offers early data');
}

const kept = (extensions: ReadonlyMap<number, Uint8Array>): string =>
  [...extensions]
    .filter(([type]) => !mayChange.has(type))
    .map(([type, data]) => `${type}:${data.join()}`)
    .join(';');
