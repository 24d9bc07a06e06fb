import { ApiMisuseError } from '@rxtls/core/engine';
import { latin1Text } from '../../certificate/latin1-text.ts';
import { pemBlocks } from '../../certificate/pem.ts';

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
  const blocks = pemBlocks(typeof key === 'string' ? key : latin1Text(key), 'the private key');
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) throw new ApiMisuseError('there is no private key in what was given: PEM or DER of PKCS #8');
  if (block.label === 'ENCRYPTED PRIVATE KEY')
    throw new ApiMisuseError('an encrypted private key is not read here: decrypt it with `openssl pkey`');
  if (block.label !== 'PRIVATE KEY')
    throw new ApiMisuseError(
      `a private key of PEM's ${block.label} is not read here: make PKCS #8 of it with \`openssl pkey\``,
    );
  return block.der;
}
