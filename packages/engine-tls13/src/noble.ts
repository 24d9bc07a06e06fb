import { nobleCrypto } from './crypto/noble/noble-crypto.ts';
import { type Tls13Engine, tls13EngineOn } from './tls13-engine.ts';

export * from './public.ts';
export { nobleCrypto, nobleCryptoWith } from './crypto/noble/noble-crypto.ts';

/** TLS 1.3 on the @noble packages, in any runtime. */
export const tls13Engine: Tls13Engine = tls13EngineOn(nobleCrypto);
