// What five bytes can say, all of it: a header alone decides between data, a wait and a typed error.
import { NotTlsError, PeerMisbehavedError, TlsError } from '@rxtls/core/engine';
import t from 'tap';
import { type RecordBound, RecordReader } from '@rxtls/core/engine-parts';
import { client, End, records, seededBytes, server, toText } from './harness.ts';

Error.stackTraceLimit = 0; // most headers are refused, and nobody reads where

const roles = ['client', 'server'] as const;
const factories = { client: client(), server: server() };
const contentTypes = [20, 21, 22, 23, 24];
const headerOf = (type: number, length: number, major = 3): Uint8Array =>
  Uint8Array.of(type, major, 1, length >> 8, length & 0xff);

t.test('R3 (forge) every 5-byte header, all 65 536 lengths, in the clear and protected', async (t) => {
  const most = { clear: 16_384, older: 16_384 + 2_048 };
  const outcomes = { wait: 0, record: 0, overflow: 0, 'no TLS': 0 };
  for (const bound of ['clear', 'older'] as const satisfies readonly RecordBound[])
    for (let length = 0; length < 65_536; length++)
      for (const type of [22, 23, [0, 19, 20, 21, 24, 25, 0x47, 255][length % 8]!]) {
        const reader = new RecordReader();
        let outcome: keyof typeof outcomes;
        try {
          reader.push(headerOf(type, length));
          outcome = reader.next(bound) === undefined ? 'wait' : 'record';
        } catch (error) {
          if (error instanceof NotTlsError) outcome = 'no TLS';
          else if (error instanceof PeerMisbehavedError && error.alert === 'record_overflow') outcome = 'overflow';
          else throw error;
        }
        outcomes[outcome]++;
        const over = length > (type === 23 ? most.older : most[bound]);
        const expected = !contentTypes.includes(type) ? 'no TLS' : over ? 'overflow' : length === 0 ? 'record' : 'wait';
        if (outcome !== expected) t.fail(`${bound} ${type} ${length}: ${outcome}, not ${expected}`);
      }
  t.equal(outcomes.record, 4, 'only a header with no length is a whole record');
  t.ok(outcomes.wait > 0 && outcomes.overflow > 0 && outcomes['no TLS'] > 0, JSON.stringify(outcomes));
});

t.test('R3 (forge) an engine given any header, and some body: data, a wait or a typed error, never more', async (t) => {
  const bytes = seededBytes(3);
  // One length in three for a server; for a client, whose every engine makes a ClientHello first, one in eleven.
  for (const [role, step] of [
    ['server', 3],
    ['client', 11],
  ] as const) {
    let count = 0;
    for (let length = 0; length < 65_536; length += step) {
      const type = [20, 21, 22, 23, 24, 22, 23, 19, 25, 0x47][++count % 10]!;
      const end = new End(factories[role], { observed: false });
      end.give(headerOf(type, length, length % 1_001 === 0 ? 2 : 3));
      if (end.error === undefined) end.give(bytes(Math.min(length, 40)));
      if (end.error === undefined) end.engine?.receiveEnd();
      if (end.error !== undefined ? !(end.error instanceof TlsError) : end.consumed !== end.given)
        t.fail(`${role} ${type} ${length}: ${end.error}`);
      if (end.plaintext.length > 0 || end.closed || end.negotiated) t.fail(`${role} ${type} ${length}`);
      end.engine?.destroy();
    }
    t.equal(count, Math.ceil(65_536 / step), `${role}: ${count} headers`);
  }
});

t.test(
  'R4 (forge) every first byte that starts no record is NotTlsError with it, and only an alert is sent',
  async (t) => {
    for (const role of roles)
      for (let first = 0; first < 256; first++) {
        const end = new End(factories[role]);
        end.take();
        const given = Uint8Array.of(first, ...Buffer.from('secret words, more than 32 bytes of them'));
        end.give(given);
        const isType = contentTypes.includes(first);
        // Behind a byte that could start a record comes one that no TLS version has.
        if (!(end.error instanceof NotTlsError)) return t.fail(`${role} ${first}: ${end.error}`);
        if (end.error.firstBytes !== Buffer.from(given.subarray(0, 32)).toString('hex')) t.fail(`${role} ${first}`);
        const sent = records(end.take());
        if (sent.length > 1 || sent.some((each) => each[0] !== 21 || each.length !== 7))
          t.fail(`${role} ${first}: an echo`);
        if (/secret/.test(end.error.message + toText(end.take()))) t.fail(`${role} ${first}: ${end.error.message}`);
        if (isType !== /first bytes/.test(end.error.message)) t.fail(end.error.message);
      }
    return t.pass('256 bytes for each role');
  },
);
