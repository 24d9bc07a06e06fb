// Rows C of the checklist over tls13Engine and core.
import { NEVER, concat, of } from 'rxjs';
import { memoryPair } from '@rxtls/transport-memory';
import t from 'tap';
import { now } from '../../packages/engine-tls13/test/certificate-pki.ts';
import { client, joined, server } from '../../packages/engine-tls13/test/ends.ts';
import { type } from '../../packages/engine-tls13/test/raw-peer.ts';
import { clientAndPeer, serverAndPeer } from '../../packages/engine-tls13/test/with-peer.ts';
import {
  badlySettled,
  duo as anyDuo,
  type Duo,
  type DuoOptions,
  sample,
  Side,
  turns,
  unbalanced,
  until,
} from '../rules-node/bench.ts';
import { wired } from './wired.ts';

t.setTimeout(60_000);

const ignored = (): void => undefined;
const clock = { dangerouslyHost: { wallClock: () => now } };
const duo = ({ clientOptions, serverOptions, ...options }: DuoOptions = {}): Duo =>
  anyDuo({
    client: client(),
    server: server(),
    ...options,
    clientOptions: { ...clock, ...clientOptions },
    serverOptions: { ...clock, ...serverOptions },
  });

t.test('C1 (tls13) the wire ends without close_notify, wherever: plaintext never completes', async (t) => {
  for (const as of ['end', 'error'] as const) {
    for (let bytes = 800; bytes < 32_000; bytes += 1_301) {
      const d = duo({
        link: { bToA: { cutAfter: { bytes, as } } },
        serverOptions: { writes: concat(of(sample(30_000)), NEVER) },
      });
      await until(() => d.client.connections.length > 0 || d.client.isOver, 'the handshake');
      if (d.client.connections.length > 0) d.client.read();
      await until(() => d.client.isOver, `the cut after ${bytes}`);
      t.not(d.client.plaintextEnd, 'complete', `${as} after ${bytes}`);
      t.notOk(d.client.completed, `${as} after ${bytes}`);
      t.ok(sample(30_000).subarray(0, d.client.bytes.length).equals(d.client.bytes), 'what came is a beginning of it');
      d.destroy();
    }
    const whole = await duo().open();
    whole.client.read();
    whole.server.write('all');
    await until(() => whole.client.text === 'all', 'the plaintext');
    whole.link.bToA.cut(as);
    await until(() => whole.client.isOver, 'the end');
    if (as === 'end') t.match(whole.client.plaintextEnd, { name: 'TruncationError', bytesReceived: 3 });
    else t.not(whole.client.plaintextEnd, 'complete');
    whole.destroy();
  }
});

t.test('C2 (tls13) what follows close_notify is ignored and counted, never emitted', async (t) => {
  for (const meet of [clientAndPeer, serverAndPeer]) {
    const { end, peer, run } = meet();
    peer.data('last').alert(1, 0).data('after').alert(2, 80).clear(99, sample(10));
    run();
    peer.data('later').clear(type.handshake, sample(100));
    run();
    t.equal(end.text, 'last');
    t.ok(end.closed);
    t.equal(end.error, undefined);
    end.send('ours goes on');
    run();
    t.equal(Buffer.from(joined(peer.plaintext)).toString(), 'ours goes on');
  }
  const { side, peer, pump } = await wired({ halfOpen: true });
  side.read();
  peer.data('last').alert(1, 0);
  const after = sample(999);
  peer.out.push(after);
  pump();
  await until(() => side.plaintextEnd !== 'open', 'the end');
  t.equal(side.plaintextEnd, 'complete');
  await turns();
  t.equal(side.text, 'last');
  const counted = side.events.flatMap((event) => (event.type === 'ignored' ? [event.bytes] : []));
  t.same(counted, [after.length], 'counted');
  t.equal(side.error, undefined);
  side.subscription.unsubscribe();
});

