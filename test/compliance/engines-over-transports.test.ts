// Every engine over every transport: what a connection promises does not depend on what is below it or inside it.
import { createHash } from 'node:crypto';
import type { EngineSource, SecureOptions } from '@rxtls/core';
import { defaultLimits } from '@rxtls/core/engine';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import type { TransportPair } from '@rxtls/testing';
import { concat, NEVER, of, Subject } from 'rxjs';
import t, { type Test } from 'tap';
import { otherRoot } from '../../packages/engine-forge/test/rsa-pki.ts';
import { allowed, client as forgeClient, server as forgeServer } from '../rules-forge/bench.ts';
import { badlySettled, credentials, pki, sample, Side, unbalanced, until } from '../rules-node/bench.ts';
import { FaultyWire } from './faulty-wire.ts';
import { transports } from './transports.ts';

t.setTimeout(240_000);

interface Engine {
  readonly client: EngineSource<'client'>;
  /** Trusts an authority that did not issue the server's certificate. */
  readonly distrusting: EngineSource<'client'>;
  readonly server: EngineSource<'server'>;
  /** Each direction has an end of its own: TLS 1.3. */
  readonly halfClose: boolean;
}

const leaf = await credentials('ecdsa');
const identity = { serverName: 'localhost', ca: pki.authorityPem, sessions: 'none' } as const;
const distrust = { ...identity, ca: pki.otherAuthorityPem };
const tls12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
const engines: Readonly<Record<string, Engine>> = {
  node: {
    client: nodeEngine.client(identity),
    distrusting: nodeEngine.client(distrust),
    server: nodeEngine.server({ credentials: leaf }),
    halfClose: true,
  },
  'node, TLS 1.2': {
    client: nodeEngine.client({ ...identity, ...tls12 }),
    distrusting: nodeEngine.client({ ...distrust, ...tls12 }),
    server: nodeEngine.server({ credentials: leaf, ...tls12 }),
    halfClose: false,
  },
  tls13: {
    client: tls13Engine.client(identity),
    distrusting: tls13Engine.client(distrust),
    server: tls13Engine.server({ credentials: leaf }),
    halfClose: true,
  },
  forge: {
    client: forgeClient(),
    distrusting: forgeClient({ ca: otherRoot.pem }),
    server: forgeServer(),
    halfClose: false,
  },
};

interface Options {
  readonly client?: SecureOptions;
  readonly server?: SecureOptions;
  readonly distrusts?: boolean;
  /** The client hears nothing of it, from the start. */
  readonly isMute?: boolean;
}

/** Both ends of a connection, and the wire under each. */
interface Ends {
  readonly client: Side;
  readonly server: Side;
  readonly below: { readonly client: FaultyWire; readonly server: FaultyWire };
}

/** Milliseconds; used up on a failure alone. */
const patience = 20_000;
const record = 16_384;
/** What a record may have besides its plaintext, in any of these versions, and a second one that carries nothing. */
const overhead = 1_024;
const quiet = { error: (): void => undefined };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until a number has stopped to change. */
async function settled(value: () => number): Promise<number> {
  for (let before = Number.NaN; before !== value(); await pause(25)) before = value();
  return value();
}

const isOpen = ({ client, server }: Ends): boolean => [client, server].every((side) => side.connections.length > 0);

/** Nothing is left open, every intent has one terminal ack, and the ledgers balance. */
async function over(t: Test, ...sides: readonly Side[]): Promise<void> {
  await until(() => sides.every((side) => side.isOver), 'the end of both', patience);
  for (const side of sides) {
    t.same(badlySettled(side.acks), []);
    t.same(unbalanced(side.ledgers), []);
  }
}

type Behaviour = readonly [
  row: string,
  what: string,
  run: (t: Test, make: (options?: Options) => Ends, engine: Engine) => Promise<void>,
];

