/** What the writer needs from the engine it belongs to. */
export interface SocketWriterOwner {
  /** Writes to the TLSSocket: OpenSSL seals the bytes inside the call and Node keeps no reference to them; `done` comes later. */
  write(bytes: Uint8Array, done: (error?: Error | null) => void): void;
  /** So many bytes are sealed, and their ciphertext is out. Answers whether the connection goes on. */
  sealed(bytes: number): boolean;
  /** {@link SocketWriter.mayWrite} may have changed. */
  changed(): void;
}

/** With so much to write a turn of the event loop is paid for: to gather more would only need memory. */
const enoughBytes = 65_536;
/** The least that is allocated to gather in. */
const leastBytes = 4_096;

/**
 * One write is in the TLSSocket at a time, and Node says that it is done a turn of the event loop later. What comes
 * meanwhile is gathered and goes out as the next one, so that small writes share a turn, a record and a system call.
 */
export class SocketWriter {
  readonly #owner: SocketWriterOwner;
  #isGathering = false;
  #inNode = 0;
  /** What Node has is worth a turn of its own: what comes after it need not be copied. */
  #isLarge = false;
  #gathered: Uint8Array | undefined;
  #length = 0;
  #end: (() => void) | undefined;

  constructor(owner: SocketWriterOwner) {
    this.#owner = owner;
  }

  /** From now on: only where OpenSSL never stops taking writes, which it does in a renegotiation. */
  gather(): void {
    this.#isGathering = true;
  }

  get mayWrite(): boolean {
    return this.#inNode === 0 || (this.#isGathering && !this.#isLarge && this.#length < enoughBytes);
  }

  /** Bytes that were written and are not known to be sealed. */
  get unsealed(): number {
    return this.#inNode + this.#length;
  }

  write(bytes: Uint8Array): void {
    if (this.#inNode > 0) return this.#gather(bytes);
    this.#isLarge = bytes.length >= enoughBytes;
    this.#pass(bytes);
  }

  /** Runs the call once everything has been passed to Node, which keeps what follows in order. */
  end(call: () => void): void {
    if (this.#length === 0) call();
    else this.#end = call;
  }

  /** Forgets what has not been passed. */
  clear(): void {
    this.#gathered = undefined;
    this.#length = 0;
    this.#end = undefined;
  }

  #gather(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    const room = this.#gathered?.length ?? 0;
    if (length > room) {
      const larger = Buffer.allocUnsafeSlow(Math.max(leastBytes, length, 2 * room));
      if (this.#gathered !== undefined) larger.set(this.#gathered.subarray(0, this.#length));
      this.#gathered = larger;
    }
    this.#gathered?.set(bytes, this.#length);
    this.#length = length;
  }

  #pass(bytes: Uint8Array): void {
    this.#inNode = bytes.length;
    this.#owner.write(bytes, this.#done);
  }

  readonly #done = (error?: Error | null): void => {
    const length = this.#inNode;
    this.#inNode = 0;
    this.#isLarge = false;
    if (error || !this.#owner.sealed(length)) return;
    if (this.#length === 0) this.#gathered = undefined;
    else this.#passGathered();
    this.#owner.changed();
  };

  #passGathered(): void {
    const bytes = this.#gathered?.subarray(0, this.#length) ?? new Uint8Array(0);
    this.#length = 0;
    this.#isLarge = bytes.length >= enoughBytes;
    this.#pass(bytes);
    this.#end?.();
    this.#end = undefined;
  }
}
