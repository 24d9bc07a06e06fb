// Journey 1. A byte arrives on a wire and comes to whoever waits for it. Read from top to bottom.
//
//   transport → core/stage.ts → core/inbound.ts → engine → core/engine-answers.ts → core/inbound.ts → subscriber
//
// The engine is the placebo, which seals nothing, so that every byte on the way is known; the peer is played by hand.
// A whole connection as one marble diagram, demand and readiness included: packages/testing/test/whole-connection.test.ts.
import { type ByteDuplex, secure, type TlsConnection } from '@rxtls/core';
import { placeboEngine, placeboRecords as record } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { connect, listen } from '@rxtls/transport-tcp';
import { concat, map, NEVER, type Observable, of } from 'rxjs';
import t, { type Test } from 'tap';
import { EngineAnswers } from '../../packages/core/src/engine-answers.ts';
import { Inbound } from '../../packages/core/src/inbound.ts';
import { Stage } from '../../packages/core/src/stage.ts';
import { hex, Hops } from './hops.ts';

const hello = new TextEncoder().encode('hello');
// A record: type 23 (application data), version 3.3, five bytes. The header is what every TLS record has; the body of a real
// one would be ciphertext.
const golden = '17 03 03 00 05 68 65 6c 6c 6f';

/** From here on, everybody on the road is noted. */
function watched(t: Test): Hops {
  const hops = new Hops();
  hops.watch(Inbound.prototype, 'receive', (bytes: Uint8Array) => `core/inbound.receive ${bytes.length}`);
  hops.watch(Inbound.prototype, 'plaintext', (bytes: Uint8Array) => `core/inbound.plaintext ${hex(bytes)}`);
  hops.watch(Inbound.prototype, 'step', (_: never, given) => (Number(given) > 0 ? `core/inbound.step ${given}` : ''));
  hops.watch(
    EngineAnswers.prototype,
    'plaintext',
    (bytes: Uint8Array) => `core/engine-answers.plaintext ${bytes.length}`,
  );
  hops.watch(Stage.prototype, 'step', (_: never, work) => (Number(work) > 0 ? `core/stage.step ${work}` : ''));
  t.teardown(() => hops.restore());
  return hops;
}

/** TLS over this transport; answers with the connection once the peer has answered the ClientHello. */
function secured(hops: Hops, transport: Observable<ByteDuplex>, emitted: (connection: TlsConnection) => void) {
  return transport
    .pipe(secure(hops.engine(placeboEngine.client())))
    .subscribe({ next: emitted, error: () => undefined });
}

t.test('a byte, over memory: every hop, in order, with its bytes', async (t) => {
  const hops = watched(t);
  const [ours, peer] = memoryPair();
  peer.source.request(Number.POSITIVE_INFINITY);
  peer.source.bytes.subscribe({ error: () => undefined });

  // The connection opens: one round trip, and the placebo's handshake is over.
  let connection: TlsConnection | undefined;
  const subscription = secured(
    hops,
    concat(of(hops.transport('transport-memory', ours)), NEVER),
    (each) => (connection = each),
  );
  peer.sink.write(record.serverFlight(1, true));
  t.equal(connection?.negotiated.version, 'TLSv1.3');
  const seen: string[] = [];
  connection!.source.bytes.subscribe({
    next: (bytes) => seen.push(`subscriber ${hex(bytes)}`),
    error: () => undefined,
  });
  hops.take();

  // Scene 1. The record arrives. Memory is synchronous, so the whole road is walked before write returns.
  t.equal(hex(record.applicationData(hello)), golden);
  peer.sink.write(record.applicationData(hello));
  t.same(
    hops.take().filter((hop) => hop !== ''),
    [
      // The transport emits the chunk: core had asked for it with credit.
      `transport-memory → ${golden}`,
      // The inbound road takes it, and counts it against the read window.
      'core/inbound.receive 10',
      // A turn of the stage begins: one step gives the engine one slice …
      'core/stage.step 10',
      'core/inbound.step 10',
      `engine.receiveCiphertext ${golden}`,
      // … and the engine, being synchronous, answers inside the call. Its sink only appends to the outbox.
      'engine → plaintext 68 65 6c 6c 6f',
      'engine → consumed 10',
      // The next step takes the answer out of the outbox, after the engine's call has returned.
      'core/stage.step 5',
      'core/engine-answers.plaintext 5',
      // The inbound road holds it for the reader.
      'core/inbound.plaintext 68 65 6c 6c 6f',
    ],
  );

  // Scene 2. The subscriber has given no credit: the plaintext waits.
  t.same(seen, []);

  // Scene 3. It asks, and gets what waited.
  connection!.source.request(1);
  t.same(seen, ['subscriber 68 65 6c 6c 6f']);
  subscription.unsubscribe();
});

t.test('a byte, over TCP: the same road from a real socket', async (t) => {
  const hops = watched(t);
  const seen = new Promise<string>((resolve, reject) => {
    // The peer: a plain socket that speaks the placebo's records by hand, its handshake and its one record in one flight.
    const listener = listen({
      port: 0,
      host: '127.0.0.1',
      listening: ({ port }) => {
        const transport = connect({ host: '127.0.0.1', port }).pipe(
          map((duplex) => hops.transport('transport-tcp/socket-duplex', duplex)),
        );
        const subscription = secured(hops, transport, (connection) =>
          connection.plaintext.subscribe({ next: (bytes) => resolve(hex(bytes)), error: reject }),
        );
        t.teardown(() => subscription.unsubscribe());
      },
    }).subscribe((peer) => {
      t.teardown(() => peer.sink.abort());
      peer.source.request(Number.POSITIVE_INFINITY);
      let isAnswered = false;
      peer.source.bytes.subscribe({
        next: () => {
          if (!isAnswered) peer.sink.write(record.serverFlight(1, true));
          // The client's Finished has come: now the byte.
          else peer.sink.write(record.applicationData(hello));
          isAnswered = true;
        },
        error: () => undefined,
      });
    });
    t.teardown(() => listener.unsubscribe());
  });
  t.equal(await seen, '68 65 6c 6c 6f');
  const road = hops.take();
  const stations = [
    `transport-tcp/socket-duplex → ${golden}`,
    'core/inbound.receive 10',
    'core/inbound.step 10',
    `engine.receiveCiphertext ${golden}`,
    'engine → plaintext 68 65 6c 6c 6f',
    'core/engine-answers.plaintext 5',
    'core/inbound.plaintext 68 65 6c 6c 6f',
  ];
  const passed = road.slice(road.indexOf(stations[0]!)).filter((hop) => stations.includes(hop));
  t.same(passed, stations);
});