const behaviours: readonly Behaviour[] = [
  [
    'W3',
    'what is written before and after the handshake arrives once, in order, both ways',
    async (t, make) => {
      const writes = (name: string) => concat(of(...[1, 2, 3].map((n) => Buffer.from(`${name}${n} `))), NEVER);
      const ends = make({ client: { writes: writes('c') }, server: { writes: writes('s') } });
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server } = ends;
      client.read().write('c4');
      server.read().write('s4');
      await until(() => server.text.length === 11 && client.text.length === 11, 'all of it', patience);
      t.equal(server.text, 'c1 c2 c3 c4');
      t.equal(client.text, 's1 s2 s3 s4');
    },
  ],
  [
    'W3',
    'a mebibyte each way at once, with its hash',
    async (t, make) => {
      const ends = make();
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server } = ends;
      const [up, down] = [sample(1_048_576, 1), sample(1_048_576, 2)];
      client.read().connection.writeFrom([up]).subscribe(quiet);
      server.read().connection.writeFrom([down]).subscribe(quiet);
      await until(() => client.bytes.length >= down.length && server.bytes.length >= up.length, 'all of it', patience);
      t.equal(sha256(server.bytes), sha256(up));
      t.equal(sha256(client.bytes), sha256(down));
    },
  ],
  [
    'C5',
    'after the peer’s close_notify writes go on in TLS 1.3, and are refused before it',
    async (t, make, { halfClose }) => {
      const ends = make({ client: { halfOpen: true }, server: { halfOpen: true } });
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server } = ends;
      client.read();
      server.read().write('last words');
      server.connection.closeWrite().subscribe(quiet);
      const said: string[] = [];
      await until(() => client.plaintextEnd !== 'open', 'the peer’s close_notify', patience);
      t.equal(client.plaintextEnd, 'complete');
      t.equal(client.text, 'last words');
      if (halfClose) {
        client.write('go on');
        await until(() => server.text === 'go on', 'what was written after it', patience);
        client.connection.closeWrite().subscribe(quiet);
        await over(t, client, server);
        t.same([client.error, server.error, server.plaintextEnd], [undefined, undefined, 'complete']);
      } else {
        client.connection.write(Buffer.from('too late')).subscribe({ error: ({ name }: Error) => said.push(name) });
        t.match(said, [/^(WriteRefusedError|ApiMisuseError)$/]);
        await over(t, client, server);
        t.notOk(server.text.includes('late'));
      }
    },
  ],
  [
    'rule 2',
    'close() after a write: the peer reads all of it and a clean end, and nothing is cut',
    async (t, make) => {
      const ends = make();
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server } = ends;
      const bytes = sample(100_000);
      server.read();
      client.read().write(bytes);
      client.connection.close().subscribe(quiet);
      await over(t, client, server);
      t.same([client.error, server.error], [undefined, undefined]);
      t.equal(server.plaintextEnd, 'complete');
      t.equal(sha256(server.bytes), sha256(bytes));
      t.same([client.wire.aborts, server.wire.aborts], [0, 0]);
      t.match(client.ledger, { accepted: bytes.length, flushed: bytes.length });
    },
  ],
  [
    'C1',
    'a transport that ends without close_notify is a TruncationError, on either side',
    async (t, make) => {
      for (const from of ['client', 'server'] as const) {
        const ends = make();
        await until(() => isOpen(ends), 'the handshake', patience);
        const [cutting, reading] = from === 'client' ? [ends.client, ends.server] : [ends.server, ends.client];
        reading.read();
        cutting.write('not all');
        await until(() => reading.text === 'not all', 'what came before', patience);
        ends.below[from].duplex.sink.end();
        await over(t, reading);
        t.match(reading.error, { name: 'TruncationError', bytesReceived: 7 }, from);
        t.match(reading.plaintextEnd, { name: 'TruncationError' });
        t.equal(reading.wire.aborts, 1);
      }
    },
  ],
  [
    'integrity',
    'a flipped bit is a PeerMisbehavedError, and nothing is delivered after it',
    async (t, make) => {
      for (const at of ['client', 'server'] as const) {
        const ends = make();
        await until(() => isOpen(ends), 'the handshake', patience);
        const [reading, writing] = at === 'client' ? [ends.client, ends.server] : [ends.server, ends.client];
        reading.read();
        writing.write('before');
        await until(() => reading.text === 'before', 'what came before', patience);
        ends.below[at].flip();
        writing.write('changed on the way');
        writing.write('and more');
        await over(t, reading);
        t.match(reading.error, { name: 'PeerMisbehavedError', message: /does not authenticate/ }, at);
        t.match(reading.plaintextEnd, { name: 'PeerMisbehavedError' });
        t.equal(reading.text, 'before');
        t.equal(reading.wire.aborts, 1);
      }
    },
  ],
  [
    'C7',
    'a handshake that fails, and an unsubscription in it, cut the transport exactly once',
    async (t, make) => {
      const { client, server } = make({ distrusts: true });
      await over(t, client, server);
      t.match(client.error, { name: 'CertificateError', reason: 'unknown-authority' });
      t.ok(server.error, String(server.error));
      t.same([client.connections.length, client.wire.aborts], [0, 1]);
      const dropped = make({ isMute: true });
      dropped.client.subscription.unsubscribe();
      t.equal(dropped.client.wire.aborts, 1);
      await until(() => dropped.server.isOver, 'the peer hears of it', patience);
      t.match(dropped.server.error, { name: /^(Aborted|Truncation)Error$/, phase: 'handshake' });
      t.equal(dropped.server.wire.aborts, 1);
      t.equal(dropped.client.wire.aborts, 1);
    },
  ],
  [
    'C8',
    'unsubscribed with a write outstanding, it is cut once, and the peer has no clean end',
    async (t, make) => {
      const ends = make();
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server } = ends;
      server.read();
      ends.below.client.starve();
      client.write(sample(100_000));
      client.subscription.unsubscribe();
      t.equal(client.wire.aborts, 1);
      t.same(badlySettled(client.acks), []);
      await over(t, server);
      t.match(server.plaintextEnd, { name: /^(Aborted|Truncation)Error$/ });
      t.equal(client.wire.aborts, 1);
    },
  ],
  [
    'C4',
    'a peer that never answers our close_notify: the end comes at closeTimeout',
    async (t, make) => {
      const ends = make({ client: { limits: { closeTimeout: 150 } } });
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, below } = ends;
      below.server.mute();
      const start = performance.now();
      const outcome: string[] = [];
      client.connection.close().subscribe({
        error: ({ name }: Error) => outcome.push(name),
        complete: () => outcome.push('complete'),
      });
      await over(t, client);
      t.ok(performance.now() - start >= 140, 'not before');
      t.equal(outcome.length, 1, outcome.join());
      t.equal(client.wire.aborts, 1);
    },
  ],
  [
    'R1',
    'without demand of the reader no more is taken than the read high-water mark and a chunk',
    async (t, make) => {
      const [readHighWater, readLowWater] = [65_536, 16_384];
      const ends = make({ client: { limits: { readHighWater, readLowWater } } });
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server } = ends;
      const bytes = sample(786_432);
      const handshake = client.wire.taken;
      server.connection.writeFrom([bytes]).subscribe(quiet);
      await until(() => client.wire.taken > handshake, 'the first of it', patience);
      const taken = (await settled(() => client.wire.taken)) - handshake;
      t.ok(taken <= readHighWater + 65_536 + overhead, `${taken} bytes were taken`);
      t.equal(client.bytes.length, 0);
      client.read();
      await until(() => client.bytes.length === bytes.length, 'all of it, when it reads', patience);
      t.equal(sha256(client.bytes), sha256(bytes));
    },
  ],
  [
    'W1',
    '10 000 × 64 KiB against a silent peer: bounded, refused visibly, nothing dropped',
    async (t, make) => {
      const chunk = new Uint8Array(65_536);
      const early = new Subject<Uint8Array>();
      const waiting = make({ client: { writes: early }, isMute: true });
      for (let n = 0; n < 10_000; n++) early.next(chunk);
      await over(t, waiting.client);
      t.match(waiting.client.error, { name: 'WriteRefusedError' }, 'an observable cannot wait');
      t.ok(waiting.client.ledger.accepted <= defaultLimits.maxQueuedBytesBeforeHandshake + chunk.length);
      t.equal(waiting.client.wire.aborts, 1);

      const ends = make();
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, below } = ends;
      below.client.starve();
      for (let n = 0; n < 10_000; n++) client.write(chunk);
      const { accepted, refused } = client.ledger;
      t.ok(accepted > 0 && accepted <= defaultLimits.maxQueuedBytes + chunk.length, `${accepted} bytes were accepted`);
      t.equal(accepted + refused, 10_000 * chunk.length, 'every byte is accounted for');
      client.subscription.unsubscribe();
      t.same(badlySettled(client.acks), []);
    },
  ],
  [
    'W2',
    'without demand of the transport at most one record is sealed ahead; with it all goes on',
    async (t, make) => {
      const ends = make();
      await until(() => isOpen(ends), 'the handshake', patience);
      const { client, server, below } = ends;
      await settled(() => client.wire.writtenBytes); // tickets and the like are no application data
      const before = client.wire.writtenBytes;
      below.client.starve();
      const bytes = sample(200_000);
      client.connection.writeFrom([bytes]).subscribe(quiet);
      const ahead = (await settled(() => client.wire.writtenBytes)) - before;
      t.ok(ahead <= record + overhead, `${ahead} bytes were sealed ahead`);
      t.notOk(
        client.acks.some(({ type }) => type === 'flushed'),
        'W6: nothing is flushed',
      );
      t.match(client.readiness.at(-1), { ready: false, blockedOn: ['transport'] });
      server.read();
      below.client.feed();
      await until(() => server.bytes.length === bytes.length, 'all of it', patience);
      t.equal(sha256(server.bytes), sha256(bytes));
    },
  ],
];

