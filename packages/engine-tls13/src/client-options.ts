import { ApiMisuseError } from '@rxtls/core/engine';
import {
  flag,
  ownOptions,
  portOption,
  type ReferenceIdentity,
  referenceIdentity,
  type SessionStore,
  sessionStoreOption,
  type VerifyPeer,
  verifyOption,
} from '@rxtls/core/engine-parts';
import type { CertificateInput } from './certificate/certificate-input.ts';
import { KnownCertificates } from './certificate/known-certificates.ts';
import { type Credentials, type LoadedCredentials, loadCredentials } from './certificate/load-credentials.ts';
import { type TrustAnchors, trustAnchors } from './certificate/trust-anchors.ts';
import type { CipherSuite, CipherSuiteName } from './crypto/cipher-suite.ts';
import type { CryptoProvider } from './crypto/crypto-provider.ts';
import type { GroupName } from './crypto/named-group.ts';
import type { SignatureScheme, SignatureSchemeName } from './crypto/signature-scheme.ts';
import type { ExternalPsk, LoadedPsk } from './external-psk.ts';
import type { OfferedPsk } from './handshake/offered-psk.ts';
import {
  alpnOption,
  externalPsksOption,
  groupsOption,
  paddingOption,
  recordSizeLimitOption,
  schemesOption,
  suitesOption,
} from './options.ts';
import type { RecordPadding } from './record/record-sender.ts';
import { ClientSessions, Tls13Sessions } from './session/client-sessions.ts';

/** Options of `tls13Engine.client`. Own properties only, read once and copied. */
export interface Tls13ClientOptions {
  /** Whom the certificate must be for (RFC 9525): a host name, also sent as SNI, or an IP address, never sent. */
  readonly serverName: string;
  /** Part of what a session is bound to; nothing connects to it. */
  readonly port?: number;
  /** Trust anchors; absent: the runtime's roots, where there are any (Node). */
  readonly ca?: CertificateInput;
  /** What we show when the server asks for a certificate. */
  readonly credentials?: Credentials;
  /** Application protocols in the order of preference (RFC 7301). */
  readonly alpnProtocols?: readonly string[];
  readonly cipherSuites?: readonly CipherSuiteName[];
  /** Key exchange groups; a share of the first is sent. */
  readonly groups?: readonly GroupName[];
  readonly signatureAlgorithms?: readonly SignatureSchemeName[];
  /** Asked after our own checks have passed, on resumption too, and of an external key with an empty chain. Adds to them, never replaces them. */
  readonly verify?: VerifyPeer;
  /** Asked instead of our own checks: chain, validity, usage, key sizes and name are then this function's work. */
  readonly dangerouslyReplaceVerification?: VerifyPeer;
  /** Where sessions are kept for resumption: a shared store, `'none'`, or absent for one of this factory's own. */
  readonly sessions?: SessionStore | 'none';
  /** Keys that both sides have from elsewhere (RFC 8446 §4.2.11), offered first. A server that takes one shows no certificate. */
  readonly externalPsks?: ExternalPsk | readonly ExternalPsk[];
  /** The most bytes of plaintext, its type and padding that the server may put into a record (RFC 8449): 64 to 16 385. */
  readonly recordSizeLimit?: number;
  /** Zeros to add to each of our protected records (RFC 8446 §5.4). */
  readonly padding?: RecordPadding;
  /** Looks like TLS 1.2 to middleboxes (RFC 8446 §D.4). Default `true`. */
  readonly middleboxCompatibility?: boolean;
  /** Reports secrets as `keylog` events, in the format of RFC 9850. */
  readonly keylog?: boolean;
  /** Asks for an OCSP staple (RFC 6066 §8), reported in `negotiated.peer.ocspStaple`. It is not checked. */
  readonly requestOcsp?: boolean;
}

/** The options of a client after reading. */
export interface ClientSettings {
  readonly crypto: CryptoProvider;
  readonly identity: ReferenceIdentity;
  readonly port: number;
  readonly trust: TrustAnchors;
  /** The certificates of servers. */
  readonly known: KnownCertificates;
  readonly credentials: LoadedCredentials | undefined;
  readonly alpnProtocols: readonly string[];
  readonly suites: readonly CipherSuite[];
  readonly groups: readonly GroupName[];
  readonly schemes: readonly SignatureScheme[];
  readonly verify: VerifyPeer | undefined;
  readonly replaceVerification: VerifyPeer | undefined;
  readonly sessions: ClientSessions;
  readonly externalPsks: readonly OfferedPsk[];
  readonly recordSizeLimit: number | undefined;
  readonly padding: RecordPadding | undefined;
  readonly middleboxCompatibility: boolean;
  readonly keylog: boolean;
  readonly requestOcsp: boolean;
}

const names = [
  'serverName',
  'port',
  'ca',
  'credentials',
  'alpnProtocols',
  'cipherSuites',
  'groups',
  'signatureAlgorithms',
  'verify',
  'dangerouslyReplaceVerification',
  'sessions',
  'externalPsks',
  'recordSizeLimit',
  'padding',
  'middleboxCompatibility',
  'keylog',
  'requestOcsp',
] as const satisfies readonly (keyof Tls13ClientOptions)[];

/** Reads a client's options. @throws ApiMisuseError */
export function clientSettings(crypto: CryptoProvider, options: Tls13ClientOptions): ClientSettings {
  const own = ownOptions(options, names, 'tls13Engine.client');
  const verify = verifyOption(own.verify, 'verify');
  const replaceVerification = verifyOption(own.dangerouslyReplaceVerification, 'dangerouslyReplaceVerification');
  if (verify !== undefined && replaceVerification !== undefined)
    throw new ApiMisuseError('give either verify, which adds to our checks, or dangerouslyReplaceVerification');
  const settings = {
    crypto,
    identity: referenceIdentity(own.serverName),
    port: portOption(own.port),
    trust: trustAnchors(own.ca, 'ca', crypto),
    known: new KnownCertificates(crypto),
    credentials: own.credentials === undefined ? undefined : loadCredentials(own.credentials, 'credentials', crypto),
    alpnProtocols: alpnOption(own.alpnProtocols),
    suites: suitesOption(own.cipherSuites, crypto),
    groups: groupsOption(own.groups, crypto),
    schemes: schemesOption(own.signatureAlgorithms),
    verify,
    replaceVerification,
    externalPsks: externalPsksOption(own.externalPsks, 'externalPsks').map(offeredPsk),
    recordSizeLimit: recordSizeLimitOption(own.recordSizeLimit),
    padding: paddingOption(own.padding),
    middleboxCompatibility:
      own.middleboxCompatibility === undefined || flag(own.middleboxCompatibility, 'middleboxCompatibility'),
    keylog: flag(own.keylog, 'keylog'),
    requestOcsp: flag(own.requestOcsp, 'requestOcsp'),
  };
  return { ...settings, sessions: new ClientSessions(settings, sessionStoreOption(own.sessions, Tls13Sessions)) };
}

const offeredPsk = ({ identity, key, hash }: LoadedPsk): OfferedPsk => ({
  kind: 'external',
  identity,
  // RFC 8446 §4.2.11: "For identities established externally, an obfuscated_ticket_age of 0 SHOULD be used".
  obfuscatedTicketAge: 0,
  hash,
  key,
});
