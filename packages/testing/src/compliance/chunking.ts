/** A way to cut a stream of bytes: `start` gives the cutter of one connection's direction, which is called with all that is there. */
export interface Chunking {
  readonly name: string;
  /** So many small chunks that tests use little data. */
  readonly slow?: boolean;
  start(): (bytes: Uint8Array) => Uint8Array[];
}

/** The most an engine is given in one call. */
const mostBytes = 65_536;

/** Cuts by the lengths that `next` gives. */
const byLengths = (start: () => () => number): Chunking['start'] => {
  return () => {
    const next = start();
    return (bytes) => {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = Math.max(1, Math.min(next(), mostBytes));
        chunks.push(bytes.slice(at, at + length));
        at += length;
      }
      return chunks;
    };
  };
};

/** Everything that is there at once, so that whole flights and what follows them come in one chunk. */
export const wholeFlights: Chunking = { name: 'whole flights', start: byLengths(() => () => mostBytes) };

/** One byte at a time. */
export const singleBytes: Chunking = { name: 'single bytes', slow: true, start: byLengths(() => () => 1) };

/** Cuts of prime lengths, which never fall into step with records. */
export const primeSizes: Chunking = {
  name: 'prime sizes',
  start: byLengths(() => {
    const primes = [2, 3, 5, 7, 11, 13, 17, 101, 1_009, 4_099, 16_411];
    let index = 0;
    return () => primes[index++ % primes.length] ?? 2;
  }),
};

/** Random cuts from 1 to 6 000 bytes, the same for the same seed. */
export const randomSizes = (seed: number): Chunking => ({
  name: `random sizes (seed ${seed})`,
  start: byLengths(() => {
    const random = seededRandom(seed);
    return () => 1 + Math.floor(random() ** 3 * 6_000);
  }),
});

/** Each record's header in two pieces, then its body: the cuts at which a header reader goes wrong. */
export const headerSplits: Chunking = {
  name: 'header splits',
  start: () => {
    let header: number[] = [];
    let body = 0;
    return (bytes) => {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const want = body > 0 ? body : header.length < 3 ? 3 - header.length : 5 - header.length;
        const chunk = bytes.slice(at, at + Math.min(want, mostBytes));
        if (body > 0) body -= chunk.length;
        else {
          header.push(...chunk);
          if (header.length === 5) {
            body = ((header[3] ?? 0) << 8) | (header[4] ?? 0);
            header = [];
          }
        }
        chunks.push(chunk);
        at += chunk.length;
      }
      return chunks;
    };
  },
};

/** The chunkings a compliance suite runs when nothing else is said. */
export const allChunkings: readonly Chunking[] = [wholeFlights, singleBytes, headerSplits, primeSizes, randomSizes(42)];

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Bytes that depend on length and seed alone, for plaintext that can be compared. */
export function sampleBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761 + length) | 1;
  for (let at = 0; at < length; at++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}
