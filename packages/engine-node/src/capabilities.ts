import { type EngineCapabilities, type TlsRole, type TlsVersion, tlsVersions } from '@rxtls/core/engine';

/** What OpenSSL through Node's public API can do, for a role and a range of versions. */
export function nodeCapabilities(role: TlsRole, range: readonly TlsVersion[]): EngineCapabilities {
  const older = range.filter((version) => version !== 'TLSv1.3');
  return Object.freeze<EngineCapabilities>({
    name: 'node',
    versions: Object.freeze([...range]),
    alpn: true,
    halfClose: Object.freeze(range.filter((version) => version === 'TLSv1.3')),
    clientAuth: true,
    resumption: true,
    // Node has no call that starts a TLS 1.3 KeyUpdate; renegotiation is the client's to start.
    keyUpdate: Object.freeze(role === 'client' ? older : []),
    tasks: true,
    // A refused certificate, a limit and `abort` cut the connection: Node has no call that sends an alert.
    alerts: 'own',
    recordNumbers: false,
    innerRecordTypes: false,
    synchronous: false,
    // Validity is judged by the host's clock and, besides, by OpenSSL with the system's.
    injectedClock: false,
    injectedEntropy: false,
  });
}

/** The versions from `min` to `max`, newest first. */
export const versionRange = (min: TlsVersion, max: TlsVersion): readonly TlsVersion[] =>
  tlsVersions.slice(tlsVersions.indexOf(max), tlsVersions.indexOf(min) + 1);
