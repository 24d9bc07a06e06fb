import type { AlertDescription } from './alert.ts';

/**
 * A TLS engine without I/O: no socket, no timer, no queue of intents. Bytes and commands go in by these calls;
 * everything that comes of them goes out through the {@link TlsEngineSink} the engine was made with, inside the call
 * (a synchronous engine) or later (an asynchronous one).
 *
 * The caller keeps four promises: no call is made from inside a sink callback but `destroy`; `sendPlaintext` is called
 * only while the latest readiness says `maySend`; no ciphertext is given after `closeNotify`; nothing is called after
 * `destroy`, `abort` or `failed`.
 */
export interface TlsEngine {
  /**
   * Ciphertext from the wire, in order, any chunking, at most 65 536 bytes a call. The array is the engine's from now
   * on; nobody writes to it again. Every byte is later reported by `consumed`, in order, and never before the engine
   * is through with it: what has been received and not consumed when `closeNotify` arrives is not TLS's any more.
   */
  receiveCiphertext(bytes: Uint8Array): void;
  /**
   * The transport ended. Called once, after the last `receiveCiphertext`. The engine finishes what it has and then
   * reports every byte as consumed, a partial record's too, unless close_notify or `failed` came first: so core knows
   * that nothing more will come, and decides what the end means. The engine itself never calls an end a failure.
   */
  receiveEnd(): void;
  /** Seals plaintext. Only while readiness is `maySend`. The engine is finished with `bytes` on return: one that keeps them copies. */
  sendPlaintext(bytes: Uint8Array): void;
  /** Sends close_notify (RFC 8446 §6.1), ordered after everything sent before, then says `sealed(0)`. At most once; nothing is sent afterwards. */
  sendCloseNotify(): void;
  /** Starts a TLS 1.3 KeyUpdate (RFC 8446 §4.6.3) or a TLS 1.2 renegotiation, where `capabilities.keyUpdate` says so. Only while `maySend`. */
  updateKeys?(options: { readonly requestPeer: boolean }): void;
  /**
   * Stop delivering plaintext. Control records go on being handled where the engine can; what it holds back is not consumed.
   */
  pause(): void;
  /** Go on delivering plaintext. */
  resume(): void;
  /** Sends this fatal alert where the engine can (`capabilities.alerts`), then destroys itself. */
  abort(alert: AlertDescription): void;
  /** Wipes what it can. Nothing reaches the sink afterwards. Idempotent, and the only call allowed from inside a sink callback. */
  destroy(): void;
  /** Keying material exporter (RFC 8446 §7.5, RFC 5705). Only after `negotiated`. `length` in bytes. */
  exportKeyingMaterial?(label: string, context: Uint8Array | undefined, length: number): Uint8Array;
}
