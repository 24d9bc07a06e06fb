import type { TlsVersion } from '@rxtls/core/engine';
import { ApiMisuseError } from '@rxtls/core/engine';
import {
  alpnList,
  flag,
  ownOptions,
  portOption,
  referenceIdentity,
  type ReferenceIdentity,
  type SessionStore,
  sessionStoreOption,
  verifyOption,
  type VerifyPeer,
} from '@rxtls/core/engine-parts';
import { type CertificateInput, type Credentials, type LoadedCredentials, loadCredentials } from './certificates.ts';
import { NodeSessions } from './node-sessions.ts';
import { cipherList, nameList, versionOptions } from './openssl-options.ts';
import { type TrustAnchors, trustAnchors } from './trust-anchors.ts';

/** Options of `nodeEngine.client`. Own properties only, read once and copied. */
export interface NodeClientOptions {
  /** Whom the certificate must be for (RFC 9525): a host name, also sent as SNI, or an IP address, never sent. */
  readonly serverName: string;
  /** Part of what a session is bound to; nothing connects to it. */
  readonly port?: number;
  /** Trust anchors; absent: the runtime's roots. */
  readonly ca?: CertificateInput;
  /** What we show when the server asks for a certificate. */
  readonly credentials?: Credentials;
  /** Application protocols in the order of preference (RFC 7301). */
  readonly alpnProtocols?: readonly string[];
  /** Default `TLSv1.2`. */
  readonly minVersion?: TlsVersion;
  /** Default `TLSv1.3`. */
  readonly maxVersion?: TlsVersion;
  /** Allows `minVersion` below TLS 1.2, and with it keys and hashes that OpenSSL's security level 1 refuses. */
  readonly dangerouslyAllowLegacyVersions?: boolean;
  /** OpenSSL's names, as a list or separated by colons. */
  readonly ciphers?: string | readonly string[];
  /** Key exchange groups. */
  readonly groups?: string | readonly string[];
  readonly signatureAlgorithms?: string | readonly string[];
  /** Asked after our own checks have passed, on resumption too. Adds to them, never replaces them. */
  readonly verify?: VerifyPeer;
  /** Asked instead of our own checks: chain, validity, usage, key sizes and name are then this function's work. */
  readonly dangerouslyReplaceVerification?: VerifyPeer;
  /** Where sessions are kept for resumption: a shared store, `'none'`, or absent for one of this factory's own. */
  readonly sessions?: SessionStore | 'none';
  /** Reports secrets as `keylog` events, in the format of RFC 9850. */
  readonly keylog?: boolean;
  /** Asks for an OCSP staple (RFC 6066 §8), reported in `negotiated.peer.ocspStaple`. It is not checked. */
  readonly requestOcsp?: boolean;
}

/** The options of a client after reading. */
export interface ClientSettings {
  readonly identity: ReferenceIdentity;
  readonly port: number;
  readonly trust: TrustAnchors;
  readonly credentials: LoadedCredentials | undefined;
  readonly alpnProtocols: readonly string[];
  readonly versions: { readonly min: TlsVersion; readonly max: TlsVersion };
  readonly legacy: boolean;
  readonly ciphers: string | undefined;
  readonly groups: string | undefined;
  readonly signatureAlgorithms: string | undefined;
  readonly verify: VerifyPeer | undefined;
  readonly replaceVerification: VerifyPeer | undefined;
  readonly sessions: NodeSessions | undefined;
  readonly keylog: boolean;
  readonly requestOcsp: boolean;
}

const names = [
  'serverName',
  'port',
  'ca',
  'credentials',
  'alpnProtocols',
  'minVersion',
  'maxVersion',
  'dangerouslyAllowLegacyVersions',
  'ciphers',
  'groups',
  'signatureAlgorithms',
  'verify',
  'dangerouslyReplaceVerification',
  'sessions',
  'keylog',
  'requestOcsp',
] as const satisfies readonly (keyof NodeClientOptions)[];

/** Reads a client's options. @throws ApiMisuseError */
export function clientSettings(options: NodeClientOptions): ClientSettings {
  const own = ownOptions(options, names, 'nodeEngine.client');
  const legacy = flag(own.dangerouslyAllowLegacyVersions, 'dangerouslyAllowLegacyVersions');
  const verify = verifyOption(own.verify, 'verify');
  const replaceVerification = verifyOption(own.dangerouslyReplaceVerification, 'dangerouslyReplaceVerification');
  if (verify !== undefined && replaceVerification !== undefined)
    throw new ApiMisuseError('give either verify, which adds to our checks, or dangerouslyReplaceVerification');
  return {
    identity: referenceIdentity(own.serverName),
    port: portOption(own.port),
    trust: trustAnchors(own.ca as CertificateInput | undefined, 'ca'),
    credentials: own.credentials === undefined ? undefined : loadCredentials(own.credentials, 'credentials'),
    alpnProtocols: alpnList(own.alpnProtocols),
    versions: versionOptions(own.minVersion, own.maxVersion, legacy),
    legacy,
    ciphers: cipherList(own.ciphers, legacy),
    groups: nameList(own.groups, 'groups'),
    signatureAlgorithms: nameList(own.signatureAlgorithms, 'signatureAlgorithms'),
    verify,
    replaceVerification,
    sessions: sessionStoreOption(own.sessions, NodeSessions),
    keylog: flag(own.keylog, 'keylog'),
    requestOcsp: flag(own.requestOcsp, 'requestOcsp'),
  };
}
