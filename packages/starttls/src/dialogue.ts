import type { ByteDuplex, DuplexInfo } from '@rxtls/core';
import { LimitExceededError, type UpgradeLimits } from '@rxtls/core/engine';
import { ascii } from './ascii.ts';
import { misbehaved } from './refusal.ts';
import type { Frame, Script } from './script.ts';

/** What a script has of its transport. */
export interface Wire {
  readonly info: DuplexInfo;
  /**
   * Asks, as a client: an answer that is there before its question was put there by somebody else
   * ("NO STARTTLS", USENIX Security 2021, response injection), and is refused.
   */
  ask(message: string | Uint8Array): void;
  /** Answers, as a server; what the client has sent on already waits. */
  answer(message: string | Uint8Array): void;
  /** The server's go-ahead, where it has one: refuses (CVE-2011-0411) what came with the command, unless it begins a TLS handshake. */
  goAhead(message?: string | Uint8Array): void;
  /** No more from this side: a last answer goes out before the transport is cut. */
  end(): void;
}

/** What may be left when a script returns: nothing, a ClientHello, or the beginning of what is tunnelled. */
export type Remainder = 'none' | 'client-hello' | 'tunnelled';

/** Runs one script over what was received: sans I/O but for the sink it writes to. */
export class Dialogue implements Wire {
  readonly info: DuplexInfo;
  readonly #duplex: ByteDuplex;
  readonly #limits: UpgradeLimits;
  readonly #remainder: Remainder;
  readonly #script: Script;
  #frame: Frame | undefined;
  #held: Uint8Array = new Uint8Array(0);
  #taken = 0;
  #isStepping = false;
  #isDone = false;

  constructor(duplex: ByteDuplex, limits: UpgradeLimits, remainder: Remainder, script: (wire: Wire) => Script) {
    this.info = duplex.info;
    this.#duplex = duplex;
    this.#limits = limits;
    this.#remainder = remainder;
    this.#script = script(this);
  }

  /** The script has returned. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What was received beyond the dialogue. */
  get rest(): Uint8Array {
    return this.#held;
  }

  /** Goes on as far as it can with what is there; throws what ends the dialogue. */
  receive(bytes: Uint8Array): void {
    this.#held = this.#held.length === 0 ? bytes : joined(this.#held, bytes);
    if (this.#isStepping) return; // it came while something was written: the loop below finds it
    this.#isStepping = true;
    while (!this.#isDone && this.#step());
    this.#isStepping = false;
    if (this.#isDone) this.#checkRest();
  }

  ask(message: string | Uint8Array): void {
    if (this.#held.length > 0) throw misbehaved('bytes came before they were asked for');
    this.answer(message);
  }

  answer(message: string | Uint8Array): void {
    this.#duplex.sink.write(typeof message === 'string' ? ascii(message) : message);
  }

  goAhead(message?: string | Uint8Array): void {
    this.#checkRest();
    if (message !== undefined) this.answer(message);
  }

  end(): void {
    this.#duplex.sink.end();
  }

  /** One piece to the script; whether there may be another. */
  #step(): boolean {
    if (this.#frame === undefined) return this.#resumed(this.#script.next());
    const length = this.#frame(this.#held);
    const { maxUpgradeLineBytes, maxUpgradeBytes } = this.#limits;
    if (length > maxUpgradeLineBytes || (length < 0 && this.#held.length >= maxUpgradeLineBytes))
      throw exceeded('maxUpgradeLineBytes', maxUpgradeLineBytes);
    if (length < 0 || length > this.#held.length) return false;
    this.#taken += length;
    if (this.#taken > maxUpgradeBytes) throw exceeded('maxUpgradeBytes', maxUpgradeBytes);
    const piece = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return this.#resumed(this.#script.next(piece));
  }

  #resumed(result: IteratorResult<Frame, void>): boolean {
    if (result.done === true) this.#isDone = true;
    else this.#frame = result.value;
    return !this.#isDone;
  }

  /** A TLS record with a handshake message begins with 22, 3 (RFC 8446 §5.1). */
  #checkRest(): void {
    const [first, second] = this.#held;
    if (first === undefined || this.#remainder === 'tunnelled') return;
    if (this.#remainder === 'none') throw misbehaved('bytes came after the go-ahead and before TLS');
    if (first !== 22 || (second !== undefined && second !== 3))
      throw misbehaved('bytes that are no TLS handshake came with the command that begins TLS');
  }
}

function exceeded(limit: keyof UpgradeLimits, most: number): LimitExceededError {
  return new LimitExceededError(limit, `more than ${most} bytes before TLS (limits.${limit})`);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
