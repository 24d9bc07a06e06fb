import { ApiMisuseError, defaultLimits, resolveLimits } from '@rxtls/core/engine';
import t from 'tap';
import { joined, openClient, record, Wire } from './bench.ts';

t.test('limits: own values go over the defaults', async (t) => {
  t.equal(resolveLimits(undefined), defaultLimits);
  t.same(resolveLimits({ taskTimeout: 7 }), { ...defaultLimits, taskTimeout: 7 });
  t.same(resolveLimits({ renegotiation: { max: 2 } }).renegotiation, { max: 2 });
});

t.test('limits: a value that would switch a limit off is refused', async (t) => {
  const names = Object.keys(defaultLimits) as (keyof typeof defaultLimits)[];
  for (const name of names)
    for (const value of [null, '', '5', -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, {}])
      t.throws(() => resolveLimits({ [name]: value } as never), ApiMisuseError, `${name}: ${String(value)}`);
  t.throws(() => resolveLimits({ handshakeTimeout: 0 }), /handshakeTimeout/);
  t.equal(resolveLimits({ closeTimeout: 2 ** 31 - 1 }).closeTimeout, 2 ** 31 - 1);
  for (const name of ['handshakeTimeout', 'clientHelloTimeout', 'closeTimeout', 'taskTimeout'])
    t.throws(() => resolveLimits({ [name]: 2 ** 31 }), /2147483647/, `${name}: a timer would fire at once`);
  t.throws(() => resolveLimits({ readLowWater: 262_144 }), /readLowWater/);
  t.throws(() => resolveLimits({ maxAesGcmRecords: 2 ** 25 }), /RFC 8446/);
  t.throws(() => resolveLimits({ nothing: 1 } as never), /limits.nothing/);
});

t.test('limits: events announce a queue at three quarters, once each time it fills', async (t) => {
  const bench = openClient({ limits: { maxQueuedBytes: 1_000 } }, 'TLSv1.3', new Wire(100));
  const announced = (): unknown[] => bench.events.filter(({ type }) => type === 'limit');
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  bench.connection.write(new Uint8Array(700));
  t.same(announced(), []);
  bench.connection.write(new Uint8Array(60));
  bench.connection.write(new Uint8Array(60));
  t.same(announced(), [{ type: 'limit', limit: 'maxQueuedBytes', used: 760, max: 1_000 }]);
  bench.wire.grant(10_000);
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  bench.connection.write(new Uint8Array(10));
  bench.connection.write(new Uint8Array(900));
  t.equal(announced().length, 2);
});

t.test('limits: maxBytesPerTurn yields to the scheduler, and a stopped connection leaves nothing on it', async (t) => {
  const bench = openClient({ limits: { maxBytesPerTurn: 50_000 } });
  bench.wire.give(joined(Array.from({ length: 20 }, () => record.applicationData(new Uint8Array(16_000)))));
  const soon = bench.plaintext.length;
  t.ok(soon < 20, `${soon} of 20 at once`);
  t.equal(bench.clock.pending, 1);
  bench.subscription?.unsubscribe();
  t.equal(bench.clock.pending, 0);
  bench.clock.flush();
  t.equal(bench.plaintext.length, soon);
});
