/**
 * What is used of a WebSocket: members of the WHATWG standard, so that a browser's, Deno's, Bun's and Node's own fit, and the
 * class of `ws`.
 */
export interface WebSocketLike {
  binaryType: string;
  /** Bytes given to `send` that are not on the wire yet. */
  readonly bufferedAmount: number;
  /** The subprotocol the server chose, or ''. */
  readonly protocol: string;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string; readonly wasClean: boolean }) => void,
  ): void;
  addEventListener(type: 'error', listener: (event: unknown) => void): void;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** Makes a WebSocket that connects at once. The third argument is for those who take one, as `ws` does. */
export type WebSocketConstructor = new (url: string, protocols: string[], options?: object) => WebSocketLike;
