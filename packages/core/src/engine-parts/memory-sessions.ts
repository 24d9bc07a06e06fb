/** A session a client may offer again, with what must still hold when it does. */
export interface SessionEnvelope<Session> {
  /** What the engine needs to resume. A secret. */
  readonly session: Session;
  /** The chain the peer proved in the full handshake, the leaf first. */
  readonly chain: readonly Uint8Array[];
  /** The earliest notAfter in the chain, in milliseconds since 1970. */
  readonly notAfter: number;
  /** When the chain was verified in a full handshake, in milliseconds since 1970. */
  readonly firstVerifiedAt: number;
}

/**
 * Keeps a client's sessions in memory for resumption: give one value to several factories and they share it. What a
 * session may be used for is part of the key it is kept under, so sharing never weakens a factory's checks.
 */
export interface SessionStore {
  /** Sessions kept now. */
  readonly size: number;
  /** Forgets them all. */
  clear(): void;
}

/** The store behind {@link SessionStore}; bounded, and each session is handed out at most once (RFC 8446 §C.4). */
export class MemorySessions<Session> implements SessionStore {
  readonly #max: number;
  readonly #byScope = new Map<string, SessionEnvelope<Session>[]>();
  readonly #functions = new WeakMap<object, number>();
  #functionCount = 0;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#byScope.clear();
    this.#size = 0;
  }

  /** A number for a function, equal only for the same one: a policy that is code can be part of a scope. */
  functionId(value: object | undefined): number {
    if (value === undefined) return 0;
    const id = this.#functions.get(value) ?? ++this.#functionCount;
    this.#functions.set(value, id);
    return id;
  }

  put(scope: string, envelope: SessionEnvelope<Session>): void {
    const sessions = this.#byScope.get(scope) ?? [];
    // Back to the end: the scope that was used last is dropped last.
    this.#byScope.delete(scope);
    this.#byScope.set(scope, sessions);
    sessions.push(envelope);
    this.#size++;
    while (this.#size > this.#max) this.#dropOldest();
  }

  /** Takes the newest session of that scope out of the store. */
  take(scope: string): SessionEnvelope<Session> | undefined {
    const sessions = this.#byScope.get(scope);
    const envelope = sessions?.pop();
    if (sessions?.length === 0) this.#byScope.delete(scope);
    if (envelope !== undefined) this.#size--;
    return envelope;
  }

  /** Drops a session that may not be offered any more, if it is still here. */
  forget(scope: string, envelope: SessionEnvelope<Session>): void {
    const sessions = this.#byScope.get(scope) ?? [];
    const at = sessions.indexOf(envelope);
    if (at < 0) return;
    sessions.splice(at, 1);
    this.#size--;
    if (sessions.length === 0) this.#byScope.delete(scope);
  }

  #dropOldest(): void {
    const oldest = this.#byScope.entries().next().value;
    if (oldest === undefined) return;
    const [scope, sessions] = oldest;
    sessions.shift();
    this.#size--;
    if (sessions.length === 0) this.#byScope.delete(scope);
  }
}
