import t from 'tap';
import { memoryPair } from '@rxtls/transport-memory';

const bytes = (...values: number[]) => Uint8Array.from(values);

t.test('write emits at the other end inside the call, when there is credit', async (t) => {
  const [a, b] = memoryPair();
  const seen: number[][] = [];
  b.source.request(2);
  b.source.bytes.subscribe((chunk) => seen.push([...chunk]));
  a.sink.write(bytes(1, 2, 3));
  t.same(seen, [[1, 2, 3]]);
  a.sink.write(bytes(4));
  t.same(seen, [[1, 2, 3]]);
  b.source.request(2);
  t.same(seen, [[1, 2, 3], [4]]);
});
