import type { EngineCapabilities, TlsVersion } from '@rxtls/core/engine';

/** What node-forge can do, in these versions. */
export const forgeCapabilities = (versions: readonly TlsVersion[]): EngineCapabilities =>
  Object.freeze<EngineCapabilities>({
    name: 'forge',
    versions: Object.freeze([...versions]),
    alpn: false,
    halfClose: Object.freeze([]),
    clientAuth: true,
    resumption: true,
    keyUpdate: Object.freeze([]),
    tasks: true,
    // Its `error` call sends an alert of any number, under whatever keys are in use.
    alerts: 'any',
    recordNumbers: false,
    // Records of TLS before 1.3 show their content type outside.
    innerRecordTypes: true,
    synchronous: true,
    injectedClock: true,
    injectedEntropy: true,
  });
