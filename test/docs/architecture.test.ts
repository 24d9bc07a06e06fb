// ARCHITECTURE.md's diagram of the states is drawn from the table, and its tables name files that exist.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { sessionTable } from '../../packages/core/src/session-state.ts';

const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(resolve(root, 'ARCHITECTURE.md'), 'utf8');

t.test('the state diagram is the session table', async (t) => {
  const drawn = /```mermaid\nstateDiagram-v2\n([^`]*)```/.exec(text)?.[1];
  const lines = ['  [*] --> starting'];
  for (const [state, cells] of Object.entries(sessionTable))
    for (const [event, next] of Object.entries(cells)) lines.push(`  ${state} --> ${next}: ${event}`);
  t.same(new Set(drawn?.trimEnd().split('\n')), new Set(lines));
});

t.test('the journeys name files that exist', async (t) => {
  const named = [...text.matchAll(/`((?:core|engine-node|transport-tcp)\/src\/[\w/.-]+\.ts)`/g)].map(
    ([, file]) => file!,
  );
  t.ok(named.length > 10);
  for (const file of named) t.ok(existsSync(resolve(root, 'packages', file)), file);
});
