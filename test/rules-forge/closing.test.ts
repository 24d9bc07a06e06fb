// Rows C1 to C5 over forgeEngine and core: how a connection ends. C1 to C3 at the engine alone: packages/engine-forge/test/records.test.ts.
import { memoryPair } from '@rxtls/transport-memory';
import { VirtualTimeScheduler } from 'rxjs';
import t from 'tap';
import { End } from '../../packages/engine-forge/test/harness.ts';
import { badlySettled, Side, turns, until } from '../rules-node/bench.ts';
import { allowed, client, forge, server } from './bench.ts';

const quiet = { error: () => undefined };
const roles = ['client', 'server'] as const;

t.test('C1 (forge) the wire ends without close_notify, wherever: plaintext never completes', async (t) => {
  for (const role of roles)
    for (const what of ['at once', 'between records', 'inside a record', 'broken'] as const) {
      const both = await forge().open();
      const [side, other] = role === 'client' ? [both.client, both.server] : [both.server, both.client];
      const road = role === 'client' ? both.link.bToA : both.link.aToB;
      side.read();
      if (what !== 'at once') other.write('all');
      await until(() => what === 'at once' || side.text === 'all', 'the plaintext');
      if (what === 'inside a record') other.wire.duplex.sink.write(Uint8Array.of(23, 3, 1, 0, 32, 1, 2, 3));
      road.cut(what === 'broken' ? 'error' : 'end');
      await until(() => side.isOver, 'the end');
      const name = what === 'broken' ? 'AbortedError' : 'TruncationError';
      t.match(side.plaintextEnd, { name }, `${role}, ${what}`);
      t.match(side.error, { name });
      if (what !== 'broken') t.match(side.plaintextEnd, { bytesReceived: what === 'at once' ? 0 : 3 });
      both.destroy();
    }
});

t.test('C2 (forge) what follows close_notify is counted and never emitted', async (t) => {
  for (const role of roles) {
    // What comes in one chunk with it: once both have said goodbye nobody listens any more.
    const both = await forge({ link: { aToB: { coalesce: 5 }, bToA: { coalesce: 5 } } }).open();
    const [side, other] = role === 'client' ? [both.client, both.server] : [both.server, both.client];
    side.read();
    other.write('last');
    other.connection.closeWrite().subscribe(quiet);
    const after = Buffer.from([23, 3, 1, 0, 4, 1, 2, 3, 4]);
    other.wire.duplex.sink.write(after);
    await until(() => side.plaintextEnd !== 'open', 'the end');
    await turns();
    t.equal(side.plaintextEnd, 'complete', role);
    t.equal(side.text, 'last');
    const counted = side.events.flatMap((event) => (event.type === 'ignored' ? [event.bytes] : []));
    t.same(counted, [after.length]);
    both.destroy();
  }
});

t.test('C3 (forge) close_notify during the handshake errors with the phase and emits nothing', async (t) => {
  const hello = new End(client()).take();
  for (const role of roles) {
    const [a, b] = memoryPair();
    const side = new Side(a, role === 'client' ? client() : server(), allowed());
    if (role === 'server') b.sink.write(hello.slice());
    await until(() => side.wire.written.length > 0, 'its first flight');
    b.sink.write(Uint8Array.of(21, 3, 1, 0, 2, 1, 0));
    await until(() => side.isOver, 'the error');
    t.match(side.error, { name: 'AlertReceivedError', alert: 'close_notify', phase: 'handshake' }, role);
    t.equal(side.connections.length, 0);
    t.equal(side.wire.aborts, 1);
  }
});

t.test(
  'C4 (forge) a peer that never answers our close_notify: teardown at closeTimeout, in virtual time',
  async (t) => {
    for (const role of roles) {
      const scheduler = new VirtualTimeScheduler();
      const both = forge({
        clientOptions: { scheduler },
        serverOptions: { scheduler },
      });
      const [side, road] = role === 'client' ? [both.client, both.link.aToB] : [both.server, both.link.bToA];
      t.equal(side.connections.length, 1, 'memory takes no time');
      road.stall();
      const outcome: string[] = [];
      side.connection.close().subscribe({
        error: (error: Error) => outcome.push(error.name),
        complete: () => outcome.push('complete'),
      });
      scheduler.maxFrames = 4_999;
      scheduler.flush();
      t.notOk(side.isOver, `${role}: not before`);
      scheduler.maxFrames = 5_000;
      scheduler.flush();
      t.ok(side.isOver, `${role}: at the limit`);
      t.equal(side.wire.aborts, 1);
      t.equal(outcome.length, 1, outcome.join());
      both.destroy();
    }
  },
);

t.test(
  "C5 (forge) no half-close in these versions: writes after the peer's close_notify are refused, not silent",
  async (t) => {
    for (const role of roles) {
      const both = await forge({ clientOptions: { halfOpen: true }, serverOptions: { halfOpen: true } }).open();
      const [side, other] = role === 'client' ? [both.client, both.server] : [both.server, both.client];
      const road = role === 'client' ? both.link.aToB : both.link.bToA;
      other.read();
      road.starve(0);
      side.write('queued before');
      const said: string[] = [];
      const late = (): void =>
        void side.connection.write(Buffer.from('late')).subscribe({
          next: (ack) => said.push(ack.type === 'refused' ? ack.why : ack.type),
          error: (error: Error) => said.push(error.name),
        });
      side.connection.plaintext.subscribe({ complete: late });
      other.connection.closeWrite().subscribe(quiet);
      await until(() => side.isOver, 'the end');
      t.same(said, ['peer-closed', 'WriteRefusedError'], role);
      t.same(side.acksOf(2), ['refused']);
      // RFC 4346 §7.2.1: "discarding any pending writes".
      t.same(side.acksOf(1), ['queued', 'lost']);
      late();
      t.equal(said.at(-1), 'ApiMisuseError', 'and when all is over it makes no sense');
      t.same(badlySettled(side.acks), []);
      t.notOk(other.text.includes('late'));
      both.destroy();
    }
  },
);
