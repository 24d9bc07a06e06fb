import t from 'tap';
import { hashBytes } from '../src/crypto/cipher-suite.ts';
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { hkdfExpandLabel, hkdfExtract } from '../src/key-schedule/hkdf.ts';
import { derivedWithoutPsk, emptyHash } from '../src/key-schedule/known-values.ts';

for (const crypto of [nodeCrypto, nobleCrypto])
  for (const hash of ['sha256', 'sha384'] as const) {
    t.test(`${crypto.name}, ${hash}: Hash("") is what the provider makes of nothing`, async (t) => {
      t.same(emptyHash[hash], crypto.hash(hash).digest());
    });

    t.test(
      `${crypto.name}, ${hash}: the salt of the Handshake Secret without a PSK is what the key schedule makes of zeros`,
      async (t) => {
        const zeros = new Uint8Array(hashBytes[hash]);
        const early = hkdfExtract(crypto, hash, zeros, zeros);
        const derived = hkdfExpandLabel(crypto, hash, early, 'derived', emptyHash[hash], hashBytes[hash]);
        t.same(derivedWithoutPsk[hash], derived);
      },
    );
  }
