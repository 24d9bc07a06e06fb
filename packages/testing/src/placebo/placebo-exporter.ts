/** Bytes that depend on label, context and length, equal on both ends, and known to everybody: the placebo's exporter. */
export function placeboExporter(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
  const seed = Array.from(label, (letter) => letter.charCodeAt(0));
  const input = [...seed, ...(context === undefined ? [256] : [257, ...context]), length];
  let state = 2_166_136_261; // FNV-1a, 32 bits
  const mix = (value: number): number => {
    state = Math.imul(state ^ value, 16_777_619) >>> 0;
    return state;
  };
  for (const value of input) mix(value);
  return Uint8Array.from({ length }, (_, index) => mix(index) >>> 24);
}
