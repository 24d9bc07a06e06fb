import { ApiMisuseError, type TicketKeys, type TlsVersion } from '@rxtls/core/engine';
import {
  alpnList,
  type ClientAuth,
  clientAuthOption,
  flag,
  isRepeated,
  ownOptions,
  referenceIdentity,
  ticketKeysOption,
  verifyOption,
  type VerifyPeer,
} from '@rxtls/core/engine-parts';
import { type CertificateInput, type Credentials, type LoadedCredentials, loadCredentials } from './certificates.ts';
import { cipherList, nameList, versionOptions } from './openssl-options.ts';
import { type TrustAnchors, trustAnchors } from './trust-anchors.ts';

/** Options of `nodeEngine.server`. Own properties only, read once and copied. */
export interface NodeServerOptions {
  /** Chain and key; a list for one set each of RSA and ECDSA. */
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
  /** Asked after our own checks have passed, on resumption too. */
  readonly verify?: VerifyPeer;
  /**
   * What ticket keys are derived from, for servers that share sessions, and for rotation: 48 random bytes, or the current 48 and
   * at most four previous ones. Absent: random for each factory.
   */
  readonly ticketKeys?: Uint8Array | TicketKeys;
  /** `'none'`: no resumption. */
  readonly sessions?: 'none';
  /** A DER OCSP response about `credentials`, for clients that ask (RFC 6066 §8); those of `serverNames` go without. */
  readonly ocspStaple?: Uint8Array;
  readonly keylog?: boolean;
  /** Default `TLSv1.2`. */
  readonly minVersion?: TlsVersion;
  /** Default `TLSv1.3`. */
  readonly maxVersion?: TlsVersion;
  readonly dangerouslyAllowLegacyVersions?: boolean;
  readonly ciphers?: string | readonly string[];
  readonly groups?: string | readonly string[];
  readonly signatureAlgorithms?: string | readonly string[];
}

/** One entry of `serverNames`. */
interface VirtualHost {
  readonly pattern: string;
  readonly credentials: readonly LoadedCredentials[];
}

/** The options of a server after reading. */
export interface ServerSettings {
  readonly credentials: readonly LoadedCredentials[];
  readonly virtualHosts: readonly VirtualHost[];
  readonly requireServerName: boolean;
  readonly alpnProtocols: readonly string[];
  readonly clientAuth: ClientAuth;
  readonly trust: TrustAnchors | undefined;
  readonly verify: VerifyPeer | undefined;
  /** The current one first. */
  readonly ticketKeys: readonly [Uint8Array, ...Uint8Array[]] | undefined;
  readonly resumption: boolean;
  readonly ocspStaple: Buffer | undefined;
  readonly keylog: boolean;
  readonly versions: { readonly min: TlsVersion; readonly max: TlsVersion };
  readonly legacy: boolean;
  readonly ciphers: string | undefined;
  readonly groups: string | undefined;
  readonly signatureAlgorithms: string | undefined;
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
  'ocspStaple',
  'keylog',
  'minVersion',
  'maxVersion',
  'dangerouslyAllowLegacyVersions',
  'ciphers',
  'groups',
  'signatureAlgorithms',
] as const satisfies readonly (keyof NodeServerOptions)[];

/** Reads a server's options. @throws ApiMisuseError */
export function serverSettings(options: NodeServerOptions): ServerSettings {
  const own = ownOptions(options, names, 'nodeEngine.server');
  const legacy = flag(own.dangerouslyAllowLegacyVersions, 'dangerouslyAllowLegacyVersions');
  const clientAuth = clientAuthOption(own.clientAuth);
  if (clientAuth !== 'none' && own.clientCa === undefined)
    throw new ApiMisuseError(`clientAuth '${clientAuth}' needs clientCa: Node would trust every public authority`);
  if (clientAuth === 'none' && own.clientCa !== undefined)
    throw new ApiMisuseError("clientCa needs clientAuth: 'request' or 'require'");
  if (own.sessions !== undefined && own.sessions !== 'none')
    throw new ApiMisuseError("sessions must be 'none' or left out: a server's sessions are in its tickets");
  const virtualHosts = virtualHostList(own.serverNames);
  const requireServerName = flag(own.requireServerName, 'requireServerName');
  if (requireServerName && virtualHosts.length === 0) throw new ApiMisuseError('requireServerName needs serverNames');
  const credentials = credentialSets(own.credentials, 'credentials');
  const all = [credentials, ...virtualHosts.map((host) => host.credentials)].flat();
  if (clientAuth !== 'none' && all.some(({ pfx }) => pfx !== undefined))
    throw new ApiMisuseError('clientAuth needs credentials as cert and key: Node trusts the authorities inside a pfx');
  return {
    credentials,
    virtualHosts,
    requireServerName,
    alpnProtocols: alpnList(own.alpnProtocols),
    clientAuth,
    trust: own.clientCa === undefined ? undefined : trustAnchors(own.clientCa as CertificateInput, 'clientCa'),
    verify: verifyOption(own.verify, 'verify'),
    ticketKeys: ticketKeysOption(own.ticketKeys, bareKeyProblem),
    resumption: own.sessions === undefined,
    ocspStaple: staple(own.ocspStaple),
    keylog: flag(own.keylog, 'keylog'),
    versions: versionOptions(own.minVersion, own.maxVersion, legacy),
    legacy,
    ciphers: cipherList(own.ciphers, legacy),
    groups: nameList(own.groups, 'groups'),
    signatureAlgorithms: nameList(own.signatureAlgorithms, 'signatureAlgorithms'),
  };
}

function virtualHostList(value: unknown): readonly VirtualHost[] {
  if (value === undefined) return [];
  const names = Object.keys(Object(value));
  const own = ownOptions(value, names, 'serverNames');
  const hosts = names.map((name) => {
    const wildcard = name.startsWith('*.') ? '*.' : '';
    const identity = referenceIdentity(name.slice(wildcard.length));
    if (identity.kind !== 'dns') throw new ApiMisuseError('serverNames are host names, or *. and a host name');
    return {
      pattern: wildcard + identity.name,
      credentials: credentialSets(own[name], `serverNames[${JSON.stringify(name)}]`),
    };
  });
  if (new Set(hosts.map(({ pattern }) => pattern)).size < hosts.length)
    throw new ApiMisuseError('serverNames holds one name twice: upper and lower case are the same name');
  return hosts;
}

function credentialSets(value: unknown, name: string): readonly LoadedCredentials[] {
  const sets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || sets.length === 0) throw new ApiMisuseError(`${name}: cert and key are required`);
  return sets.map((set) => loadCredentials(set, name));
}

/** A single array may begin with any name: Node has the keys in the other two thirds. */
function bareKeyProblem(key: Uint8Array): string | undefined {
  if (key.length !== 48) return 'must be 48 bytes';
  const halves = [key.subarray(16, 32), key.subarray(32, 48)];
  return halves.some(isRepeated) ? 'must be random: one byte repeated is no key' : undefined;
}

function staple(value: unknown): Buffer | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Uint8Array) || value.length === 0) throw new ApiMisuseError('ocspStaple must be DER bytes');
  return Buffer.from(value);
}
