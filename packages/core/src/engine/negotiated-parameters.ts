import type { CertificateFailureReason } from './tls-error.ts';

/** Protocol versions by the names Node and OpenSSL give them, newest first. */
export const tlsVersions = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1'] as const;
export type TlsVersion = (typeof tlsVersions)[number];

/** Who the peer is and what came of checking it. */
export interface PeerIdentity {
  /** DER certificates, the leaf first; empty when the peer showed none. */
  readonly chain: readonly Uint8Array[];
  /** `passed`; `not-requested` when this side asked for no proof; otherwise why it failed, and core emits no connection. */
  readonly verification: 'passed' | 'not-requested' | CertificateFailureReason;
  /** The DER OCSP response stapled by the peer (RFC 6066 §8), if any. */
  readonly ocspStaple?: Uint8Array;
}

/** What the handshake agreed on. */
export interface NegotiatedParameters {
  readonly version: TlsVersion;
  /** The IANA name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuite: string;
  /** The key exchange group where the engine tells: `x25519`. */
  readonly group?: string;
  /** The application protocol (RFC 7301), absent when none was agreed on. */
  readonly alpnProtocol?: string;
  /** The name in the client's server_name extension (RFC 6066 §3), absent when there was none. */
  readonly serverName?: string;
  /** The handshake resumed an earlier session. */
  readonly resumed: boolean;
  readonly peer: PeerIdentity;
  /** Which emission of a `liveEngine` this connection was made with, counted from 1; core's to say, never the engine's. */
  readonly generation?: number;
}
