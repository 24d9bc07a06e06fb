import { memoryPair } from '@rxtls/transport-memory';
import t from 'tap';
import { transportCompliance } from '../../testing/src/transport-compliance.ts';
for (const { name, run } of transportCompliance({
  bound: 256 * 1024,
  pair: async () => {
    const [a, b] = memoryPair();
    return { a, b, close: () => a.sink.abort() };
  },
}))
  t.test(name, run);
