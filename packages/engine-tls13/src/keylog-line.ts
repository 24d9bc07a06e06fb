import { hexText } from './certificate/hex-text.ts';

/** A line of the NSS key log format (RFC 9850 §2). A secret. */
export const keylogLine = (label: string, clientRandom: Uint8Array, secret: Uint8Array): string =>
  `${label} ${hexText(clientRandom)} ${hexText(secret)}`;
