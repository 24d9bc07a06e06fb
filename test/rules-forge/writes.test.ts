// Rows W3, W6 and W7 over forgeEngine and core. The other rows: the files beside this one, and packages/engine-forge/test.
import type { ByteDuplex } from '@rxtls/core';
import { type LinkControl, memoryPair } from '@rxtls/transport-memory';
import fc from 'fast-check';
import { concat, config, NEVER, of, Subject, VirtualTimeScheduler } from 'rxjs';
import t from 'tap';
import { End } from '../../packages/engine-forge/test/harness.ts';
import { badlySettled, type Duo, sample, Side, turns, unbalanced, until } from '../rules-node/bench.ts';
import { allowed, client, forge, server } from './bench.ts';

t.setTimeout(120_000);

interface Script {
  readonly writes: readonly { readonly at: number; readonly who: 'client' | 'server'; readonly size: number }[];
  readonly fragment: number;
  readonly delay: number;
  readonly capacity: number;
}

const script: fc.Arbitrary<Script> = fc.record({
  writes: fc.array(
    fc.record({
      at: fc.nat(14),
      who: fc.constantFrom('client', 'server'),
      size: fc.oneof(fc.constantFrom(0, 1, 7_000, 16_384, 16_385), fc.nat(100), fc.nat(2_000)),
    }),
    { maxLength: 6 },
  ),
  fragment: fc.constantFrom(17, 100, 1_000, 1_000_000),
  delay: fc.constantFrom(1, 2),
  capacity: fc.constantFrom(4_000, 262_144),
});

const [clientFactory, serverFactory] = [client(), server()];
const before = { notYet: 0, later: 0 };

/** Writes at these moments of virtual time; the handshake takes four or eight of its milliseconds. */
function played({ writes, fragment, delay, capacity }: Script): string | undefined {
  const scheduler = new VirtualTimeScheduler();
  // Small pieces for the handshake alone: this scheduler sorts all that is pending at each of them.
  const faults = { delay, fragment: (offset: number) => (offset < 2_500 ? fragment : 1_000_000) };
  const [a, b] = memoryPair({ aToB: faults, bToA: faults, capacity, scheduler });
  const subjects = { client: new Subject<Uint8Array>(), server: new Subject<Uint8Array>() };
  const sides = {
    server: new Side(b, serverFactory, allowed({ scheduler, writes: subjects.server }), () => sides.server.read()),
    client: new Side(a, clientFactory, allowed({ scheduler, writes: subjects.client }), () => sides.client.read()),
  };
  const sent = { client: [] as Buffer[], server: [] as Buffer[] };
  for (const [index, { at, who, size }] of writes.entries())
    scheduler.schedule(() => {
      const bytes = sample(size, index + 1);
      sent[who].push(Buffer.from(bytes));
      const isOpen = sides[who].connections.length > 0;
      before[isOpen ? 'later' : 'notYet']++;
      // The two ways to write are one queue.
      if (isOpen && index % 2 === 0) sides[who].write(bytes);
      else subjects[who].next(bytes);
    }, at);
  scheduler.flush();
  for (const [who, other] of [
    ['client', 'server'],
    ['server', 'client'],
  ] as const) {
    const side = sides[who];
    if (side.connections.length !== 1 || side.isOver) return `${who}: ${side.error}`;
    const expected = Buffer.concat(sent[who]);
    if (!sides[other].bytes.equals(expected)) return `${other} read ${sides[other].bytes.length} of ${expected.length}`;
    if (badlySettled(side.acks).length > 0 || side.ledger.outstanding > 0) return badlySettled(side.acks).join();
    if (side.acks.some(({ type }) => type === 'refused' || type === 'lost')) return `${who}: not all accepted`;
    const wire = Buffer.concat(side.wire.written);
    if (sent[who].some((each) => each.length >= 16 && wire.includes(each.subarray(0, 16)))) return `${who}: clear text`;
  }
  for (const side of Object.values(sides)) side.subscription.unsubscribe();
  return undefined;
}

t.test(
  'W3 (forge) writes at any moment of the handshake and after it: the peer reads them in order, once',
  async (t) => {
    const seed = Number(process.env['RXTLS_SEED'] ?? Date.now() & 0x7fff_ffff);
    const outcome = fc.check(
      fc.property(script, (each) => {
        const wrong = played(each);
        if (wrong !== undefined) throw new Error(wrong);
      }),
      { numRuns: 100, seed, endOnFailure: true, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: true },
    );
    t.notOk(outcome.failed, fc.defaultReportMessage(outcome) ?? `${outcome.numRuns} interleavings`);
    t.ok(before.notYet > 50 && before.later > 50, `${before.notYet} writes in a handshake, ${before.later} later`);
  },
);

