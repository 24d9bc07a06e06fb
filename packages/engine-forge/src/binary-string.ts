/**
 * node-forge's bytes are strings of one character a byte. Nothing else in this package turns the one into the other.
 * The cost, measured on Node 20 over slices of 16 KiB (test/bench/forge.ts prints it): about a hundredth of what node-forge
 * itself needs to seal or open the same bytes.
 */
export type BinaryString = string;

/** The most arguments of one call: more of them overflow the stack of some engines. */
const charactersPerCall = 8_192;

export function toBinaryString(bytes: Uint8Array): BinaryString {
  if (bytes.length <= charactersPerCall) return characters(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += charactersPerCall)
    text += characters(bytes.subarray(at, at + charactersPerCall));
  return text;
}

// `apply` takes the typed array as it is; spreading it would make an array of it first.
const characters = (bytes: Uint8Array): string =>
  Reflect.apply(String.fromCharCode, undefined, bytes as unknown as number[]);

export function fromBinaryString(text: BinaryString): Uint8Array {
  const { length } = text;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
