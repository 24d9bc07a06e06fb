// Our TLS 1.3 under the core, at both ends and beside OpenSSL. RXTLS_TLS13_SCRIPTS (300) scripts for each pair.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { scripts } from './script.ts';
import { search, seed, titleOf } from './search.ts';
import { tls13Ground } from './tls13-ground.ts';

const runs = Number(process.env['RXTLS_TLS13_SCRIPTS'] ?? 300);

t.setTimeout(600_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same scripts again`);
const pki = await testPki();
const leaf = await pki.leaf('ecdsa');
for (const [name, ours] of [
  ['tls13 to tls13', ['client', 'server']],
  ['tls13 to openssl', ['client']],
  ['openssl to tls13', ['server']],
] as const) {
  t.test(`W2 W3 W4 W7 C1 C8 (${name}): whatever is done, in whatever order`, async (t) => {
    t.setTimeout(500_000);
    const ground = tls13Ground(pki.authorityPem, leaf, ours);
    const { tally, found } = await search(
      scripts({ version: 'TLSv1.3', asynchronous: ['timer'], maxSteps: 14 }),
      ground,
      runs,
    );
    t.comment(JSON.stringify(tally));
    t.equal(found, undefined, titleOf(found, tally));
    t.ok(found !== undefined || tally.scripts >= runs, `${runs} scripts were asked for`);
  });
}
