/** What we close with (RFC 6455 §7.4.2: 4000 to 4999 are private; a browser may send no others but 1000). */
export const closeCode = { normal: 1000, aborted: 4000, unreadable: 4003, tooMuch: 4009 } as const;
export type CloseCode = (typeof closeCode)[keyof typeof closeCode];

/** The reasons that go with them. */
export const closeReason: { readonly [code in CloseCode]: string } = {
  1000: '',
  4000: 'aborted',
  4003: 'only binary messages are read',
  4009: 'too much at once',
};

/** The registry of RFC 6455 §11.7, and ours. */
const words: { readonly [code: number]: string } = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code',
  1006: 'the connection was cut without a close',
  1007: 'invalid data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'missing extension',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
  1015: 'TLS handshake failed',
  4000: 'aborted',
  4003: 'only binary messages are read',
  4009: 'too much at once',
};

const faults: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010, 4003, 4009]);

/** The other side said all it had to say: 1000, 1001, and a close without a code (RFC 6455 §7.1.5: 1005). */
export function isCleanClose(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}

/** Not a fault of ours or of our protocol: the same again may succeed. */
export function mayRetry(code: number): boolean {
  return !faults.has(code);
}

/** The code and what it means; of the reason, which is the peer's, at most 32 bytes. */
export function describeClose(code: number, reason: string | Uint8Array): string {
  const known = words[code];
  const said = printable(reason);
  return `close code ${code}${known === undefined ? '' : `, ${known}`}${said === '' ? '' : `: "${said}"`}`;
}

function printable(reason: string | Uint8Array): string {
  const letters = typeof reason === 'string' ? reason.slice(0, 32) : String.fromCharCode(...reason.subarray(0, 32));
  return letters.replaceAll(/[^ -~]/g, '?');
}
