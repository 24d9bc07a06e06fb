import type { TlsEngineSink } from '@rxtls/core/engine';

type Held = { readonly plaintext: Uint8Array } | { readonly consumed: number } | { readonly closeNotify: true };

/**
 * Keeps plaintext, and what must stay in order with it, back until the peer is verified and while the reader is paused.
 * OpenSSL goes on with control records meanwhile; since the held records are not reported as consumed, core's bound on
 * "given minus consumed" bounds what is held.
 */
export class InboundGate {
  readonly #sink: TlsEngineSink;
  #held: Held[] = [];
  #verified = false;
  #awaits = false;
  #paused = false;
  #closed = false;

  constructor(sink: TlsEngineSink) {
    this.#sink = sink;
  }

  plaintext(bytes: Uint8Array): void {
    this.#pass({ plaintext: bytes });
  }

  consumed(bytes: number): void {
    // Nothing kept means that these bytes carried no plaintext that somebody still waits for.
    if (this.#isKeeping) this.#held.push({ consumed: bytes });
    else this.#sink.consumed(bytes);
  }

  closeNotify(): void {
    if (this.#isKeeping) this.#held.push({ closeNotify: true });
    else this.#sink.closeNotify();
  }

  /** OpenSSL's handshake is over, the peer is not verified yet: a close_notify that comes now comes after the handshake. */
  await(): void {
    this.#awaits = true;
  }

  /** The peer is verified: plaintext may flow. */
  open(): void {
    this.#verified = true;
    this.#awaits = false;
    this.#drain();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  /** Forgets what is held; nothing more is delivered. */
  close(): void {
    this.#closed = true;
    this.#held = [];
  }

  get #isKeeping(): boolean {
    return this.#awaits || this.#held.length > 0;
  }

  get #mayPass(): boolean {
    return this.#verified && !this.#paused && !this.#closed;
  }

  #pass(item: Held): void {
    if (this.#closed) return;
    if (this.#mayPass && this.#held.length === 0) this.#deliver(item);
    else this.#held.push(item);
  }

  #drain(): void {
    if (!this.#mayPass) return;
    const held = this.#held;
    this.#held = [];
    for (const item of held) {
      if (this.#closed) return;
      this.#deliver(item);
    }
  }

  #deliver(item: Held): void {
    if ('plaintext' in item) this.#sink.plaintext(item.plaintext);
    else if ('consumed' in item) this.#sink.consumed(item.consumed);
    else this.#sink.closeNotify();
  }
}
