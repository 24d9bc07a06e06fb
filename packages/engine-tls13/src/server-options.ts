import { ApiMisuseError, type TicketKeys, type TlsHost } from '@rxtls/core/engine';
import {
  type ClientAuth,
  clientAuthOption,
  flag,
  isRepeated,
  ownOptions,
  referenceIdentity,
  ticketKeysOption,
  type VerifyPeer,
  verifyOption,
} from '@rxtls/core/engine-parts';
import type { CertificateInput } from './certificate/certificate-input.ts';
import { type ChainRules, judgeChain } from './certificate/judge-chain.ts';
import { KnownCertificates } from './certificate/known-certificates.ts';
import { type Credentials, type LoadedCredentials, loadCredentials } from './certificate/load-credentials.ts';
import { type TrustAnchors, trustAnchors } from './certificate/trust-anchors.ts';
import type { CipherSuite, CipherSuiteName } from './crypto/cipher-suite.ts';
import type { CryptoProvider } from './crypto/crypto-provider.ts';
import type { GroupName } from './crypto/named-group.ts';
import type { SignatureScheme, SignatureSchemeName } from './crypto/signature-scheme.ts';
import type { ExternalPsk, LoadedPsk } from './external-psk.ts';
import type { VirtualHost } from './handshake/select-host.ts';
import type { ServerSelection } from './handshake/server-selection.ts';
import {
  alpnOption,
  externalPsksOption,
  groupsOption,
  paddingOption,
  recordSizeLimitOption,
  schemesOption,
  suitesOption,
} from './options.ts';
import { asciiBytes } from './presentation/ascii.ts';
import type { RecordPadding } from './record/record-sender.ts';
import { SealingKeys } from './session/sealing-keys.ts';
import { ServerTickets } from './session/server-tickets.ts';

/** Options of `tls13Engine.server`. Own properties only, read once and copied. */
export interface Tls13ServerOptions {
  /** Chain and key; a list for one set of each kind of key. */
  readonly credentials: Credentials | readonly Credentials[];
  /** Credentials for single names: `host.example`, or `*.example` for one more label. Sessions never cross from one to another. */
  readonly serverNames?: Readonly<Record<string, Credentials | readonly Credentials[]>>;
  /** Refuses a client that sends no name of `serverNames` with `unrecognized_name` (RFC 6066 §3). */
  readonly requireServerName?: boolean;
  /** Application protocols we speak; without overlap the handshake fails with `no_application_protocol` (RFC 7301 §3.2). */
  readonly alpnProtocols?: readonly string[];
  /** Default `none`. With `request` a client that shows no certificate is `not-requested`; one that shows a bad one is refused. */
  readonly clientAuth?: ClientAuth;
  /** Trust anchors for clients: required with `request` and `require`. */
  readonly clientCa?: CertificateInput;
  /** Asked after our own checks have passed, on resumption too, and of an external key with an empty chain. */
  readonly verify?: VerifyPeer;
  /**
   * What ticket keys are derived from, for servers that share sessions, and for rotation: at least 32 random bytes, or the
   * current 48 and at most four previous ones. Absent: random for each factory.
   */
  readonly ticketKeys?: Uint8Array | TicketKeys;
  /** `'none'`: no tickets. */
  readonly sessions?: 'none';
  /** Keys that clients have from elsewhere (RFC 8446 §4.2.11). A client that uses one shows no certificate. */
  readonly externalPsks?: ExternalPsk | readonly ExternalPsk[];
  /** A DER OCSP response about `credentials`, for clients that ask (RFC 6066 §8); those of `serverNames` go without. */
  readonly ocspStaple?: Uint8Array;
  readonly cipherSuites?: readonly CipherSuiteName[];
  readonly groups?: readonly GroupName[];
  readonly signatureAlgorithms?: readonly SignatureSchemeName[];
  /** The most bytes of plaintext, its type and padding that a client may put into a record (RFC 8449): 64 to 16 385. */
  readonly recordSizeLimit?: number;
  /** Zeros to add to each of our protected records (RFC 8446 §5.4). */
  readonly padding?: RecordPadding;
  readonly keylog?: boolean;
}

/** The options of a server after reading. */
export interface ServerSettings {
  readonly crypto: CryptoProvider;
  readonly credentials: readonly LoadedCredentials[];
  readonly virtualHosts: readonly VirtualHost[];
  readonly requireServerName: boolean;
  readonly alpnProtocols: readonly string[];
  readonly clientAuth: ClientAuth;
  readonly trust: TrustAnchors | undefined;
  /** The certificates of clients. */
  readonly known: KnownCertificates;
  readonly verify: VerifyPeer | undefined;
  readonly sealing: SealingKeys;
  readonly tickets: ServerTickets | undefined;
  readonly externalPsks: readonly LoadedPsk[];
  readonly ocspStaple: Uint8Array | undefined;
  readonly suites: readonly CipherSuite[];
  readonly groups: readonly GroupName[];
  readonly schemes: readonly SignatureScheme[];
  readonly recordSizeLimit: number | undefined;
  readonly padding: RecordPadding | undefined;
  readonly keylog: boolean;
  /** What a client's chain is held against. */
  clientRules(host: TlsHost): ChainRules;
}

const names = [
  'credentials',
  'serverNames',
  'requireServerName',
  'alpnProtocols',
  'clientAuth',
  'clientCa',
  'verify',
  'ticketKeys',
  'sessions',
  'externalPsks',
  'ocspStaple',
  'cipherSuites',
  'groups',
  'signatureAlgorithms',
  'recordSizeLimit',
  'padding',
  'keylog',
] as const satisfies readonly (keyof Tls13ServerOptions)[];

