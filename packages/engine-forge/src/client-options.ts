import { ApiMisuseError, type TlsVersion } from '@rxtls/core/engine';
import {
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
import type { CertificateInput } from './certificates.ts';
import { type Credentials, type LoadedCredentials, loadCredentials } from './credentials.ts';
import { ForgeSessions } from './forge-sessions.ts';
import { requireLegacyFlag } from './require-legacy-flag.ts';
import { type TrustAnchors, trustAnchors } from './trust-anchors.ts';

/** Options of `forgeEngine.client`. Own properties only, read once and copied. */
export interface ForgeClientOptions {
  /** Without it the factory refuses: what it makes is weak by the protocol's age. */
  readonly dangerouslyAllowLegacyVersions: true;
  /** Whom the certificate must be for (RFC 9525): a host name, also sent as SNI, or an IP address, never sent. */
  readonly serverName: string;
  /** Part of what a session is bound to; nothing connects to it. */
  readonly port?: number;
  /** Trust anchors, with RSA keys. Required: node-forge has no roots of its own. */
  readonly ca: CertificateInput;
  /** What we show when the server asks for a certificate. RSA only. */
  readonly credentials?: Credentials;
  /** Default `TLSv1`. */
  readonly minVersion?: 'TLSv1' | 'TLSv1.1';
  /** Default `TLSv1.1`. */
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1';
  /** Asked after our own checks have passed, on resumption too. Adds to them, never replaces them. */
  readonly verify?: VerifyPeer;
  /** Asked instead of our own checks: chain, validity, usage, weak keys and name are then this function's work. */
  readonly dangerouslyReplaceVerification?: VerifyPeer;
  /** Accepts certificates signed with SHA-1, of which two with one signature can be made. MD5 is never accepted. */
  readonly dangerouslyAllowSha1Signatures?: boolean;
  /** Where sessions are kept for resumption: a shared store, `'none'`, or absent for one of this factory's own. */
  readonly sessions?: SessionStore | 'none';
  /** Reports secrets as `keylog` events, in the format of RFC 9850. */
  readonly keylog?: boolean;
}

/** The options of a client after reading. */
export interface ClientSettings {
  readonly identity: ReferenceIdentity;
  readonly port: number;
  readonly trust: TrustAnchors;
  readonly credentials: LoadedCredentials | undefined;
  /** Newest first. */
  readonly versions: readonly ('TLSv1' | 'TLSv1.1')[];
  readonly verify: VerifyPeer | undefined;
  readonly replaceVerification: VerifyPeer | undefined;
  readonly allowSha1: boolean;
  readonly sessions: ForgeSessions | undefined;
  readonly keylog: boolean;
}

const names = [
  'dangerouslyAllowLegacyVersions',
  'serverName',
  'port',
  'ca',
  'credentials',
  'minVersion',
  'maxVersion',
  'verify',
  'dangerouslyReplaceVerification',
  'dangerouslyAllowSha1Signatures',
  'sessions',
  'keylog',
] as const satisfies readonly (keyof ForgeClientOptions)[];

/** Reads a client's options. @throws ApiMisuseError */
export function clientSettings(options: ForgeClientOptions): ClientSettings {
  const own = ownOptions(options, names, 'forgeEngine.client');
  requireLegacyFlag(own.dangerouslyAllowLegacyVersions, 'forgeEngine.client');
  const verify = verifyOption(own.verify, 'verify');
  const replaceVerification = verifyOption(own.dangerouslyReplaceVerification, 'dangerouslyReplaceVerification');
  if (verify !== undefined && replaceVerification !== undefined)
    throw new ApiMisuseError('give either verify, which adds to our checks, or dangerouslyReplaceVerification');
  return {
    identity: referenceIdentity(own.serverName),
    port: portOption(own.port),
    trust: trustAnchors(own.ca, 'ca'),
    credentials: own.credentials === undefined ? undefined : loadCredentials(own.credentials, 'credentials'),
    versions: versions(own.minVersion, own.maxVersion),
    verify,
    replaceVerification,
    allowSha1: flag(own.dangerouslyAllowSha1Signatures, 'dangerouslyAllowSha1Signatures'),
    sessions: sessionStoreOption(own.sessions, ForgeSessions),
    keylog: flag(own.keylog, 'keylog'),
  };
}

const known = ['TLSv1.1', 'TLSv1'] as const satisfies readonly TlsVersion[];

function versions(min: unknown = 'TLSv1', max: unknown = 'TLSv1.1'): readonly ('TLSv1' | 'TLSv1.1')[] {
  const first = known.findIndex((version) => version === max);
  const last = known.findIndex((version) => version === min);
  if (first < 0 || last < 0)
    throw new ApiMisuseError(
      `${first < 0 ? 'maxVersion' : 'minVersion'} must be TLSv1.1 or TLSv1; for newer ones use nodeEngine of @rxtls/engine-node`,
    );
  if (first > last) throw new ApiMisuseError('minVersion is above maxVersion');
  return known.slice(first, last + 1);
}