t.test(
  'the clear-text guard: no byte of an early write is on the wire, whatever becomes of the handshake',
  async (t) => {
    const secret = sample(20_000, 9);
    const ways: Record<string, (both: Duo) => void> = {
      'a good one': () => undefined,
      'the wire breaks': (both) => both.link.bToA.cut('error'),
      'the wire ends': (both) => both.link.bToA.cut('end'),
      unsubscribed: (both) => both.client.subscription.unsubscribe(),
    };
    for (const [name, leave] of Object.entries(ways))
      for (const delay of [0, 2])
        for (const refuses of [false, true]) {
          const both = forge({
            client: client(refuses ? { serverName: 'other.test' } : {}),
            clientOptions: { writes: concat(of(Buffer.from(secret)), NEVER) },
            serverOptions: { writes: concat(of(Buffer.from(secret)), NEVER) },
            link: { aToB: { delay: 1 }, bToA: { delay: 1 } },
          });
          await turns(delay);
          leave(both);
          await until(
            () =>
              [both.client, both.server].every(
                (each) => each.isOver || each.connections.length > 0 || each.wire.aborts > 0,
              ),
            name,
          );
          await turns(3);
          both.destroy();
          for (const side of [both.client, both.server]) {
            const wire = Buffer.concat(side.wire.written);
            const leaks = Array.from({ length: 250 }, (_, at) => secret.subarray(at * 80, at * 80 + 8)).some((each) =>
              wire.includes(each),
            );
            t.notOk(leaks, `${name}, ${refuses ? 'refused' : 'accepted'}: ${wire.length} bytes on the wire`);
            t.same(badlySettled(side.acks), []);
          }
        }
  },
);

t.test(
  'W6 (forge) nothing is flushed before the transport has taken it, and one record at most is sealed ahead',
  async (t) => {
    for (const role of ['client', 'server'] as const) {
      const both = await forge().open();
      const [side, other] = role === 'client' ? [both.client, both.server] : [both.server, both.client];
      const road = role === 'client' ? both.link.aToB : both.link.bToA;
      other.read();
      road.starve(0);
      for (let n = 0; n < 10; n++) side.write(sample(16_000, n));
      await turns();
      t.same(side.acksOf(1), ['queued']);
      t.notOk(side.acks.some(({ type }) => type === 'flushed'));
      t.ok(side.ledger.sealed <= 16_384, `${side.ledger.sealed} bytes sealed`);
      t.equal(side.ledger.flushed, 0);
      road.starve(Number.POSITIVE_INFINITY);
      await until(() => other.bytes.length === 160_000, 'the rest');
      await until(() => side.ledger.outstanding === 0, 'the acks');
      t.same(badlySettled(side.acks), []);
      // The transport has room and has been given the bytes, and takes none of them.
      road.stall();
      side.write('held');
      await turns();
      t.same(side.acksOf(11), ['queued', 'sealed']);
      road.release();
      await until(() => side.acksOf(11).includes('flushed'), 'flushed');
      t.same(side.acksOf(11), ['queued', 'sealed', 'flushed']);
      both.destroy();
    }
  },
);

const quiet = { error: () => undefined };
const throwing = (): never => {
  // RxJS reports it besides.
  config.onUnhandledError = () => undefined;
  throw new Error('of an observer');
};

