// The public face, in reading order.
export { tls, type TlsOptions } from './tls.ts';
export { secure } from './secure.ts';
export type { ConnectionObservers, ObserveConnection, SecureOptions } from './secure-options.ts';
export { type ConnectionFailure, secureEach, type SecureEachOptions } from './secure-each.ts';
export { type Drain, type DrainedConnection, type DrainOptions, drain } from './drain.ts';
export { use } from './use.ts';
export { open } from './open.ts';
export { whenSafe } from './when-safe.ts';
export { byHello } from './by-hello.ts';
export { byServerName } from './by-server-name.ts';
export { byAlpn } from './by-alpn.ts';
export { ja4 } from './ja4.ts';
export { type CredentialEvent, liveEngine } from './live-engine.ts';
export { rotatingTicketKeys, type RotatingTicketKeysOptions } from './rotating-ticket-keys.ts';
export type { EngineChoice, EngineSelector, EngineSource } from './engine-source.ts';
export type { TlsConnection } from './tls-connection.ts';
export type { BlockedOn, Readiness } from './readiness.ts';
export type { RefusalReason, WriteAck } from './write-ack.ts';
export type { Ledger } from './ledger.ts';
export type { ByteInput, ReadableStreamOfBytes } from './byte-input.ts';
export type { ByteDuplex, ByteSink, ByteSource, DuplexInfo } from './duplex.ts';
// What upgrades in front of TLS give.
export { type UpgradeReady, upgradeReady } from './upgrade-ready.ts';
// What transports are built from.
export { CreditSource, type CreditSourceOwner } from './credit-source.ts';
export { Fifo } from './fifo.ts';
export { Level } from './level.ts';
// Errors, limits and parameters, for applications that import one package only.
export * from './engine/index.ts';
