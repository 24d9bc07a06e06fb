/** The same memory without `Buffer`'s own methods: `slice` of a `Buffer` does not copy, and callers here mean a copy. */
export const plainBytes = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
