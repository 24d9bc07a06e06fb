// One change of bytes, as data, so that a failure prints it.
import fc from 'fast-check';

/** `at`: where, as a part of the whole. */
export type ByteChange =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set' | 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove' | 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number };

/** A part of a whole, each as likely as the next one: of `fc.double` most are next to nothing. */
export const part = (most = 1): fc.Arbitrary<number> => fc.nat(9_999).map((number) => (number / 10_000) * most);
/** Places near the start, where the structure is, are as likely as all the others. */
const place = fc.oneof(part(), part(0.1));
const few = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
  fc.constantFrom(Uint8Array.of(0), Uint8Array.of(255)),
);

export const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constantFrom('set' as const, 'insert' as const), at: place, bytes: few }),
  fc.record({
    kind: fc.constantFrom('remove' as const, 'repeat' as const),
    at: place,
    length: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
);

/** A changed copy. */
export function changedBytes(bytes: Uint8Array, change: ByteChange): Uint8Array {
  const index = Math.max(0, Math.min(bytes.length - 1, Math.floor(change.at * bytes.length)));
  const [head, tail] = [bytes.subarray(0, index), bytes.subarray(index)];
  switch (change.kind) {
    case 'flip':
      return bytes.map((byte, n) => (n === index ? byte ^ (1 << change.bit) : byte));
    case 'set':
      return joined([head, change.bytes, tail.subarray(change.bytes.length)]);
    case 'insert':
      return joined([head, change.bytes, tail]);
    case 'remove':
      return joined([head, tail.subarray(change.length)]);
    case 'repeat':
      return joined([head, tail.subarray(0, change.length), tail]);
    default:
      return head.slice();
  }
}

export const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
