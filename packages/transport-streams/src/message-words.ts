// What the two ends of a message link say to one another, as text; bytes go as binary messages beside it.
//
//   rxtls/1 ask 262144      I am here and take this many bytes; are you?
//   rxtls/1 answer 262144   I am here too
//   +65536                  so many more bytes
//   end                     no more bytes from me
//   abort                   nothing more in either direction

export type Word =
  | { readonly type: 'hello'; readonly asks: boolean; readonly window: number }
  | { readonly type: 'more'; readonly bytes: number }
  | { readonly type: 'end' | 'abort' };

/** No word is longer. */
const longestWord = 32;

export const word = {
  ask: (window: number): string => `rxtls/1 ask ${window}`,
  answer: (window: number): string => `rxtls/1 answer ${window}`,
  more: (bytes: number): string => `+${bytes}`,
  end: 'end',
  abort: 'abort',
} as const;

const hello = /^rxtls\/1 (ask|answer) (\d{1,10})$/;
const more = /^\+(\d{1,10})$/;
const mostBytes = 2 ** 31 - 1;

/** `undefined` for what is no word. */
export function parseWord(text: string): Word | undefined {
  if (text.length > longestWord) return undefined;
  if (text === word.end || text === word.abort) return { type: text };
  const credit = more.exec(text);
  if (credit !== null) {
    const bytes = count(credit[1]!);
    return bytes === undefined ? undefined : { type: 'more', bytes };
  }
  const [, verb, size] = hello.exec(text) ?? [];
  const window = size === undefined ? undefined : count(size);
  return window === undefined ? undefined : { type: 'hello', asks: verb === 'ask', window };
}

function count(digits: string): number | undefined {
  const value = Number(digits);
  return value >= 1 && value <= mostBytes ? value : undefined;
}
