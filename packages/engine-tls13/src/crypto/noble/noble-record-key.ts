import { ApiMisuseError } from '@rxtls/core/engine';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { gcm } from '@noble/ciphers/aes.js';
import type { CipherSuite } from '../cipher-suite.ts';
import type { RecordKey } from '../crypto-provider.ts';

const tagBytes = 16;

/** The AEADs of @noble/ciphers. The key is a copy of ours; what the library makes of it lives for one record, and it wipes that itself. */
export function nobleRecordKey(suite: CipherSuite, secret: Uint8Array): RecordKey {
  const key = Uint8Array.from(secret);
  let isWiped = false;
  // A key of zeros would go on sealing without a sign
  const refuseWiped = (): void => {
    if (isWiped) throw new ApiMisuseError('this record key was wiped');
  };
  return {
    seal(nonce, header, content, trailer, out, at) {
      refuseWiped();
      const bytes = content.length + trailer.length;
      // Joined here and not in `out`: there, behind a record's header, words are not aligned, which costs ChaCha20 a quarter more and AES a copy
      const sealed = new Uint8Array(bytes + tagBytes);
      const plain = sealed.subarray(0, bytes);
      plain.set(content);
      plain.set(trailer, content.length);
      // ChaCha20 ciphers in place; the library's AES has no such form
      if (suite.isAesGcm) out.set(gcm(key, nonce, header).encrypt(plain), at);
      else out.set(chacha20poly1305(key, nonce, header).encrypt(plain, sealed), at);
      // What AES left is the plaintext
      if (suite.isAesGcm) plain.fill(0);
    },
    open(nonce, header, sealed) {
      refuseWiped();
      if (sealed.length < tagBytes) return undefined;
      try {
        return (suite.isAesGcm ? gcm : chacha20poly1305)(key, nonce, header).decrypt(sealed);
      } catch {
        return undefined;
      }
    },
    wipe() {
      isWiped = true;
      key.fill(0);
    },
  };
}
