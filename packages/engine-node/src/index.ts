export type { CertificateInput, Credentials } from './certificates.ts';
export type { NodeClientOptions } from './client-options.ts';
export { memorySessions } from './node-sessions.ts';
export { nodeEngine } from './node-engine.ts';
export type { ClientAuth, PeerToVerify, SessionStore, VerifyPeer } from '@rxtls/core/engine-parts';
export type { NodeServerOptions } from './server-options.ts';
