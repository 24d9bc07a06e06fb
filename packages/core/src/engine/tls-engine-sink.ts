import type { EngineReadiness } from './engine-readiness.ts';
import type { EngineTask } from './engine-task.ts';
import type { NegotiatedParameters } from './negotiated-parameters.ts';
import type { TlsError } from './tls-error.ts';
import type { TlsEvent } from './tls-event.ts';

/** The records that carried a piece of plaintext, where the engine numbers them (`capabilities.recordNumbers`). */
export interface RecordRange {
  readonly epoch: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** Where an engine's answers go. Core's implementation only appends them to an outbox; an engine may call it from anywhere. */
export interface TlsEngineSink {
  /** Somebody listens to `events`: an engine builds per-record events only while this is true. */
  readonly observed: boolean;
  /** Bytes for the wire, in wire order. The array is the receiver's from now on. */
  ciphertext(bytes: Uint8Array): void;
  /** This much of the plaintext sent is sealed; called after the ciphertext that carries it. Sums up to exactly what was sent. `sealed(0)`: so is our close_notify. */
  sealed(plaintextBytes: number, records?: RecordRange): void;
  /** This many more bytes of the ciphertext received are processed: never more than were given, and at `closeNotify` exactly up to its record's end. */
  consumed(ciphertextBytes: number): void;
  /** Plaintext, in order, never before `negotiated`. The array is the receiver's from now on. */
  plaintext(bytes: Uint8Array): void;
  /** What OpenSSL would answer now. Called on every change, and first when the engine is made. After `negotiated`, `WANT_READ` means a renegotiation. */
  readiness(state: EngineReadiness): void;
  /** A user's function to be run by core, which settles it exactly once. */
  task(task: EngineTask): void;
  /** Handshake and verification are over. Called once, before the first plaintext. */
  negotiated(parameters: NegotiatedParameters): void;
  /** Something worth observing. Never carries secrets but `keylog`, which is opt-in. */
  event(event: TlsEvent): void;
  /** The peer's close_notify, authenticated; after every plaintext before it, and never before `negotiated` (there it is `failed` with `AlertReceivedError`). */
  closeNotify(): void;
  /** The connection is broken; at most once, and the last call. */
  failed(error: TlsError): void;
}
