export type { CertificateInput, Credentials } from './certificates.ts';
export type { NodeClientOptions } from './client-options.ts';
export { memorySessions, type SessionStore } from './memory-sessions.ts';
export { nodeEngine } from './node-engine.ts';
export type { PeerToVerify, VerifyPeer } from '@rxtls/core/engine-parts';
export type { ClientAuth, NodeServerOptions } from './server-options.ts';
