// Every row of the checklist that servers have to show has a test here over each engine that can serve, or a reason why not.
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { filesUnder } from '../boundaries/sources.ts';
import { kits, kitsWithTickets } from './kits.ts';

const rows = 'A1 A2 A3 A4 A5 A6 A7 S1 S2 S3 S4 S5 S6 K1 K2 K3 K4 L1 L2 L3 R17'.split(' ');

/** S7 is one test, whose text says why: only one of the engines keeps sessions at its server. */
const once = ['S7'];

const text = filesUnder('test/servers', /\.test\.ts$/)
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

const isOverAll = (row: string): boolean => new RegExp(`t\\.test\\(\\s*\`${row} \\(\\$\\{kit\\.name\\}\\):`).test(text);

t.test('every row has a test over every engine', async (t) => {
  t.same(
    rows.filter((row) => !isOverAll(row)),
    [],
  );
  t.same(
    once.filter((row) => !text.includes(`t.test('${row}:`)),
    [],
  );
});

t.test('every engine that can serve is there', async (t) => {
  const engines = readdirSync('packages').flatMap((name) => /^engine-(.+)/.exec(name)?.[1] ?? []);
  t.same(new Set<string>(kits.map(({ name }) => name)), new Set(engines));
  t.same(
    kitsWithTickets.map(({ name }) => name),
    ['node', 'tls13'],
    'what is shown over tickets alone is not asked of forge, which has none',
  );
});

t.test('this test can fail', async (t) => {
  t.notOk(isOverAll('A8'));
  t.notOk(isOverAll('S7'));
});
