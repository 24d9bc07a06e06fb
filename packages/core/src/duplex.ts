import type { Observable } from 'rxjs';

/** Bytes that come when they are asked for. */
export interface ByteSource {
  /**
   * The bytes, for one subscriber at a time. Emits only while credit is left, and overshoots it by at most one chunk.
   * Completes when the other side ended, errors when the wire failed. The array is the receiver's from now on.
   */
  readonly bytes: Observable<Uint8Array>;
  /** Adds this many bytes of credit (`Infinity` for no end). May be called before `bytes` is subscribed and from inside its emissions. */
  request(bytes: number): void;
}

/** Bytes that go when there is room for them. */
export interface ByteSink {
  /**
   * Takes the bytes whatever the demand is; a caller that writes past demand owns up to what piles up. Never throws:
   * a failure shows as an error of `demand`. The array is the sink's from now on.
   */
  write(bytes: Uint8Array): void;
  /** How many bytes it takes now: a level that is replayed, and already lowered when `write` returns. Errors once when the sink fails. */
  readonly demand: Observable<number>;
  /** How many bytes, since the start, what lies below has taken: replayed. Completes never before `end` or `abort`. */
  readonly taken: Observable<number>;
  /** No more bytes: the other side sees an end after the last one. Idempotent. */
  end(): void;
  /** Drops what is pending and cuts the wire, so that the other side can tell it from an end where the wire can show that. Idempotent. */
  abort(reason?: unknown): void;
}

/** Where a duplex leads, in the transport's own words, for messages and logs. */
export interface DuplexInfo {
  readonly local?: string;
  readonly remote?: string;
}

/**
 * Two roads of bytes: what a transport offers, what TLS runs on, and what TLS offers again (so that nesting is `pipe`).
 * The observable that emits a duplex owns it: unsubscribing from that observable cuts the wire, unless the duplex had ended.
 */
export interface ByteDuplex {
  readonly source: ByteSource;
  readonly sink: ByteSink;
  /** Puts bytes back in front of what `source` emits next; they count against credit like any others. */
  unread(bytes: Uint8Array): void;
  readonly info: DuplexInfo;
}
