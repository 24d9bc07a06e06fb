import type { DrivenConnection } from './driven-connection.ts';

/** The master secret in the format of RFC 9850 §2.2. A secret. */
export function keylogLine({ session }: DrivenConnection): string | undefined {
  const { client_random: random, master_secret: secret } = session?.sp ?? {};
  if (typeof random !== 'string' || typeof secret !== 'string') return undefined;
  return `CLIENT_RANDOM ${hexadecimal(random)} ${hexadecimal(secret)}`;
}

const hexadecimal = (text: string): string =>
  Array.from(text, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('');
