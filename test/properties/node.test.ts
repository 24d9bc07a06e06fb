import { testPki } from '@rxtls/testing';
import t from 'tap';
import { nodeGround } from './node-ground.ts';
import { scripts } from './script.ts';
import { search, seed, titleOf } from './search.ts';

const runs = Math.ceil(Number(process.env['RXTLS_NODE_RUNS'] ?? 300) / 2);

t.setTimeout(600_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same scripts again`);
const pki = await testPki();
const ground = nodeGround(pki.authorityPem, await pki.leaf('ecdsa'));
for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  t.test(`W2 W3 W4 W7 C1 C8 (node, ${version}): whatever is done, in whatever order`, async (t) => {
    t.setTimeout(500_000);
    const { tally, found } = await search(scripts({ version, asynchronous: ['timer'], maxSteps: 14 }), ground, runs);
    t.comment(JSON.stringify(tally));
    t.equal(found, undefined, titleOf(found, tally));
    t.ok(found !== undefined || tally.scripts >= runs, `${runs} scripts were asked for`);
  });
}
