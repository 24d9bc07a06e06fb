const tag = (value: unknown): string => Object.prototype.toString.call(value);

/** A message's bytes, from whichever realm; `undefined` for what is none, and for memory that the sender could still change. */
export function receivedBytes(data: unknown): Uint8Array | undefined {
  if (tag(data) === '[object ArrayBuffer]') return new Uint8Array(data as ArrayBuffer);
  if (!ArrayBuffer.isView(data) || tag(data.buffer) !== '[object ArrayBuffer]') return undefined;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
