import type { AlertDescription } from './alert.ts';
import type { LimitName } from './limits.ts';

/** How far the connection had come. */
export type TlsPhase = 'setup' | 'client-hello' | 'handshake' | 'verification' | 'open' | 'closing' | 'closed';

export interface TlsErrorOptions {
  readonly phase?: TlsPhase;
  readonly alert?: AlertDescription;
  readonly cause?: unknown;
}

/**
 * Every failure of a connection. Errors are told apart by class, by whose fault it was; `phase` and the ledger's verdict
 * are filled in by core when the connection ends. Messages hold no secret and at most 32 bytes of the peer's input.
 */
export abstract class TlsError extends Error {
  abstract override readonly name: string;
  /** How far the connection had come when it failed. */
  phase: TlsPhase;
  /** The alert received, or the one this failure stands for. */
  readonly alert?: AlertDescription;
  /** Trying again may help: the failure was of the wire or of time, not of identity, options or protocol. */
  readonly retryable: boolean = false;
  /** Nothing that was written has been handed to the transport, so writing it again doubles nothing. */
  safeToReplay = false;
  constructor(message: string, options: TlsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.phase = options.phase ?? 'setup';
    if (options.alert !== undefined) this.alert = options.alert;
  }
}

/** The peer broke the protocol. */
export class PeerMisbehavedError extends TlsError {
  override readonly name = 'PeerMisbehavedError';
}

/** The peer kept to the protocol, but there is no version, suite, group or protocol that both sides accept. */
export class PeerIncompatibleError extends TlsError {
  override readonly name = 'PeerIncompatibleError';
}

/** The peer sent a fatal alert; `alert` is its name, absent for a number that no RFC here knows. */
export class AlertReceivedError extends TlsError {
  override readonly name = 'AlertReceivedError';
}

/** Why a certificate was refused. */
export type CertificateFailureReason =
  | 'expired'
  | 'not-yet-valid'
  | 'unknown-authority'
  | 'wrong-name'
  | 'wrong-usage'
  | 'missing'
  | 'revoked'
  | 'bad-signature'
  | 'bad-certificate'
  | 'chain-too-long'
  | 'weak-key'
  | 'refused-by-verify';

/** The peer's certificate was refused. */
export class CertificateError extends TlsError {
  override readonly name = 'CertificateError';
  readonly reason: CertificateFailureReason;
  constructor(reason: CertificateFailureReason, message: string, options?: TlsErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The transport ended without close_notify: what was received may not be all that was sent. */
export class TruncationError extends TlsError {
  override readonly name = 'TruncationError';
  override readonly retryable = true;
  /** Plaintext bytes received before the cut. */
  readonly bytesReceived: number;
  constructor(bytesReceived: number, message: string, options?: TlsErrorOptions) {
    super(message, options);
    this.bytesReceived = bytesReceived;
  }
}

/** A named limit was hit. */
export class LimitExceededError extends TlsError {
  override readonly name = 'LimitExceededError';
  readonly limit: LimitName;
  constructor(limit: LimitName, message: string, options?: TlsErrorOptions) {
    super(message, options);
    this.limit = limit;
  }
}

/** The handshake, the ClientHello or a task took longer than its limit. */
export class HandshakeTimeoutError extends TlsError {
  override readonly name = 'HandshakeTimeoutError';
  override readonly retryable = true;
  readonly limit: LimitName;
  constructor(limit: LimitName, message: string, options?: TlsErrorOptions) {
    super(message, options);
    this.limit = limit;
  }
}

/** What arrived is not TLS. */
export class NotTlsError extends TlsError {
  override readonly name = 'NotTlsError';
  /** The first bytes, at most 32, in hexadecimal. */
  readonly firstBytes: string;
  constructor(firstBytes: Uint8Array, message: string, options?: TlsErrorOptions) {
    super(message, options);
    this.firstBytes = Array.from(firstBytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

/** The connection was ended from this side, or the transport under it failed. */
export class AbortedError extends TlsError {
  override readonly name = 'AbortedError';
  override readonly retryable: boolean;
  constructor(message: string, options: TlsErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options);
    this.retryable = options.retryable ?? false;
  }
}

/** A write was not accepted; nothing of it was queued or sent. */
export class WriteRefusedError extends TlsError {
  override readonly name = 'WriteRefusedError';
}

/** A write that was accepted did not reach the transport, or not whole; `cause` is what ended the connection. */
export class WriteLostError extends TlsError {
  override readonly name = 'WriteLostError';
  override readonly retryable: boolean;
  constructor(message: string, options: TlsErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options);
    this.retryable = options.retryable ?? false;
  }
}

/** The caller did something that makes no sense; the message says what to do. */
export class ApiMisuseError extends TlsError {
  override readonly name = 'ApiMisuseError';
}

/** The engine, or a user's function it needs, failed in a way that is neither side's protocol fault. */
export class EngineFailureError extends TlsError {
  override readonly name = 'EngineFailureError';
}