t.test('W7 (forge) every intent has one terminal ack on every way out of an open connection', async (t) => {
  const ways: Record<string, (side: Side, other: Side, both: Duo) => void> = {
    unsubscribe: (side) => side.subscription.unsubscribe(),
    'the wire breaks': (_, __, { link }) => link.aToB.cut('error'),
    'the wire ends': (side, _, both) => (side === both.client ? both.link.bToA : both.link.aToB).cut('end'),
    'the peer cuts': (_, other) => other.subscription.unsubscribe(),
    'the peer closes': (_, other) => void other.connection.close().subscribe(quiet),
    'the peer breaks the rules': (_, other) => other.wire.duplex.sink.write(Uint8Array.of(99, 9, 9, 9, 9)),
    'a record is forged': (_, other) =>
      other.wire.duplex.sink.write(Buffer.concat([Buffer.from([23, 3, 1, 0, 32]), Buffer.alloc(32)])),
    close: (side) => void side.connection.close().subscribe(quiet),
    closeWrite: (side) => void side.connection.closeWrite().subscribe(quiet),
    'a reader throws': (side, other) => {
      side.connection.plaintext.subscribe({ next: throwing, error: () => undefined });
      other.write('for the reader');
    },
  };
  for (const [name, leave] of Object.entries(ways))
    for (const role of ['client', 'server'] as const) {
      const options = { limits: { closeTimeout: 50 } };
      const both = await forge({ clientOptions: options, serverOptions: options }).open();
      const [side, other] = role === 'client' ? [both.client, both.server] : [both.server, both.client];
      if (name !== 'a reader throws') side.read();
      (role === 'client' ? both.link.aToB : both.link.bToA).starve(20_000);
      for (let n = 0; n < 5; n++) side.write(sample(16_000, n));
      side.connection.writeFrom([sample(30_000)]).subscribe(quiet);
      leave(side, other, both);
      await until(() => side.ledger.outstanding === 0, `${role}: ${name}`);
      t.same(badlySettled(side.acks), [], `${role}: ${name}`);
      t.ok(new Set(side.acks.map(({ intent }) => intent)).size >= 5, 'of at least five intents');
      t.same(unbalanced(side.ledgers), [], name);
      both.destroy();
      t.same(badlySettled([...both.client.acks]), []);
      t.same(badlySettled([...both.server.acks]), []);
    }
});

t.test('W7 (forge) every intent is lost, with nothing sealed, on every way out of a handshake', async (t) => {
  const hello = new End(client()).take();
  const ways: Record<string, (side: Side, peer: ByteDuplex, link: LinkControl) => void> = {
    unsubscribe: (side) => side.subscription.unsubscribe(),
    'the wire breaks': (_, __, link) => link.cut('error'),
    'the wire ends': (_, __, link) => link.cut('end'),
    'the peer ends': (_, peer) => peer.sink.end(),
    'the peer cuts': (_, peer) => peer.sink.abort(),
    'the peer says goodbye': (_, peer) => peer.sink.write(Uint8Array.of(21, 3, 1, 0, 2, 1, 0)),
    'the peer fails': (_, peer) => peer.sink.write(Uint8Array.of(21, 3, 1, 0, 2, 2, 40)),
    'the peer speaks of something else': (_, peer) => peer.sink.write(Buffer.from('HTTP/1.1 400 Bad Request')),
    'no time is left': () => undefined,
  };
  for (const [name, leave] of Object.entries(ways))
    for (const role of ['client', 'server'] as const) {
      const pair = memoryPair();
      const options = { writes: concat(of(sample(99), sample(7)), NEVER), limits: { handshakeTimeout: 30 } };
      const side = new Side(pair[0], role === 'client' ? client() : server(), allowed(options));
      if (role === 'server') pair[1].sink.write(hello.slice());
      await until(() => side.wire.written.length > 0, 'its first flight');
      t.same(
        side.acks.map(({ type }) => type),
        ['queued', 'queued'],
      );
      leave(side, pair[1], pair.link.bToA);
      await until(() => side.acks.length >= 4, `${role}: ${name}`);
      await turns(2);
      t.same(badlySettled(side.acks), [], `${role}: ${name}`);
      t.ok(side.acks.slice(2).every((ack) => ack.type === 'lost' && ack.sealed === 0));
      t.equal(side.connections.length, 0);
      t.equal(side.isOver, name !== 'unsubscribe');
      t.equal(side.wire.aborts, 1, 'and the transport is aborted');
    }
});

t.test('W7 (forge) a refused certificate: what was written before is lost, with nothing sealed', async (t) => {
  const both = forge({
    client: client({ serverName: 'other.test' }),
    clientOptions: { writes: concat(of(sample(99)), NEVER) },
    // Without it the server's end of the wire is gone before the client has said why: memory takes no time at all.
    link: { aToB: { delay: 1 } },
  });
  await until(() => both.client.isOver, 'the refusal');
  t.match(both.client.error, { name: 'CertificateError', reason: 'wrong-name', phase: 'verification' });
  t.equal(both.client.connections.length, 0);
  t.equal(both.client.wire.aborts + both.client.wire.ends > 0, true);
  t.same(
    both.client.acks.map(({ type }) => type),
    ['queued', 'lost'],
  );
  t.equal(both.client.ledger.sealed, 0);
});
