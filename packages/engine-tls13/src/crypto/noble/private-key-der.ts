import { ApiMisuseError } from '@rxtls/core/engine';

/** The decoder of every runtime this runs in, asked for by structure. */
interface WithAtob {
  readonly atob?: (text: string) => string;
}

/** A private key has a few hundred bytes, one of RSA a few thousand. */
const maxBytes = 65_536;

/**
 * The DER of a PKCS #8 private key, given as that or as PEM (text or bytes).
 * @throws ApiMisuseError for anything else; the message says what to do and holds nothing of the key.
 */
export function privateKeyDer(key: unknown): Uint8Array {
  if (typeof key !== 'string' && !(key instanceof Uint8Array))
    throw new ApiMisuseError(
      'a private key is PKCS #8, as PEM (text or bytes) or DER; a CryptoKey signs in a signature task',
    );
  if (key.length > maxBytes) throw new ApiMisuseError(`a private key of more than ${maxBytes} bytes is none`);
  if (typeof key !== 'string' && key[0] === 0x30) return key;
  const text = typeof key === 'string' ? key : String.fromCharCode(...key);
  const label = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----/.exec(text)?.[1];
  if (label === undefined) throw new ApiMisuseError('there is no private key in what was given: PEM or DER of PKCS #8');
  if (label === 'ENCRYPTED PRIVATE KEY')
    throw new ApiMisuseError('an encrypted private key is not read here: decrypt it with `openssl pkey`');
  if (label !== 'PRIVATE KEY')
    throw new ApiMisuseError(
      `a private key of PEM's ${label} is not read here: make PKCS #8 of it with \`openssl pkey\``,
    );
  return fromBase64(/-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END PRIVATE KEY-----/.exec(text)?.[1]);
}

function fromBase64(text: string | undefined): Uint8Array {
  const { atob } = globalThis as WithAtob;
  if (atob === undefined) throw new ApiMisuseError('this runtime has no globalThis.atob to read PEM with: give DER');
  try {
    if (text !== undefined) return Uint8Array.from(atob(text.replaceAll(/\s/g, '')), (each) => each.charCodeAt(0));
  } catch {
    // The decoder's message is not repeated: it may quote what it read
  }
  throw new ApiMisuseError('the PEM of the private key is damaged');
}
