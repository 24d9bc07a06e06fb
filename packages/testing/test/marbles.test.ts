import {
  byteMarbles,
  label,
  liveTimeline,
  placeboRecords,
  renderTimeline,
  scriptedDuplex,
  timelineRecorder,
} from '@rxtls/testing';
import { TestScheduler } from 'rxjs/testing';
import t from 'tap';

const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);

t.test('a timeline puts the same moment into the same column', async (t) => {
  const rows = [
    { name: 'writes', events: [{ at: 0, label: '"hello"' }] },
    {
      name: 'ciphertext out',
      events: [
        { at: 0, label: 'ClientHello' },
        { at: 2.6, label: 'Finished' },
        { at: 2.6, label: 'data 5' },
      ],
    },
    { name: 'plaintext', events: [{ at: 12, label: '|' }] },
  ];
  t.same(renderTimeline(rows), [
    '                  0            3         12',
    'writes          --"hello"--------------------',
    'ciphertext out  --ClientHello--Finished------',
    '                               data 5',
    'plaintext       -------------------------|---',
  ]);
  t.equal(renderTimeline([]).length, 0);
});

t.test('a long timeline wraps into blocks of the width, and can be printed as it grows', async (t) => {
  const events = Array.from({ length: 40 }, (_, at) => ({ at: at * 10, label: `label ${at} ${'x'.repeat(at)}` }));
  const rows = [{ name: 'row', events }];
  const lines = renderTimeline(rows, { width: 60 });
  t.ok(lines.every(({ length }) => length <= 60));
  t.ok(lines.filter((line) => line === '').length > 5);
  const printed: string[] = [];
  const live = liveTimeline(['row'], (block) => printed.push(...block), { width: 60 });
  for (const { at, label: text } of events) live.note('row', at, text);
  live.end();
  live.end();
  t.same(printed, lines);
  t.throws(() => live.note('other', 1, 'x'), /no row other/);
});

t.test('labels say what a connection emits', async (t) => {
  t.equal(label.bytes(Buffer.from('hi "you"')), '"hi \\"you\\""');
  t.equal(label.bytes(new Uint8Array(4_096)), '4096 B');
  const two = Buffer.concat([placeboRecords.applicationData(new Uint8Array(5)), placeboRecords.closeNotify()]);
  t.equal(label.records(two), 'applicationData 5 + alert 2');
  t.equal(label.readiness({ engine: 'WANT_READ', blockedOn: ['handshake'] }), 'WANT_READ (handshake)');
  t.equal(label.readiness({ engine: 'READY', blockedOn: [] }), 'READY');
  t.equal(label.ack({ type: 'sealed', intent: 2, bytes: 9 }), '#2 sealed 9');
  let now = 1;
  const recorder = timelineRecorder(() => now);
  const row = recorder.row<string>('r', (value) => value);
  row.next('a');
  now = 2;
  row.error(new TypeError('no'));
  row.complete();
  t.same(recorder.rows, [
    {
      name: 'r',
      events: [
        { at: 1, label: 'a' },
        { at: 2, label: '# TypeError' },
        { at: 2, label: '|' },
      ],
    },
  ]);
});

t.test('a scripted duplex follows its script: bytes for credit, room for demand', async (t) => {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  byteMarbles(scheduler, (marbles) => {
    const { duplex, written, requested } = scriptedDuplex({
      in: marbles.hot('   a--b--c-|', { b: 'bb' }),
      room: marbles.numbers('5----x----', { 5: 5, x: 10 }),
    });
    const wait = marbles.hot('--1-2-3-4-', { 2: '123456' });
    wait.subscribe((bytes) => duplex.sink.write(bytes));
    const ask = marbles.hot('----r--r--');
    ask.subscribe(() => duplex.source.request(2));
    //                                                0123456789
    marbles.row('ciphertext in', duplex.source.bytes, text, '----a--c|', { a: 'a + bb' });
    marbles.row('asked for', requested, String, '----r--r--', { r: '2' });
    marbles.row('ciphertext out', written, text, '--1-2-3-4-', { 2: '123456' });
    marbles.row('demand', duplex.sink.demand, String, '5-4-0x7-6-', { 5: '0 + 5', x: '8' });
  });
});
