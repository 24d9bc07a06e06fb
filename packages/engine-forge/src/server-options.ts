import { ApiMisuseError } from '@rxtls/core/engine';
import {
  type ClientAuth,
  clientAuthOption,
  flag,
  ownOptions,
  verifyOption,
  type VerifyPeer,
} from '@rxtls/core/engine-parts';
import type { CertificateInput } from './certificates.ts';
import { type Credentials, type LoadedCredentials, loadCredentials, refuseSharedKey } from './credentials.ts';
import { requireLegacyFlag } from './require-legacy-flag.ts';
import { type TrustAnchors, trustAnchors } from './trust-anchors.ts';

/** Options of `forgeEngine.server`. Own properties only, read once and copied. */
export interface ForgeServerOptions {
  /** Without it the factory refuses: what it makes is weak by the protocol's age. */
  readonly dangerouslyAllowLegacyVersions: true;
  /** Chain and RSA key: a key of this engine's own, see `keysOfOtherEngines`. */
  readonly credentials: Credentials;
  /** Certificates of every other engine in use: the factory refuses `credentials` with the key of one of them. */
  readonly keysOfOtherEngines?: CertificateInput;
  /** Default `none`. With `request` a client that shows no certificate is `not-requested`; one that shows a bad one is refused. */
  readonly clientAuth?: ClientAuth;
  /** Trust anchors for clients, with RSA keys: required with `request` and `require`. */
  readonly clientCa?: CertificateInput;
  /** Asked after our own checks have passed, on resumption too. */
  readonly verify?: VerifyPeer;
  /** Accepts client certificates signed with SHA-1. */
  readonly dangerouslyAllowSha1Signatures?: boolean;
  /**
   * For a server where no newer version is to be had on the same address: answers clients that come after a failed newer
   * handshake (TLS_FALLBACK_SCSV, RFC 7507), and leaves out the downgrade sentinel of RFC 8446 §4.1.3.
   */
  readonly dangerouslyAllowFallback?: boolean;
  /** `'none'`: no resumption. Absent: sessions are kept in this factory's memory. */
  readonly sessions?: 'none';
  /** Reports secrets as `keylog` events, in the format of RFC 9850. */
  readonly keylog?: boolean;
}

/** The options of a server after reading. */
export interface ServerSettings {
  readonly credentials: LoadedCredentials;
  readonly clientAuth: ClientAuth;
  readonly trust: TrustAnchors | undefined;
  readonly verify: VerifyPeer | undefined;
  readonly allowSha1: boolean;
  readonly allowFallback: boolean;
  readonly resumption: boolean;
  readonly keylog: boolean;
}

const names = [
  'dangerouslyAllowLegacyVersions',
  'credentials',
  'keysOfOtherEngines',
  'clientAuth',
  'clientCa',
  'verify',
  'dangerouslyAllowSha1Signatures',
  'dangerouslyAllowFallback',
  'sessions',
  'keylog',
] as const satisfies readonly (keyof ForgeServerOptions)[];

/** Reads a server's options. @throws ApiMisuseError */
export function serverSettings(options: ForgeServerOptions): ServerSettings {
  const own = ownOptions(options, names, 'forgeEngine.server');
  requireLegacyFlag(own.dangerouslyAllowLegacyVersions, 'forgeEngine.server');
  const clientAuth = clientAuthOption(own.clientAuth);
  if (clientAuth !== 'none' && own.clientCa === undefined)
    throw new ApiMisuseError(`clientAuth '${clientAuth}' needs clientCa`);
  if (clientAuth === 'none' && own.clientCa !== undefined)
    throw new ApiMisuseError("clientCa needs clientAuth: 'request' or 'require'");
  if (own.sessions !== undefined && own.sessions !== 'none')
    throw new ApiMisuseError("sessions must be 'none' or left out: each factory keeps its own");
  if (own.credentials === undefined) throw new ApiMisuseError('credentials: cert and key are required');
  const credentials = loadCredentials(own.credentials, 'credentials');
  refuseSharedKey(credentials, own.keysOfOtherEngines);
  return {
    credentials,
    clientAuth,
    trust: own.clientCa === undefined ? undefined : trustAnchors(own.clientCa, 'clientCa'),
    verify: verifyOption(own.verify, 'verify'),
    allowSha1: flag(own.dangerouslyAllowSha1Signatures, 'dangerouslyAllowSha1Signatures'),
    allowFallback: flag(own.dangerouslyAllowFallback, 'dangerouslyAllowFallback'),
    resumption: own.sessions === undefined,
    keylog: flag(own.keylog, 'keylog'),
  };
}