/** Reads a server's options. @throws ApiMisuseError */
export function serverSettings(crypto: CryptoProvider, options: Tls13ServerOptions): ServerSettings {
  const own = ownOptions(options, names, 'tls13Engine.server');
  const clientAuth = clientAuthOption(own.clientAuth);
  if (clientAuth !== 'none' && own.clientCa === undefined)
    throw new ApiMisuseError(`clientAuth '${clientAuth}' needs clientCa: without it nobody could be trusted`);
  if (clientAuth === 'none' && own.clientCa !== undefined)
    throw new ApiMisuseError("clientCa needs clientAuth: 'request' or 'require'");
  if (own.sessions !== undefined && own.sessions !== 'none')
    throw new ApiMisuseError("sessions must be 'none' or left out: a server's sessions are in its tickets");
  const externalPsks = externalPsksOption(own.externalPsks, 'externalPsks');
  if (clientAuth === 'require' && externalPsks.length > 0)
    throw new ApiMisuseError("clientAuth 'require' and externalPsks: a client with such a key shows no certificate");
  const trust = own.clientCa === undefined ? undefined : trustAnchors(own.clientCa, 'clientCa', crypto);
  const virtualHosts = virtualHostList(own.serverNames, crypto);
  const requireServerName = flag(own.requireServerName, 'requireServerName');
  if (requireServerName && virtualHosts.length === 0) throw new ApiMisuseError('requireServerName needs serverNames');
  const secrets = ticketKeysOption(own.ticketKeys, bareKeyProblem);
  const sealing = new SealingKeys(crypto, secrets);
  for (const secret of secrets ?? []) secret.fill(0);
  const known = new KnownCertificates(crypto);
  const clientRules = (host: TlsHost): ChainRules => ({
    usage: 'clientAuth',
    trust: trust!,
    now: host.wallClock(),
    limits: host.limits,
    crypto,
    known,
  });
  const stillGood = (host: TlsHost, chain: readonly Uint8Array[]): boolean =>
    chain.length === 0 ? clientAuth !== 'require' : trust !== undefined && passes(chain, clientRules(host));
  return {
    crypto,
    credentials: credentialSets(own.credentials, 'credentials', crypto),
    virtualHosts,
    requireServerName,
    alpnProtocols: alpnOption(own.alpnProtocols),
    clientAuth,
    trust,
    known,
    verify: verifyOption(own.verify, 'verify'),
    sealing,
    tickets: own.sessions === undefined ? new ServerTickets(crypto, sealing, known, stillGood) : undefined,
    externalPsks,
    ocspStaple: staple(own.ocspStaple),
    suites: suitesOption(own.cipherSuites, crypto),
    groups: groupsOption(own.groups, crypto),
    schemes: schemesOption(own.signatureAlgorithms),
    recordSizeLimit: recordSizeLimitOption(own.recordSizeLimit),
    padding: paddingOption(own.padding),
    keylog: flag(own.keylog, 'keylog'),
    clientRules,
  };
}

/** What a session of this server is bound to: who may resume, under which trust, as whose client, with which protocol and name. */
export function scopeOf(
  settings: ServerSettings,
  selection: ServerSelection,
  serverName: string | undefined,
): Uint8Array {
  const text = JSON.stringify([
    settings.clientAuth,
    settings.trust?.hash ?? null,
    [selection.host, selection.credentials.map(({ names }) => names)],
    [settings.alpnProtocols, selection.alpn ?? null],
    serverName ?? null,
  ]);
  return settings.crypto.sha256(asciiBytes(encodeURIComponent(text)));
}

function passes(chain: readonly Uint8Array[], rules: ChainRules): boolean {
  try {
    judgeChain(chain, rules);
    return true;
  } catch {
    // Whatever it is that speaks against the chain now: a full handshake will say it.
    return false;
  }
}

function virtualHostList(value: unknown, crypto: CryptoProvider): readonly VirtualHost[] {
  if (value === undefined) return [];
  const hosts = Object.keys(Object(value));
  const own = ownOptions(value, hosts, 'serverNames');
  const list = hosts.map((name) => {
    const wildcard = name.startsWith('*.') ? '*.' : '';
    const identity = referenceIdentity(name.slice(wildcard.length));
    if (identity.kind !== 'dns') throw new ApiMisuseError('serverNames are host names, or *. and a host name');
    return {
      pattern: wildcard + identity.name,
      credentials: credentialSets(own[name], `serverNames[${JSON.stringify(name)}]`, crypto),
    };
  });
  if (new Set(list.map(({ pattern }) => pattern)).size < list.length)
    throw new ApiMisuseError('serverNames holds one name twice: upper and lower case are the same name');
  return list;
}

function credentialSets(value: unknown, name: string, crypto: CryptoProvider): readonly LoadedCredentials[] {
  const sets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || sets.length === 0) throw new ApiMisuseError(`${name}: cert and key are required`);
  return sets.map((set) => loadCredentials(set, name, crypto));
}

/** A single array may be of any length that is a secret. */
function bareKeyProblem(key: Uint8Array): string | undefined {
  if (key.length < 32) return 'must be at least 32 bytes';
  return isRepeated(key) ? 'must be random: one byte repeated is no key' : undefined;
}

function staple(value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Uint8Array) || value.length === 0) throw new ApiMisuseError('ocspStaple must be DER bytes');
  return new Uint8Array(value);
}
