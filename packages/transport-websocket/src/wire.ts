/** How a WebSocket ended. */
export interface WireClose {
  /** RFC 6455 §7.4; 1006 when no close frame came. */
  readonly code: number;
  readonly reason: string | Uint8Array;
  /** Bytes given to `send` that are not known to have left. */
  readonly unsent: number;
}

/** Whoever hears a {@link Wire}. */
export interface WireOwner {
  opened(): void;
  message(bytes: Uint8Array): void;
  /** A message that is no bytes. */
  text(): void;
  /** So many bytes, of all since the start, have left. */
  taken(bytes: number): void;
  /** Something failed; `closed` follows sooner or later. */
  failed(error: unknown): void;
  /** Once, and nothing after it. */
  closed(close: WireClose): void;
}

/** A WebSocket of either kind, as `WebSocketDuplex` drives it. */
export interface Wire {
  owner: WireOwner;
  /** The subprotocol; known once open. */
  readonly protocol: string;
  /** Messages that came after our close may have been thrown away unseen. */
  readonly mayHaveDropped: boolean;
  /** One message; its bytes are the wire's from now on. Throws what the WebSocket throws. */
  send(bytes: Uint8Array): void;
  /** Messages stop, where the WebSocket can do that. */
  pause(): void;
  resume(): void;
  /** The closing handshake, behind everything that was sent; `hurried` does not wait for messages in the meantime. */
  close(code: number, reason: string, hurried: boolean): void;
  /** As abruptly as the WebSocket can. */
  cut(code: number, reason: string): void;
}
