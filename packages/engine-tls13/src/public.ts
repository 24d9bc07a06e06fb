// What both entries export.
export type { CertificateInput } from './certificate/certificate-input.ts';
export type { Credentials } from './certificate/load-credentials.ts';
export type { Signer } from './certificate/signer.ts';
export type { Tls13ClientOptions } from './client-options.ts';
export type { CipherSuiteName } from './crypto/cipher-suite.ts';
export type { CryptoProvider } from './crypto/crypto-provider.ts';
export type { GroupName } from './crypto/named-group.ts';
export type { SignatureSchemeName } from './crypto/signature-scheme.ts';
export type { ExternalPsk } from './external-psk.ts';
export type { RecordPadding } from './record/record-sender.ts';
export type { Tls13ServerOptions } from './server-options.ts';
export { memorySessions } from './session/memory-sessions.ts';
export { type Tls13Engine, tls13EngineOn } from './tls13-engine.ts';
export type { ClientAuth, PeerToVerify, SessionStore, VerifyPeer } from '@rxtls/core/engine-parts';
