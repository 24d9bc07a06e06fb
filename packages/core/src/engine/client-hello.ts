/** A ClientHello (RFC 8446 §4.1.2) as far as choosing an engine needs it. Read before any engine exists; nothing in it is authenticated. */
export interface ClientHello {
  /** legacy_version, as a number: 0x0303. */
  readonly legacyVersion: number;
  /** supported_versions (RFC 8446 §4.2.1) in the client's order, or legacy_version alone. */
  readonly supportedVersions: readonly number[];
  readonly cipherSuites: readonly number[];
  /** Extension types in the client's order. */
  readonly extensions: readonly number[];
  /** host_name of server_name (RFC 6066 §3), lower case. */
  readonly serverName?: string;
  /** Application protocols (RFC 7301) in the client's order. */
  readonly alpnProtocols: readonly string[];
  readonly supportedGroups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** The whole handshake message with its four byte header, for fingerprints. */
  readonly message: Uint8Array;
}
