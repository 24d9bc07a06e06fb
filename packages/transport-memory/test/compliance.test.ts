import { memoryPair } from '@rxtls/transport-memory';
import t from 'tap';
import { transportCompliance } from '../../testing/src/transport-compliance.ts';
for (const promise of transportCompliance({
  bound: 512 * 1024,
  pair: async () => {
    const [a, b] = memoryPair();
    return { a, b, close: () => a.sink.abort() };
  },
}))
  t.test(promise.name, () => promise.run());
