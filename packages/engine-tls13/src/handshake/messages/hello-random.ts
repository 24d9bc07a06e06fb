import { asciiText } from '../../presentation/ascii.ts';

/** SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3). */
const retryRandom = [
  0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
  0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
] as const;

/** The random of every HelloRetryRequest, a fresh array. */
export const helloRetryRequestRandom = (): Uint8Array => Uint8Array.from(retryRandom);

/** RFC 8446 §4.1.3: "Upon receiving a message with type server_hello, implementations MUST first examine the Random value". */
export const isHelloRetryRequest = ({ random }: { readonly random: Uint8Array }): boolean =>
  retryRandom.every((byte, at) => byte === random[at]);

/**
 * Whether a server that speaks TLS 1.3 says in its random that it was made to choose less (RFC 8446 §4.1.3):
 * 44 4F 57 4E 47 52 44 01 for TLS 1.2, …00 for what is older.
 */
export const hasDowngradeSentinel = ({ random }: { readonly random: Uint8Array }): boolean =>
  ['DOWNGRD\x00', 'DOWNGRD\x01'].includes(asciiText(random.subarray(24)));
