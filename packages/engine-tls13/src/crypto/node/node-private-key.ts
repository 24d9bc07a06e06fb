import { createPrivateKey, createPublicKey, KeyObject, sign } from 'node:crypto';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { PrivateKey } from '../crypto-provider.ts';
import { signatureParameters } from '../signature-parameters.ts';
import { nodeKeyType } from './node-key-type.ts';
import { nodeSignatureInput } from './node-signature-input.ts';
import { plainBytes } from './plain-bytes.ts';

/**
 * A private key for `crypto.sign`: a `KeyObject`; or PEM (text or bytes) or DER of PKCS #8, SEC 1 or PKCS #1, PKCS #8 and PEM also
 * encrypted. @throws ApiMisuseError when it cannot be read or has no signature scheme in TLS 1.3; nothing of the key is in the message.
 */
export function nodePrivateKey(key: unknown, passphrase?: string): PrivateKey {
  const own = readKey(key, passphrase);
  const type = nodeKeyType(own);
  if (type === undefined)
    throw new ApiMisuseError(
      `a private key of type ${own.asymmetricKeyDetails?.namedCurve ?? own.asymmetricKeyType} cannot sign in TLS 1.3 here: use P-256, P-384, Ed25519 or RSA`,
    );
  return {
    type,
    publicKeyInfo: plainBytes(createPublicKey(own).export({ type: 'spki', format: 'der' })),
    sign(algorithm, message) {
      const parameters = signatureParameters(type, algorithm);
      const input = parameters && nodeSignatureInput(own, parameters);
      if (input === undefined) throw new ApiMisuseError(`this ${type} key does not sign with ${algorithm}`);
      try {
        return plainBytes(sign(input.hash, message, { key: own, ...input.options }));
      } catch (error) {
        throw new ApiMisuseError(`this ${type} key does not sign with ${algorithm}${codeOf(error)}`);
      }
    },
  };
}

function readKey(key: unknown, passphrase: string | undefined): KeyObject {
  if (key instanceof KeyObject) {
    if (key.type === 'private') return key;
    throw new ApiMisuseError(`a private key is wanted, and this KeyObject is ${key.type}`);
  }
  if (typeof key !== 'string' && !(key instanceof Uint8Array))
    throw new ApiMisuseError('a private key is a KeyObject, PEM (text or bytes), or DER');
  const secret = passphrase === undefined ? {} : { passphrase };
  const bytes = Buffer.from(key);
  if (typeof key === 'string' || bytes.includes('-----BEGIN'))
    return attempt(() => createPrivateKey({ key: bytes, format: 'pem', ...secret }));
  // DER does not say what it is. What failed as PKCS #8 says most, above all when the passphrase is missing or wrong.
  for (const type of ['sec1', 'pkcs1'] as const)
    try {
      return createPrivateKey({ key: bytes, format: 'der', type });
    } catch {
      continue;
    }
  return attempt(() => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8', ...secret }));
}

function attempt(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (error) {
    throw new ApiMisuseError(
      `the private key cannot be read${codeOf(error)}: give PEM or DER of PKCS #8, SEC 1 or PKCS #1, and the passphrase of an encrypted one`,
    );
  }
}

/** The library's code names the reason and holds nothing of the key; its message is not repeated. */
function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? ` (${code})` : '';
}
