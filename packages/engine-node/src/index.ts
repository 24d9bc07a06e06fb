export type { CertificateInput, Credentials } from './certificates.ts';
export type { NodeClientOptions } from './client-options.ts';
export { memorySessions } from './node-sessions.ts';
export type { SessionStore } from '@rxtls/core/engine-parts';
export { nodeEngine } from './node-engine.ts';
export type { PeerToVerify, VerifyPeer } from '@rxtls/core/engine-parts';
export type { ClientAuth, NodeServerOptions } from './server-options.ts';
