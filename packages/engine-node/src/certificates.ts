import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { ApiMisuseError } from '@rxtls/core/engine';
import { ownOptions } from '@rxtls/core/engine-parts';

/** A certificate chain and its key, or both in PKCS #12. */
export type Credentials =
  | {
      /** The leaf first, then intermediates: PEM, one DER certificate, or a list of either. */
      readonly cert: CertificateInput;
      /** PEM, DER (PKCS #8) or a private `KeyObject`. */
      readonly key: string | Uint8Array | KeyObject;
      /** For an encrypted key. */
      readonly passphrase?: string;
    }
  | { readonly pfx: Uint8Array; readonly passphrase?: string };

/** PEM (any number of certificates) or one in DER, or a list of these. */
export type CertificateInput = string | Uint8Array | readonly (string | Uint8Array)[];

/** Credentials after reading, as Node wants them. */
export interface LoadedCredentials {
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: Buffer;
  readonly passphrase?: string;
  /** Names these credentials without holding their key: in session scopes and policies. */
  readonly fingerprint: string;
  /** The leaf's subjectAltName: the virtual host these credentials stand for. */
  readonly names: string;
}

/**
 * Reads certificates in PEM or DER.
 * @throws ApiMisuseError when there is none, or one cannot be read.
 */
export function loadCertificates(input: unknown, name: string): readonly X509Certificate[] {
  const items: readonly unknown[] = Array.isArray(input) ? input : [input];
  const certificates = items.flatMap((item) => blocks(item, name)).map((block) => parse(block, name));
  if (certificates.length === 0)
    throw new ApiMisuseError(`${name} holds no certificate: PEM text or DER bytes are wanted, not a file's name`);
  return certificates;
}

function blocks(item: unknown, name: string): readonly (string | Uint8Array)[] {
  if (item instanceof Uint8Array && item[0] === 0x30) return [item];
  const pem = item instanceof Uint8Array ? Buffer.from(item).toString('latin1') : item;
  if (typeof pem !== 'string') throw new ApiMisuseError(`${name} must be PEM or DER`);
  return pem.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]+-----/g) ?? [];
}

function parse(block: string | Uint8Array, name: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw new ApiMisuseError(`${name} holds a certificate that cannot be read`);
  }
}

/**
 * Reads one set of credentials and checks that key and certificate are a pair.
 * @throws ApiMisuseError otherwise; the message holds nothing of the key.
 */
export function loadCredentials(input: unknown, name: string): LoadedCredentials {
  const own = ownOptions(input, ['cert', 'key', 'pfx', 'passphrase'], name);
  const passphrase = own.passphrase;
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new ApiMisuseError(`${name}.passphrase must be a string`);
  if (own.pfx !== undefined) return loadPfx(own, passphrase, name);
  if (own.cert === undefined || own.key === undefined) throw new ApiMisuseError(`${name} needs cert and key`);
  const chain = loadCertificates(own.cert, `${name}.cert`);
  const key = privateKey(own.key, passphrase, name);
  const leaf = chain[0];
  if (!leaf?.checkPrivateKey(key)) throw new ApiMisuseError(`${name}.key is not the key of the first certificate`);
  return {
    cert: chain.map(String).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: leaf.fingerprint256,
    names: leaf.subjectAltName ?? leaf.fingerprint256,
  };
}

function loadPfx(
  own: { readonly pfx?: unknown; readonly cert?: unknown; readonly key?: unknown },
  passphrase: string | undefined,
  name: string,
): LoadedCredentials {
  if (own.cert !== undefined || own.key !== undefined)
    throw new ApiMisuseError(`${name}: give either pfx or cert and key`);
  if (!(own.pfx instanceof Uint8Array)) throw new ApiMisuseError(`${name}.pfx must be bytes`);
  const pfx = Buffer.from(own.pfx);
  // A certificate inside PKCS #12 is not shown by Node's API: the file's own hash stands for it.
  const fingerprint = createHash('sha256').update(pfx).digest('hex');
  return { pfx, fingerprint, names: fingerprint, ...(passphrase === undefined ? {} : { passphrase }) };
}

function privateKey(input: unknown, passphrase: string | undefined, name: string): KeyObject {
  const secret = passphrase === undefined ? {} : { passphrase };
  try {
    if (typeof input === 'string') return createPrivateKey({ key: input, ...secret });
    if (input instanceof Uint8Array) {
      const key = Buffer.from(input);
      return key[0] === 0x30
        ? createPrivateKey({ key, format: 'der', type: 'pkcs8', ...secret })
        : createPrivateKey({ key, ...secret });
    }
    const key = input as KeyObject;
    if (key.type === 'private') return key;
  } catch {
    // What OpenSSL says of a key may quote it; nothing of it is passed on.
  }
  throw new ApiMisuseError(`${name}.key cannot be read as a private key`);
}
