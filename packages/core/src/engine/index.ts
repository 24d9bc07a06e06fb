// The engine contract. Nothing here imports anything outside this folder: no rxjs, no Node, no DOM.
export { type AlertDescription, alertName, alertNumber } from './alert.ts';
export { alertForError } from './alert-for-error.ts';
export type { ClientHello } from './client-hello.ts';
export { ClientHelloReader } from './client-hello-reader.ts';
export { type EngineReadiness, type EngineState, engineReadiness, engineState } from './engine-readiness.ts';
export type { EngineTask, Subscribable, TaskResult } from './engine-task.ts';
export { hostName } from './host-name.ts';
export { defaultLimits, type LimitName, type Limits, type Rate, resolveLimits, type UpgradeLimits } from './limits.ts';
export { type NegotiatedParameters, type PeerIdentity, type TlsVersion, tlsVersions } from './negotiated-parameters.ts';
export { offeredTickets } from './offered-tickets.ts';
export {
  type ContentTypeName,
  contentType,
  contentTypeName,
  maxCiphertextRecordBytes,
  maxPlaintextRecordBytes,
  recordHeaderBytes,
} from './record-header.ts';
export { maxPreviousTicketKeys, type TicketKeys, ticketKeyBytes } from './ticket-keys.ts';
export type { TlsEngine } from './tls-engine.ts';
export type { EngineCapabilities, TlsEngineFactory, TlsHost, TlsRole } from './tls-engine-factory.ts';
export type { RecordRange, TlsEngineSink } from './tls-engine-sink.ts';
export {
  AbortedError,
  AlertReceivedError,
  ApiMisuseError,
  CertificateError,
  type CertificateFailureReason,
  EngineFailureError,
  HandshakeTimeoutError,
  LimitExceededError,
  NotTlsError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  TlsError,
  type TlsErrorOptions,
  type TlsPhase,
  TruncationError,
  WriteLostError,
  WriteRefusedError,
} from './tls-error.ts';
export type { Direction, TlsEvent } from './tls-event.ts';
