// Applications and transports that throw where nobody expects it, or that never stop: what they may cost, and whom.
import { finalize, type Observable, tap } from 'rxjs';
import t from 'tap';
import { ascii, Bench, openClient, placeboEngine, record, unhandled, Wire } from './bench.ts';

const broken = (): never => {
  throw new Error('a finalizer broke');
};

t.test(
  'rule 16: a finalizer that throws at the end keeps nobody else from hearing of it, and is reported',
  async (t) => {
    for (const last of [record.closeNotify(), record.alert(2, 20)]) {
      const bench = openClient({ read: false });
      const told: string[] = [];
      const errors = await unhandled(() => {
        const { connection } = bench;
        const ends: readonly Observable<unknown>[] = [
          connection.plaintext,
          connection.ledger,
          connection.events,
          connection.sink.demand,
          connection.closeWrite(),
          connection.close(),
        ];
        for (const end of ends) end.pipe(finalize(broken)).subscribe({ error: () => undefined });
        connection.close().subscribe({ error: () => told.push('close'), complete: () => told.push('close') });
        bench.wire.give(last);
      });
      t.same(told, ['close']);
      t.match(bench.log.at(-1), /^(complete|error)/, 'the owner hears of it');
      t.match(errors[0], { name: 'UnsubscriptionError' });
      t.equal(bench.clock.pending, 0);
    }
  },
);

t.test('rule 4: a finalizer that throws when its write is flushed changes nothing for the others', async (t) => {
  const bench = openClient();
  bench.wire.holds = true;
  const errors = await unhandled(() => {
    bench.connection.write(ascii('one')).pipe(finalize(broken)).subscribe();
    bench.connection.write(ascii('two'));
    bench.wire.taken.set(bench.wire.written);
    bench.wire.give(record.applicationData(ascii('still here')));
  });
  t.match(errors, [{ name: 'UnsubscriptionError' }]);
  t.equal(bench.ackLog.filter((ack) => ack.includes('flushed')).length, 2);
  t.equal(bench.received, 'still here');
});

t.test('rule 11: whatever throws inside a turn ends the connection; it is never left standing still', async (t) => {
  const bench = openClient({ read: false });
  await unhandled(() => {
    bench.connection.plaintext.pipe(tap(broken), finalize(broken)).subscribe({ error: () => undefined });
    bench.wire.give(record.applicationData(ascii('x')));
  });
  t.match(bench.error, { name: 'EngineFailureError', message: 'an observer of the connection threw' });
  t.same(bench.wire.calls.slice(-2), ['end', 'abort']);
});

t.test('rule 12: a transport whose request throws has failed', async (t) => {
  const wire = new Wire();
  const { source } = wire.duplex;
  let calls = 0;
  const request = (bytes: number): void => {
    if (++calls > 1) throw new Error('no more');
    source.request(bytes);
  };
  Object.assign(wire.duplex, { source: { bytes: source.bytes, request } });
  const bench = new Bench(wire).start(placeboEngine.client({ version: 'TLSv1.3' })).handshake();
  for (let given = 0; given < 30 && bench.error === undefined; given++)
    wire.give(record.applicationData(new Uint8Array(16_000)));
  t.match(bench.error, { name: 'AbortedError', message: 'the transport failed: no more' });
  t.equal(wire.count('abort'), 1);
});
