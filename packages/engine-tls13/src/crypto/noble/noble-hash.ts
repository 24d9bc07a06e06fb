import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { CHash } from '@noble/hashes/utils.js';
import type { HashName } from '../cipher-suite.ts';
import type { CryptoProvider } from '../crypto-provider.ts';
import type { SignatureHash } from '../signature-parameters.ts';

const hashes: Readonly<Record<SignatureHash, CHash>> = { sha256, sha384, sha512 };

/** The hash of one message at once. */
export const nobleDigest = (name: SignatureHash, message: Uint8Array): Uint8Array => hashes[name](message);

/** The hashing part of the provider. */
export const nobleHash: Pick<CryptoProvider, 'hash' | 'sha256' | 'hmac'> = {
  hash(name: HashName) {
    const running = hashes[name].create();
    return {
      update: (bytes) => void running.update(bytes),
      digest: () => running.clone().digest(),
    };
  },
  sha256: (message) => sha256(message),
  hmac(name, key, first, second) {
    const running = hmac.create(hashes[name], key).update(first);
    if (second !== undefined) running.update(second);
    return running.digest();
  },
};
