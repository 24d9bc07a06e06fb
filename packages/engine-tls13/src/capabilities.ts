import type { EngineCapabilities } from '@rxtls/core/engine';

/** What the engine can do, in both roles and with every provider. */
export const tls13Capabilities: EngineCapabilities = Object.freeze<EngineCapabilities>({
  name: 'tls13',
  versions: Object.freeze(['TLSv1.3'] as const),
  alpn: true,
  halfClose: Object.freeze(['TLSv1.3'] as const),
  clientAuth: true,
  resumption: true,
  keyUpdate: Object.freeze(['TLSv1.3'] as const),
  tasks: true,
  alerts: 'any',
  recordNumbers: true,
  innerRecordTypes: true,
  synchronous: true,
  injectedClock: true,
  injectedEntropy: true,
});
