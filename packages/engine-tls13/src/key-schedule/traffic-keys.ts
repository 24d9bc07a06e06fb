import type { CryptoProvider, RecordKey } from '../crypto/crypto-provider.ts';
import { type CipherSuite, type HashName, hashBytes } from '../crypto/cipher-suite.ts';
import { hkdfExpandLabel } from './hkdf.ts';

const none = new Uint8Array(0);

/** What protects the records of one direction (RFC 8446 §7.3). */
export interface TrafficKeys {
  readonly key: RecordKey;
  /** 12 bytes, the static part of each nonce. */
  readonly iv: Uint8Array;
}

/** [sender]_write_key and [sender]_write_iv of a traffic secret. */
export function trafficKeys(crypto: CryptoProvider, suite: CipherSuite, secret: Uint8Array): TrafficKeys {
  const key = hkdfExpandLabel(crypto, suite.hash, secret, 'key', none, suite.keyBytes);
  const keys = {
    key: crypto.recordKey(suite, key),
    iv: hkdfExpandLabel(crypto, suite.hash, secret, 'iv', none, 12),
  };
  key.fill(0);
  return keys;
}

/** application_traffic_secret_N+1 (RFC 8446 §7.2). The old secret is wiped. */
export function nextTrafficSecret(crypto: CryptoProvider, hash: HashName, secret: Uint8Array): Uint8Array {
  const next = hkdfExpandLabel(crypto, hash, secret, 'traffic upd', none, hashBytes[hash]);
  secret.fill(0);
  return next;
}

/** verify_data of Finished, and of a PSK binder (RFC 8446 §4.4.4, §4.2.11.2): HMAC under the key made of `baseKey`. */
export function verifyData(
  crypto: CryptoProvider,
  hash: HashName,
  baseKey: Uint8Array,
  transcript: Uint8Array,
): Uint8Array {
  const key = hkdfExpandLabel(crypto, hash, baseKey, 'finished', none, hashBytes[hash]);
  const data = crypto.hmac(hash, key, transcript);
  key.fill(0);
  return data;
}

/** The PSK that a ticket stands for (RFC 8446 §4.6.1). */
export const ticketPsk = (
  crypto: CryptoProvider,
  hash: HashName,
  resumption: Uint8Array,
  nonce: Uint8Array,
): Uint8Array => hkdfExpandLabel(crypto, hash, resumption, 'resumption', nonce, hashBytes[hash]);
