import { ApiMisuseError } from '@rxtls/core/engine';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { type HashName, hashBytes } from '../crypto/cipher-suite.ts';
import { emptyHash } from './known-values.ts';
import { hkdfExpandLabel } from './hkdf.ts';

/** TLS-Exporter (RFC 8446 §7.5). An absent context is an empty one. @throws ApiMisuseError for a label, context or length that cannot be. */
export function exportKeyingMaterial(
  crypto: CryptoProvider,
  hash: HashName,
  exporterSecret: Uint8Array,
  label: string,
  context: Uint8Array | undefined,
  length: number,
): Uint8Array {
  // RFC 8446 §7.1: "opaque label<7..255> = "tls13 " + Label".
  if (typeof label !== 'string' || !/^[\x20-\x7e]{1,249}$/.test(label))
    throw new ApiMisuseError('an exporter label is 1 to 249 characters of ASCII');
  // RFC 5869 §2.3: "length of output keying material in octets (<= 255*HashLen)".
  if (!Number.isInteger(length) || length < 1 || length > 255 * hashBytes[hash])
    throw new ApiMisuseError(`an exporter gives 1 to ${255 * hashBytes[hash]} bytes`);
  if (context !== undefined && !(context instanceof Uint8Array))
    throw new ApiMisuseError('the context of an exporter is bytes, or left out');
  const secret = hkdfExpandLabel(crypto, hash, exporterSecret, label, emptyHash[hash], hashBytes[hash]);
  const running = crypto.hash(hash);
  if (context !== undefined) running.update(context);
  const material = hkdfExpandLabel(crypto, hash, secret, 'exporter', running.digest(), length);
  secret.fill(0);
  return material;
}
