// Every rule and every row that has to be shown has a test by its name, for the placebo and for node, or a reason why not.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { filesUnder } from '../boundaries/sources.ts';

const rules = Array.from({ length: 17 }, (_, index) => `rule ${index + 1}`);
const rows =
  'W1 W2 W3 W4 W5 W6 W7 W8 R1 R3 R4 R5 R14 R15 R17 R18 C1 C2 C3 C4 C5 C6 C7 C8 P6 P7 A2 A3 A4 A5 A6 A7 S1 S2 S3 D1 D2 D3 D4 D5 K4 L3'.split(
    ' ',
  );

/** Where a row cannot apply to the placebo. To node all of them apply. */
const notForPlacebo: Readonly<Record<string, string>> = {
  A4: 'it has no certificates',
  A5: 'it has no certificates',
  A7: 'it has no certificates; what its verify may do is A6',
  S1: 'it resumes nothing',
  S2: 'it resumes nothing',
  S3: 'it resumes nothing',
  D5: 'without cryptography nothing fails to decrypt',
};

/** Test titles: what begins with a rule or a row. A row named by a template (`${row} (placebo)`) counts for R3, R4, R5 and D1. */
const texts = [...filesUnder('packages', /\.test\.ts$/), ...filesUnder('test', /\.test\.ts$/)].map((path) => ({
  path,
  text: readFileSync(path, 'utf8'),
}));
const titles = texts.flatMap(({ text }) =>
  Array.from(text.matchAll(/['"`]((?:rule|[A-Z])\s?\d[^'"`\n]*)/g), (match) => match[1]!),
);
const bySuite = new Set(
  texts.some(({ text }) => text.includes("['R3', 'R4', 'R5', 'D1'].every")) ? ['R3', 'R4', 'R5', 'D1'] : [],
);

const has = (row: string, engine: string): boolean =>
  titles.some((title) => {
    const head = /^((?:rule \d+|[A-Z]\d+)(?:[/,]\s?[A-Z]\d+)*)(?:\s\(([^)]*)\))?/.exec(title);
    if (head === null || !head[1]!.split(/[/,]\s?/).includes(row)) return false;
    // Core's own tests of the rules run over the placebo and need not say so.
    return head[2] === undefined
      ? engine === 'placebo' && row.startsWith('rule')
      : head[2].split(/,\s?/).includes(engine);
  });

for (const engine of ['placebo', 'node'] as const)
  t.test(`every rule and every row has a test over ${engine}`, async (t) => {
    const missing = [...rules, ...rows].filter((row) => {
      if (engine === 'placebo' && (row in notForPlacebo || bySuite.has(row))) return false;
      return !has(row, engine);
    });
    t.same(missing, []);
  });

/** What engine-forge has to show; the others are core's alone or do not exist in its versions. */
const forgeRows = 'W3 W6 W7 R3 R4 R5 R6 R8 R9 R14 R16 C1 C2 C3 C4 C5 P6 A3 A4 A5 A6 A7 D1 D4 K4'.split(' ');
t.test('every row of forge has a test of its own', async (t) => {
  t.same(
    forgeRows.filter((row) => !has(row, 'forge')),
    [],
  );
});

t.test('this test can fail', async (t) => {
  t.notOk(has('W9', 'node'));
  t.notOk(has('rule 18', 'node'));
  t.notOk(has('A4', 'placebo'));
  t.notOk(has('R10', 'forge'));
  t.ok(titles.length > 80, `${titles.length} titles are read`);
});
