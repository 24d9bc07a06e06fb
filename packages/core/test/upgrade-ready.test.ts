// What comes before TLS, as core sees it: a transport that is ready, and the operator in front of each connection of a listener.
import { type ByteDuplex, drain, secure, secureEach, type UpgradeReady, upgradeReady, use } from '@rxtls/core';
import { concat, delay, EMPTY, lastValueFrom, map, NEVER, type Observable, of, Subject, toArray } from 'rxjs';
import t from 'tap';
import { memoryPair } from '../../transport-memory/src/index.ts';
import { ascii, Clock, placeboEngine, text, Wire } from './bench.ts';

const kept = <T>(...values: readonly T[]): Observable<T> => concat(of(...values), NEVER);
const ready = map((duplex: ByteDuplex): UpgradeReady => upgradeReady(duplex));

t.test('secure and secureEach take a transport that an upgrade has made ready', async (t) => {
  const [a, b] = memoryPair();
  const server = kept(b)
    .pipe(
      ready,
      secureEach(placeboEngine.server(), (connection) => connection.writeFrom(connection.source)),
    )
    .subscribe();
  const chunks = await lastValueFrom(
    kept(a).pipe(
      ready,
      secure(placeboEngine.client()),
      use((connection) => {
        t.equal(connection.info, a.info);
        return connection.exchange([ascii('over it')], { halfClose: true });
      }),
      toArray(),
    ),
  );
  t.equal(text(...chunks), 'over it');
  server.unsubscribe();
});

t.test('P4: nothing of what is ready leads to its transport', async (t) => {
  const [a] = memoryPair();
  const inside = upgradeReady(a);
  t.same(Object.entries(inside), [['info', a.info]]);
  t.same(Reflect.ownKeys(inside), ['info']);
  t.same(Reflect.ownKeys(Object.getPrototypeOf(inside) as object), ['constructor']);
  t.same(
    Reflect.ownKeys(inside.constructor).filter((key) => !['length', 'name', 'prototype'].includes(String(key))),
    [],
  );
});

t.test('secureEach: each transport passes the upgrade by itself; a failure is told with its info', async (t) => {
  const failures: unknown[] = [];
  const [, first] = memoryPair();
  const [a, second] = memoryPair();
  const seen: ByteDuplex[] = [];
  const server = kept(first, second)
    .pipe(
      secureEach(placeboEngine.server(), (connection) => connection.writeFrom(connection.source), {
        upgrade: (source) =>
          source.pipe(
            map((duplex) => {
              seen.push(duplex);
              if (duplex === first) throw new Error('not this one');
              return upgradeReady(duplex);
            }),
          ),
        failed: (failure) => failures.push(failure),
      }),
    )
    .subscribe();
  t.same(seen, [first, second]);
  t.match(failures, [{ error: { message: 'not this one' }, info: first.info }]);
  const answer = kept(a).pipe(
    secure(placeboEngine.client()),
    use((connection) => connection.exchange([ascii('hello')], { halfClose: true })),
    toArray(),
  );
  t.equal(text(...(await lastValueFrom(answer))), 'hello');
  server.unsubscribe();
});

t.test('secureEach: a transport whose upgrade nobody waits for is cut, by a drain too', async (t) => {
  for (const isDrained of [false, true]) {
    const [wire, clock, stop] = [new Wire(), new Clock(), new Subject<void>()];
    const listener = new Subject<ByteDuplex>();
    const serving = listener
      .pipe(
        secureEach(placeboEngine.server(), () => NEVER, {
          scheduler: clock,
          upgrade: delay<ByteDuplex>(5_000, clock),
          drain: drain(stop, { deadline: 1_000 }),
        }),
      )
      .subscribe();
    listener.next(wire.duplex);
    if (isDrained) {
      stop.next();
      clock.to(1_000);
    } else serving.unsubscribe();
    t.ok(serving.closed);
    t.same(wire.calls, ['abort']);
    t.equal(clock.pending, 0);
  }
});

t.test('secureEach: an upgrade that throws, or gives what is no observable, leaves nothing open', async (t) => {
  const threw = (): never => {
    throw new Error('no operator');
  };
  for (const upgrade of [threw, () => undefined as never, () => EMPTY]) {
    const wire = new Wire();
    const failures: unknown[] = [];
    kept(wire.duplex)
      .pipe(secureEach(placeboEngine.server(), () => NEVER, { upgrade, failed: ({ error }) => failures.push(error) }))
      .subscribe();
    t.match(failures, [{ name: 'ApiMisuseError', message: /the upgrade/ }]);
    t.same(wire.calls, ['abort']);
  }
});

t.test('secureEach: an upgrade that is no operator', async (t) => {
  for (const upgrade of [null, 5, {}])
    t.throws(() => Reflect.apply(secureEach, undefined, [placeboEngine.server(), () => EMPTY, { upgrade }]), {
      name: 'ApiMisuseError',
      message: /upgrade must be an operator/,
    });
});
