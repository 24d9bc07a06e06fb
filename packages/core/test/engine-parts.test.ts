// What engines share, by itself; inside an engine the compliance suite holds it.
import { RecordReader, type RecordBound } from '@rxtls/core/engine-parts';
import t from 'tap';

const record = (type: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(5 + length);
  bytes.set([type, 3, 3, length >> 8, length & 255]);
  return bytes;
};

t.test('records: each bound lets its longest record in and refuses one byte more by the header alone', async (t) => {
  const rows: [RecordBound, number, number][] = [
    ['clear', 22, 16_384],
    ['clear', 23, 16_384 + 2048],
    ['older', 22, 16_384 + 2048],
    ['older', 23, 16_384 + 2048],
    ['tls13', 22, 16_384 + 256],
    ['tls13', 23, 16_384 + 256],
  ];
  for (const [bound, type, most] of rows) {
    const reader = new RecordReader();
    reader.push(record(type, most));
    t.match(reader.next(bound), { type, length: most }, `${bound}, type ${type}: ${most} bytes`);
    reader.push(record(type, most + 1).subarray(0, 5));
    t.throws(() => reader.next(bound), { name: 'PeerMisbehavedError', alert: 'record_overflow' });
  }
});

t.test('records: one that is held back stays whole, is not asked about early, and comes when it may', async (t) => {
  const reader = new RecordReader();
  const asked: string[] = [];
  let holds = true;
  const unless = (type: number, length: number): boolean => asked.push(`${type} ${length}`) > 0 && holds;
  const bytes = record(23, 40);
  reader.push(bytes.subarray(0, 44));
  t.equal(reader.next('older', unless), undefined);
  t.same(asked, [], 'it is not complete');
  reader.push(bytes.subarray(44));
  t.equal(reader.next('older', unless), undefined);
  holds = false;
  t.same(reader.next('older', unless)?.bytes, bytes);
  t.same(asked, ['23 40', '23 40']);
  t.equal(reader.clear(), 0);
});
