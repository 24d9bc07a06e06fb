/** The same bytes again and again. */
export function* repeated(bytes: Uint8Array, count: number): Generator<Uint8Array> {
  for (let n = 0; n < count; n++) yield bytes;
}

export const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);
