import assert from 'node:assert/strict';

/** The bytes are equal; says where they are not, and is quick where `deepEqual` is not. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.from(actual.buffer, actual.byteOffset, actual.length).equals(expected)) return;
  const at = expected.findIndex((byte, index) => byte !== actual[index]);
  assert.fail(
    `${what}: ${actual.length} of ${expected.length} bytes, different from byte ${at === -1 ? expected.length : at}`,
  );
}