for (const [transport, pair] of Object.entries(transports))
  for (const [name, engine] of Object.entries(engines))
    t.test(`${name} over ${transport}`, async (t) => {
      const start = performance.now();
      for (const [row, what, run] of behaviours)
        await t.test(`${row} (${name}) over ${transport}: ${what}`, async (t) => {
          // Each of them may want several connections, and asks for them at once
          const waiting: TransportPair[] = await Promise.all([pair(), pair()]);
          t.teardown(() => Promise.all(opened.map(async (each) => each.close())));
          const opened = [...waiting];
          await run(t, (options = {}) => made(t, waiting.shift()!, engine, options), engine);
        });
      t.comment(`${(performance.now() - start).toFixed()} ms`);
    });

function made(t: Test, { a, b }: TransportPair, engine: Engine, options: Options): Ends {
  const below = { client: new FaultyWire(a), server: new FaultyWire(b) };
  if (options.isMute) below.server.mute();
  const server = new Side(below.server.duplex, engine.server, allowed(options.server));
  const client = new Side(
    below.client.duplex,
    options.distrusts ? engine.distrusting : engine.client,
    allowed(options.client),
  );
  t.teardown(() => {
    client.subscription.unsubscribe();
    server.subscription.unsubscribe();
  });
  return { client, server, below };
}
