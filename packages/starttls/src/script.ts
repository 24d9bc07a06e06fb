import { misbehaved } from './refusal.ts';
import { textOf } from './ascii.ts';

/**
 * How many bytes the next piece of what was received has, or -1 while that cannot be known. Asked again with every chunk; a
 * piece over `maxUpgradeLineBytes` is refused as soon as that is known. Throws for what can become no piece.
 */
export type Frame = (held: Uint8Array) => number;

/** A dialogue as a list of its states: it yields what it waits for, is resumed with those bytes, and returns when TLS may begin. */
export type Script<R = void> = Generator<Frame, R, Uint8Array>;

/** Exactly so many bytes. */
export function* octets(count: number): Script<Uint8Array> {
  return yield () => count;
}

const lineEnd: Frame = (held) => held.indexOf(10) + 1 || -1;

/** A line without its CRLF. One that ends or is broken by less is refused: two readers could see two lines in it. */
export function* line(): Script<string> {
  const text = textOf(yield lineEnd);
  if (!text.endsWith('\r\n')) throw misbehaved('a line does not end with CRLF');
  const content = text.slice(0, -2);
  if (/[\r\0]/.test(content)) throw misbehaved('a line has a CR or a NUL in it');
  return content;
}
