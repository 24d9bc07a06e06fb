import t from 'tap';
import { readArguments } from '../../examples/02-swap-the-engine/arguments.ts';
import { enginePairs, pairName } from '../../examples/02-swap-the-engine/engine-pairs.ts';
import { type Outcome, runExample } from './run-example.ts';

t.setTimeout(180_000);

const run = (...args: readonly string[]): Promise<Outcome> => runExample('02-swap-the-engine', args);
const rows = ({ stdout }: Outcome): string[][] => stdout.split('\n').map((line) => line.split(/ {2,}/));

t.test('one program over every pair of engines', async (t) => {
  const outcome = await run();
  t.equal(outcome.code, 0, outcome.stderr);
  t.equal(outcome.stderr, '');
  const [, ...all] = rows(outcome);
  const others = all.splice(4);
  t.match(
    all,
    [
      ['node', 'node'],
      ['tls13', 'tls13'],
      ['node', 'tls13'],
      ['tls13', 'node'],
    ].map((pair) => [...pair, 'TLSv1.3', /^TLS_\w+$/, '200000', 'equal']),
  );
  const old = 'TLS_RSA_WITH_AES_128_CBC_SHA';
  t.same(others, [
    ['forge', 'forge', 'TLSv1', old, '200000', 'equal'],
    ['node', 'forge', 'TLSv1', old, '200000', 'equal'],
    ['forge', 'node', 'TLSv1.1', old, '200000', 'equal'],
    [''],
  ]);
});

t.test('--only runs one pair', async (t) => {
  const outcome = await run('--only', 'forge-node');
  t.equal(outcome.code, 0, outcome.stderr);
  t.match(rows(outcome), [['client'], ['forge', 'node', 'TLSv1.1'], ['']]);
});

for (const pair of ['node-node', 'tls13-tls13', 'forge-forge', 'node-forge'])
  t.test(`--tamper: ${pair} notices the bit that was flipped, and the program fails`, async (t) => {
    const { code, stdout, stderr } = await run('--tamper', '--only', pair);
    t.equal(code, 1);
    t.match(stderr, new RegExp(`^error: ${pair}: [^\\n]*a record does not authenticate\\n$`));
    t.notMatch(stdout, /equal/);
  });

t.test('wrong arguments: 2, and one line', async (t) => {
  const { code, stdout, stderr } = await run('--only', 'nope');
  t.equal(code, 2);
  t.equal(stdout, '');
  t.match(stderr, /^error: --only "nope": there is no such pair; there are node-node, tls13-tls13, [^\n]*\n$/);
  const usage = await run('stray');
  t.match(usage, { code: 2, stdout: '', stderr: /^error: Unexpected argument 'stray'[^\n]*\n$/ });
});

t.test('arguments and pairs, in this process', async (t) => {
  t.same(readArguments([]), { help: false, only: undefined, tamper: false });
  t.throws(() => readArguments(['--only']), { name: 'UsageError', message: /^[^\n]*argument missing[^\n]*--help/ });
  await t.rejects(enginePairs('forge'), { name: 'UsageError' });
  t.same((await enginePairs('node-forge')).map(pairName), ['node-forge']);
});

t.test('--help', async (t) => {
  t.match(await run('--help'), { code: 0, stdout: /--only CLIENT-SERVER/, stderr: '' });
});
