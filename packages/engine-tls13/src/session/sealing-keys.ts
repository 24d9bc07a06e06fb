import type { TlsHost } from '@rxtls/core/engine';
import { cipherSuite, hashBytes } from '../crypto/cipher-suite.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { hostRandom } from '../host-random.ts';
import { hkdfExpandLabel, hkdfExtract } from '../key-schedule/hkdf.ts';
import { tagBytes } from '../record/record-protection.ts';
import { maxSessionAge } from './tls13-session.ts';

/** A new key every 12 hours, in milliseconds: far from where random 96-bit nonces begin to meet (2^32 tickets under one key). */
const period = 12 * 3_600 * 1_000;
const nameBytes = 16;
const nonceBytes = 12;
const none = new Uint8Array(0);
/** The same in every provider, so that servers of both kinds can share keys. */
const suite = cipherSuite.TLS_CHACHA20_POLY1305_SHA256;

/** What is sealed: one is never opened as the other. */
export const sealingPurpose = { ticket: 1, cookie: 2 } as const;

interface SealingKey {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * The keys of one server factory that seal tickets and cookies: a new one in each period, by the host's clock, and the old
 * ones as long as a session lives. Given secrets they are derived from them, so that servers that share these open each
 * other's: the first secret seals, each of them opens.
 */
export class SealingKeys {
  readonly #crypto: CryptoProvider;
  readonly #secrets: readonly DerivedKeys[];

  constructor(crypto: CryptoProvider, secrets: readonly Uint8Array[] | undefined) {
    this.#crypto = crypto;
    this.#secrets = (secrets ?? [undefined]).map((secret) => new DerivedKeys(crypto, secret));
  }

  /** name(16) nonce(12) ciphertext tag(16). `purpose` keeps tickets and cookies apart. */
  seal(host: TlsHost, purpose: number, content: Uint8Array): Uint8Array {
    const { name, key } = this.#secrets[0]!.now(host);
    const at = nameBytes + nonceBytes;
    const sealed = new Uint8Array(at + content.length + tagBytes);
    sealed.set(name);
    const nonce = hostRandom(host, nonceBytes, 'ticket nonce');
    sealed.set(nonce, nameBytes);
    const recordKey = this.#crypto.recordKey(suite, key);
    recordKey.seal(nonce, header(name, purpose), content, none, sealed, at);
    recordKey.wipe();
    return sealed;
  }

  /** The content, or undefined for what is not ours, too old or changed. */
  open(host: TlsHost, purpose: number, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length <= nameBytes + nonceBytes + tagBytes) return undefined;
    const name = sealed.subarray(0, nameBytes);
    let found: SealingKey | undefined;
    for (const secret of this.#secrets) found ??= secret.find(host, name);
    if (found === undefined) return undefined;
    const recordKey = this.#crypto.recordKey(suite, found.key);
    const at = nameBytes + nonceBytes;
    const content = recordKey.open(sealed.subarray(nameBytes, at), header(name, purpose), sealed.subarray(at));
    recordKey.wipe();
    return content;
  }
}

/** The keys of one secret, or random ones. */
class DerivedKeys {
  readonly #crypto: CryptoProvider;
  readonly #secret: Uint8Array | undefined;
  readonly #keys = new Map<number, SealingKey>();

  constructor(crypto: CryptoProvider, secret: Uint8Array | undefined) {
    this.#crypto = crypto;
    this.#secret = secret === undefined ? undefined : hkdfExtract(crypto, 'sha256', none, secret);
  }

  now(host: TlsHost): SealingKey {
    return this.#key(host, Math.floor(host.wallClock() / period));
  }

  find(host: TlsHost, name: Uint8Array): SealingKey | undefined {
    const now = Math.floor(host.wallClock() / period);
    const oldest = now - Math.ceil(maxSessionAge / period);
    for (const [generation, { key }] of this.#keys)
      if (generation < oldest) {
        key.fill(0);
        this.#keys.delete(generation);
      }
    // A shared secret: what another server has sealed may be of any period, and of the next one by its clock.
    if (this.#secret !== undefined) for (let at = now + 1; at >= oldest; at--) this.#key(host, at);
    for (const each of this.#keys.values()) if (this.#crypto.equal(each.name, name)) return each;
    return undefined;
  }

  #key(host: TlsHost, generation: number): SealingKey {
    const found = this.#keys.get(generation);
    if (found !== undefined) return found;
    const context = new Uint8Array(8);
    new DataView(context.buffer).setFloat64(0, generation);
    const secret = this.#secret ?? hostRandom(host, hashBytes.sha256, 'ticket key');
    const expand = (label: string, length: number): Uint8Array =>
      hkdfExpandLabel(this.#crypto, 'sha256', secret, label, context, length);
    const made = { name: expand('ticket name', nameBytes), key: expand('ticket key', suite.keyBytes) };
    if (this.#secret === undefined) secret.fill(0);
    this.#keys.set(generation, made);
    return made;
  }
}

function header(name: Uint8Array, purpose: number): Uint8Array {
  const bytes = new Uint8Array(nameBytes + 1);
  bytes.set(name);
  bytes[nameBytes] = purpose;
  return bytes;
}
