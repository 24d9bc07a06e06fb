/** A WHATWG `ReadableStream` of bytes, as far as it is needed; true of the DOM's, Node's, Deno's and Cloudflare's. */
export interface WebReadable {
  getReader(): WebReader;
}

export interface WebReader {
  readonly closed: PromiseLike<unknown>;
  read(): PromiseLike<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): PromiseLike<unknown>;
  releaseLock(): void;
}

/** A WHATWG `WritableStream` of bytes, as far as it is needed. */
export interface WebWritable {
  getWriter(): WebWriter;
}

export interface WebWriter {
  readonly closed: PromiseLike<unknown>;
  write(chunk: Uint8Array): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
  abort(reason?: unknown): PromiseLike<unknown>;
  releaseLock(): void;
}