t.test('C3 (tls13) close_notify during the handshake is an error with the phase, wherever it comes', async (t) => {
  const steps = {
    client: ['ServerHello', 'EncryptedExtensions', 'Certificate', 'CertificateVerify', 'Finished'],
    server: ['ClientHello', 'Finished'],
  } as const;
  for (const role of ['client', 'server'] as const)
    for (const at of steps[role]) {
      const { end } = (role === 'client' ? clientAndPeer : serverAndPeer)({
        alter: (step, _, peer) => {
          if (step === at) peer.alert(1, 0);
        },
      });
      t.match(end.error, { name: 'AlertReceivedError', alert: 'close_notify', phase: 'handshake' }, `${role}: ${at}`);
      t.equal(end.negotiated, undefined);
      t.equal(end.plaintext.length, 0);
      t.notOk(end.closed);
    }
  const [a, b] = memoryPair();
  const side = new Side(a, client(), clock);
  await until(() => side.wire.written.length > 0, 'the ClientHello');
  b.sink.write(Uint8Array.of(21, 3, 3, 0, 2, 1, 0));
  await until(() => side.isOver, 'the error');
  t.match(side.error, { alert: 'close_notify', phase: 'handshake' });
  t.equal(side.connections.length, 0);
  t.equal(side.wire.aborts, 1);
});

t.test('C4 (tls13) a peer that never answers our close_notify: teardown at closeTimeout', async (t) => {
  const d = await duo({ clientOptions: { limits: { closeTimeout: 150 } } }).open();
  d.link.aToB.stall();
  const started = Date.now();
  const ends: unknown[] = [];
  d.client.connection
    .close()
    .subscribe({ error: (error: unknown) => ends.push(error), complete: () => ends.push('complete') });
  await until(() => d.client.isOver, 'the teardown');
  const took = Date.now() - started;
  t.ok(took >= 140 && took < 5_000, `${took} ms`);
  t.match(d.client.error, { name: 'LimitExceededError', limit: 'closeTimeout' });
  t.equal(ends.length, 1);
  t.equal(d.client.wire.aborts, 1);
  d.destroy();
});

t.test("C5 (tls13) after the peer's close_notify our writes go on and arrive", async (t) => {
  const d = await duo({ clientOptions: { halfOpen: true } }).open();
  d.server.read();
  d.client.read();
  d.server.connection.closeWrite().subscribe({ error: ignored });
  await until(() => d.client.plaintextEnd === 'complete', 'the close_notify');
  const said: string[] = [];
  for (const text of ['after', ' and ', 'later'])
    d.client.connection.write(Buffer.from(text)).subscribe({ next: (ack) => said.push(ack.type), error: ignored });
  await until(() => d.server.text === 'after and later', 'the late writes');
  await until(() => said.filter((each) => each === 'flushed').length === 3, 'the acks');
  d.client.connection.closeWrite().subscribe({ error: ignored });
  await until(() => d.client.completed && d.server.completed, 'both to end');
  t.equal(d.server.plaintextEnd, 'complete');
  t.same(badlySettled(d.client.acks), []);
  t.same(unbalanced(d.client.ledgers), []);
  d.destroy();
});

t.test(
  'C6 (tls13) write, close and never read, while tickets come the other way: the peer gets all of it',
  async (t) => {
    const d = await duo({
      client: client({ sessions: 'none' }),
      link: { capacity: 20_000 },
      serverEmitted: (connection) => void connection.write(sample(200_000)).subscribe({ error: ignored }),
    }).open();
    d.server.read();
    let closed = false;
    d.client.connection.writeFrom([sample(1_000_000)]).subscribe({
      error: ignored,
      complete: () => d.client.connection.close().subscribe({ error: ignored, complete: () => (closed = true) }),
    });
    await until(() => d.server.plaintextEnd !== 'open', 'the server to see the end');
    t.equal(d.server.plaintextEnd, 'complete');
    t.ok(d.server.bytes.equals(sample(1_000_000)), 'all of it');
    await until(() => closed || d.client.isOver, 'the close');
    t.ok(
      d.client.events.some((event) => event.type === 'ticket'),
      'and tickets came',
    );
    t.same(badlySettled(d.client.acks), []);
    d.destroy();
  },
);
