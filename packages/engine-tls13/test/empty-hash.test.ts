import t from 'tap';
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { emptyHash } from '../src/key-schedule/empty-hash.ts';

t.test('Hash("") is what both providers make of nothing', async (t) => {
  for (const crypto of [nodeCrypto, nobleCrypto])
    for (const name of ['sha256', 'sha384'] as const) t.same(emptyHash[name], crypto.hash(name).digest());
});
