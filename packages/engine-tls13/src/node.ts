import { nodeCrypto } from './crypto/node/node-crypto.ts';
import { type Tls13Engine, tls13EngineOn } from './tls13-engine.ts';

export * from './public.ts';
export { nodeCrypto, nodeCryptoWith } from './crypto/node/node-crypto.ts';

/** TLS 1.3 on the primitives of `node:crypto`. */
export const tls13Engine: Tls13Engine = tls13EngineOn(nodeCrypto);
