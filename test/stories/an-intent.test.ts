// Journey 2. An application wants to write, and the wire will not take it yet. Read from top to bottom.
//
//   application → core/connection.ts → core/stage.ts → core/outbound.ts → core/write-queue.ts → (readiness)
//     → core/outbound.ts → engine → core/engine-answers.ts → core/outbound.ts → transport
//
// The engine is the placebo, which seals nothing, so that every byte on the way is known; the peer is played by hand.
import { type Readiness, secure, type TlsConnection, type WriteAck } from '@rxtls/core';
import { placeboEngine, placeboRecords as record } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { connect, listen } from '@rxtls/transport-tcp';
import { concat, map, NEVER, of } from 'rxjs';
import t, { type Test } from 'tap';
import { EngineAnswers } from '../../packages/core/src/engine-answers.ts';
import { Outbound } from '../../packages/core/src/outbound.ts';
import { Stage } from '../../packages/core/src/stage.ts';
import { WriteQueue } from '../../packages/core/src/write-queue.ts';
import { hex, Hops } from './hops.ts';

const hello = new TextEncoder().encode('hello');
const golden = '17 03 03 00 05 68 65 6c 6c 6f';

function watched(t: Test): Hops {
  const hops = new Hops();
  hops.watch(Stage.prototype, 'write', (bytes: Uint8Array) => `core/stage.write ${bytes.length}`);
  hops.watch(Outbound.prototype, 'accept', (kind: string) => `core/outbound.accept ${kind}`);
  hops.watch(WriteQueue.prototype, 'push', ({ id }: { id: number }) => `core/write-queue.push #${id}`);
  hops.watch(Outbound.prototype, 'step', (_: never, given) => (Number(given) > 0 ? `core/outbound.step ${given}` : ''));
  hops.watch(
    EngineAnswers.prototype,
    'ciphertext',
    (bytes: Uint8Array) => `core/engine-answers.ciphertext ${bytes.length}`,
  );
  hops.watch(Outbound.prototype, 'ciphertext', (bytes: Uint8Array) => `core/outbound.ciphertext ${bytes.length}`);
  hops.watch(Outbound.prototype, 'sealed', (bytes: number) => `core/outbound.sealed ${bytes}`);
  t.teardown(() => hops.restore());
  return hops;
}

const words = ({ engine, blockedOn }: Readiness): string => `${engine} ${blockedOn.join()}`.trim();
const isHop = (hop: string): boolean => hop !== '';

t.test(
  'an intent, over memory: held while nothing may go, then every hop to the wire, with its bytes and its acks',
  async (t) => {
    const hops = watched(t);
    const [ours, peer] = memoryPairWithPeer();
    const acks: string[] = [];
    const readiness: string[] = [];
    let connection: TlsConnection | undefined;
    const subscription = concat(of(hops.transport('transport-memory', ours)), NEVER)
      .pipe(
        secure(hops.engine(placeboEngine.client()), {
          observe: {
            acks: { next: ({ intent, type }: WriteAck) => acks.push(`#${intent} ${type}`) },
            readiness: { next: (state) => readiness.push(words(state)) },
          },
        }),
      )
      .subscribe({ next: (each) => (connection = each), error: () => undefined });
    peer.sink.write(record.serverFlight(1, true));
    t.same(readiness, ['WANT_READ handshake', 'READY']);
    ours.link.starve(0);
    hops.take();
    readiness.length = 0;

    // Scene 1. The application writes. The wire takes nothing, as OpenSSL's BIO would answer WANT_WRITE: the intent is accepted,
    // put into the queue, copied, acknowledged as queued, and that is all.
    const array = hello.slice();
    connection!.write(array);
    t.same(hops.take().filter(isHop), ['core/stage.write 5', 'core/outbound.accept data', 'core/write-queue.push #1']);
    t.same(acks, ['#1 queued']);

    // Scene 2. The array is the caller's again. What was accepted does not change with it.
    array.fill(0);

    // Scene 3. The wire has room. That is news to the stage: a turn, and the outbound road gives the engine what waited.
    ours.link.starve(Number.POSITIVE_INFINITY);
    t.same(hops.take().filter(isHop), [
      'core/outbound.step 5',
      'engine.sendPlaintext 68 65 6c 6c 6f',
      // The engine seals, inside the call, into the outbox: the record first, then how much plaintext it carries.
      `engine → ciphertext ${golden}`,
      'engine → sealed 5',
      // After the call: the record goes out …
      'core/engine-answers.ciphertext 10',
      'core/outbound.ciphertext 10',
      `transport-memory.write ${golden}`,
      // … and then it is known which intent is sealed.
      'core/outbound.sealed 5',
    ]);
    t.equal(hex(record.applicationData(hello)), golden);
    t.same(
      readiness,
      ['READY'],
      'from WANT_WRITE (transport), which was told while the link was starved, back to READY',
    );
    // Scene 4. The transport has taken the record: flushed. Not that anybody has read it.
    t.same(acks, ['#1 queued', '#1 sealed', '#1 flushed']);
    subscription.unsubscribe();
  },
);

t.test('an intent, over TCP: the same road into a real socket', async (t) => {
  const hops = watched(t);
  const flushed = new Promise<string>((resolve, reject) => {
    const received: number[] = [];
    const listener = listen({
      port: 0,
      host: '127.0.0.1',
      listening: ({ port }) => {
        const subscription = connect({ host: '127.0.0.1', port })
          .pipe(
            map((duplex) => hops.transport('transport-tcp/socket-duplex', duplex)),
            secure(hops.engine(placeboEngine.client())),
          )
          .subscribe({ next: (connection) => void connection.write(hello), error: reject });
        t.teardown(() => subscription.unsubscribe());
      },
    }).subscribe((peer) => {
      t.teardown(() => peer.sink.abort());
      peer.source.request(Number.POSITIVE_INFINITY);
      let isAnswered = false;
      peer.source.bytes.subscribe({
        next: (bytes) => {
          if (!isAnswered) peer.sink.write(record.serverFlight(1, true));
          else received.push(...bytes);
          isAnswered = true;
          const text = hex(Uint8Array.from(received));
          if (text.endsWith(golden)) resolve(text);
        },
        error: () => undefined,
      });
    });
    t.teardown(() => listener.unsubscribe());
  });
  t.equal(
    await flushed,
    `${hex(record.finished())} ${golden}`,
    'the Finished of the handshake, then the record, on a real wire',
  );
  const stations = [
    'core/stage.write 5',
    'core/outbound.accept data',
    'core/write-queue.push #1',
    'engine.sendPlaintext 68 65 6c 6c 6f',
    `engine → ciphertext ${golden}`,
    'core/outbound.ciphertext 10',
    `transport-tcp/socket-duplex.write ${golden}`,
    'core/outbound.sealed 5',
  ];
  const road = hops.take();
  const passed = road.slice(road.indexOf(stations[0]!)).filter((hop) => stations.includes(hop));
  t.same(passed, stations);
});

/** Our end, whose link can be starved, and the peer's, who takes everything and says nothing by itself. */
function memoryPairWithPeer() {
  const pair = memoryPair();
  const [a, b] = pair;
  b.source.request(Number.POSITIVE_INFINITY);
  b.source.bytes.subscribe({ error: () => undefined });
  return [{ ...a, link: pair.link.aToB }, b] as const;
}
