// The engine on node-forge, in reading order. No code.
export { forgeEngine } from './forge-engine.ts';
export type { ForgeClientOptions } from './client-options.ts';
export type { ForgeServerOptions } from './server-options.ts';
export type { CertificateInput } from './certificates.ts';
export type { Credentials } from './credentials.ts';
export type { ClientAuth, PeerToVerify, SessionStore, VerifyPeer } from '@rxtls/core/engine-parts';
export { memorySessions } from './forge-sessions.ts';
