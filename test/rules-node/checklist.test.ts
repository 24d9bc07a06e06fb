// Rows of the checklist over nodeEngine and core together. At the engine alone (packages/engine-node/test): A4, A5, A6, A7, C3,
// D1, D4, D5, K4, P6, R2 to R6, R8, R9, R13, R14, R15, R18, S1 to S5, S7. Over the placebo: packages/core/test.
// R10 to R12 (floods of TLS 1.3 KeyUpdates): OpenSSL through Node hides key updates; Node answers at most one at a time by itself.
import { inspect } from 'node:util';
import {
  AbortedError,
  ApiMisuseError,
  byHello,
  type ByteDuplex,
  HandshakeTimeoutError,
  liveEngine,
  secureEach,
  type TlsEngineFactory,
} from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { memoryPair } from '@rxtls/transport-memory';
import { connect, listen } from '@rxtls/transport-tcp';
import { secure, type TlsConnection } from '@rxtls/core';
import {
  concat,
  config,
  EMPTY,
  firstValueFrom,
  NEVER,
  type ObservableInput,
  of,
  Subject,
  throwError,
  VirtualTimeScheduler,
} from 'rxjs';
import t from 'tap';
import {
  badlySettled,
  client,
  credentials,
  duo,
  pki,
  sample,
  server,
  Side,
  turns,
  unbalanced,
  until,
  versions,
} from './bench.ts';

t.setTimeout(180_000);

const ignored = (): void => undefined;

t.test(
  'W1 (node): 10 000 writes of 64 KiB at a silent peer: bounded, every overflow is told, nothing is dropped in silence',
  async (t) => {
    const [a] = memoryPair();
    const writes = new Subject<Uint8Array>();
    const side = new Side(a, client(), { writes });
    t.equal(side.acks.length, 0);
    const chunk = new Uint8Array(65_536);
    const before = process.memoryUsage().arrayBuffers;
    writes.next(chunk);
    writes.next(chunk);
    writes.next(chunk); // what cannot wait is refused, which ends the connection: see writeFrom
    await until(() => side.isOver, 'the refusal of a source that cannot wait');
    t.match(side.error, { name: 'WriteRefusedError' });
    t.same(badlySettled(side.acks), []);

    // Writes that nobody paces: on an open connection whose peer takes nothing.
    const d = await duo().open();
    d.link.aToB.starve(0);
    let refused = 0;
    for (let index = 0; index < 10_000; index++) {
      d.client.write(chunk);
      if (d.client.acks.at(-1)?.type === 'refused') refused++;
    }
    const { accepted, outstanding, refused: refusedBytes } = d.client.ledger;
    t.ok(accepted <= 1_048_576 && outstanding === accepted, `${accepted} bytes accepted`);
    t.equal(refused, 10_000 - accepted / 65_536, 'everything past it is refused');
    t.equal(refusedBytes + accepted, 10_000 * 65_536);
    const grown = process.memoryUsage().arrayBuffers - before;
    t.ok(grown < 8 * 1_048_576, `${grown} bytes of memory`);
    d.destroy();
    t.same(badlySettled(d.client.acks), []);
  },
);

for (const version of versions) {
  t.test(`W2 (node): ${version}: a slow reader costs one sealed record past demand at most`, async (t) => {
    const { client: c, server: s, destroy } = await duo({ version, link: { capacity: 20_000 } }).open();
    let past = 0;
    c.wire.duplex.sink.taken.subscribe((taken) => {
      past = Math.max(past, c.wire.writtenBytes - taken - 20_000);
    });
    c.connection.writeFrom([sample(2_000_000)]).subscribe({ error: ignored });
    await turns(50);
    const taken = await firstValueFrom(c.wire.duplex.sink.taken);
    past = Math.max(past, c.wire.writtenBytes - taken - 20_000);
    t.ok(past <= 16_384 + 2_048, `${past} bytes past demand`);
    s.read();
    await until(() => s.bytes.length === 2_000_000, 'all of it');
    t.ok(past <= 16_384 + 2_048, `${past} bytes past demand`);
    destroy();
  });

  t.test(
    `W3 (node): ${version}: writes at any moment of the handshake arrive once and in order, both ways`,
    async (t) => {
      for (let moment = 0; moment < 12; moment++) {
        const [toServer, toClient] = [new Subject<Uint8Array>(), new Subject<Uint8Array>()];
        const d = duo({
          version,
          clientOptions: { writes: toServer },
          serverOptions: { writes: toClient },
          clientEmitted: () => toServer.next(Buffer.from('emitted;')),
        });
        for (let turn = 0; turn < 14; turn++) {
          if (turn === moment || turn === 0) {
            toServer.next(Buffer.from(`${turn};`));
            toClient.next(Buffer.from(`${turn};`));
          }
          await turns(1);
        }
        await d.open();
        d.client.read();
        d.server.read();
        toServer.next(Buffer.from('end'));
        toClient.next(Buffer.from('end'));
        await until(() => d.server.text.endsWith('end') && d.client.text.endsWith('end'), 'all of it');
        const early = moment === 0 ? '0;' : `0;${moment};`;
        t.equal(d.client.text, `${early}end`);
        t.equal(d.server.text.replace('emitted;', ''), `${early}end`);
        t.equal(d.server.text.match(/emitted;/g)?.length, 1);
        d.destroy();
      }
    },
  );

  t.test(
    `W4 (node): ${version}: the array is changed after write: before the handshake, after it, with demand 0, as Buffer and as Uint8Array`,
    async (t) => {
      const lent = (text: string): Uint8Array[] => [Buffer.from(text), new TextEncoder().encode(text)];
      const writes = new Subject<Uint8Array>();
      const d = duo({ version, clientOptions: { writes } });
      const scribbled = (bytes: Uint8Array, write: (bytes: Uint8Array) => void): void => {
        write(bytes);
        bytes.fill(0x58);
      };
      for (const bytes of lent('before;')) scribbled(bytes, (each) => writes.next(each));
      await d.open();
      d.server.read();
      for (const bytes of lent('open;')) scribbled(bytes, (each) => d.client.write(each));
      d.link.aToB.starve(0);
      for (const bytes of lent('held;')) scribbled(bytes, (each) => d.client.write(each));
      for (const bytes of lent('iterated;')) d.client.connection.writeFrom([bytes]).subscribe({ error: ignored });
      await turns();
      d.link.aToB.starve(Number.POSITIVE_INFINITY);
      const all = 'before;before;open;open;held;held;iterated;iterated;';
      await until(() => d.server.text.length >= all.length, 'all of it');
      t.equal(d.server.text, all);
      d.destroy();
    },
  );

  t.test(`W5 (node): ${version}: writes from inside emissions and acks keep the order of the intents`, async (t) => {
    const d = await duo({ version }).open();
    d.server.read();
    const intents: string[] = [];
    const write = (text: string): void => {
      intents.push(text);
      d.client.write(text);
    };
    let fromAcks = 0;
    d.client.connection.acks.subscribe(({ type }) => {
      if (type === 'flushed' && fromAcks++ < 5) write(`ack ${fromAcks};`);
    });
    d.client.connection.plaintext.subscribe({
      error: ignored,
      next: (bytes) => {
        write(`in ${Buffer.from(bytes).toString('latin1')};`);
        write('and more;');
      },
    });
    for (const text of ['a', 'b', 'c']) {
      d.server.write(text);
      write(`self ${text};`);
      await turns(3);
    }
    await until(() => fromAcks >= 5 && d.client.ledger.outstanding === 0, 'all acks');
    await until(() => d.server.text.length >= intents.join('').length, 'all of it');
    t.equal(d.server.text, intents.join(''));
    d.destroy();
  });

  t.test(`W6 (node): ${version}: no flushed before the transport has taken it`, async (t) => {
    const d = await duo({ version }).open();
    d.server.read();
    d.link.aToB.stall();
    d.client.write('held');
    await until(() => d.client.acks.some(({ type }) => type === 'sealed'), 'sealed');
    await turns();
    t.same(d.client.acksOf(1), ['queued', 'sealed']);
    d.link.aToB.release();
    await until(() => d.client.acks.some(({ type }) => type === 'flushed'), 'flushed');
    t.equal(d.server.text, 'held');
    d.destroy();
  });

  t.test(`W7 (node): ${version}: every intent has one terminal ack, wherever the teardown comes`, async (t) => {
    for (let moment = 0; moment < 16; moment++) {
      const writes = new Subject<Uint8Array>();
      const d = duo({
        version,
        clientOptions: { writes },
        clientEmitted: (connection) => void connection.write(sample(30_000)),
      });
      writes.next(sample(1_000));
      writes.next(new Uint8Array(0));
      await turns(moment);
      d.client.subscription.unsubscribe();
      t.same(badlySettled(d.client.acks), [], `unsubscribed at turn ${moment}`);
      t.same(unbalanced(d.client.ledgers), []);
      t.equal(d.client.ledger.outstanding, 0);
      d.destroy();
    }
  });

  t.test(`W8 (node): ${version}: a sink that fails in a handshake flight fails the connection at once`, async (t) => {
    for (const road of ['aToB', 'bToA'] as const) {
      const started = Date.now();
      const d = duo({ version, link: { [road]: { cutAfter: { bytes: 60, as: 'error' } } } });
      await until(() => d.client.isOver && d.server.isOver, 'both ends to fail');
      t.ok(Date.now() - started < 2_000, 'not by a timer');
      for (const side of [d.client, d.server]) {
        t.ok(side.error instanceof AbortedError, String(side.error));
        t.equal(side.error?.retryable, true);
        t.equal(side.connections.length, 0);
      }
    }
  });

  t.test(
    `R1 (node): ${version}: with nobody reading, what is taken from the transport stays under the read high-water mark`,
    async (t) => {
      const { client: c, server: s, destroy } = await duo({ version, link: { capacity: 65_536 } }).open();
      const before = c.wire.taken;
      let pulled = 0;
      function* endless(): Generator<Uint8Array> {
        for (;;) yield sample(16_384, pulled++);
      }
      s.connection.writeFrom(endless()).subscribe({ error: ignored });
      await turns(200);
      t.ok(c.wire.taken - before <= 262_144 + 65_536, `${c.wire.taken - before} bytes taken`);
      const stopped = pulled;
      await turns(50);
      t.equal(pulled, stopped, 'and the writer stands still');
      destroy();
    },
  );

  t.test(`R15 (node): ${version}: close_notify right after the ClientHello ends the server's connection`, async (t) => {
    const [a, b] = memoryPair();
    const hello = await firstFlight(version);
    const side = new Side(b, server(version));
    a.sink.write(Buffer.concat([hello, Buffer.from([21, 3, 3, 0, 2, 1, 0])]));
    await until(() => side.isOver, 'the end');
    t.equal(side.connections.length, 0);
    t.equal(side.wire.aborts, 1);
  });

  t.test(
    `C1 (node): ${version}: the wire ends without close_notify, wherever: plaintext never completes`,
    async (t) => {
      for (const cut of [0, 1, 5, 20, 1_000, 16_000, 20_000])
        for (const as of ['end', 'error'] as const) {
          const d = await duo({ version }).open();
          d.client.read();
          const control = d.link.bToA;
          d.link.bToA.stall();
          d.server.write(sample(30_000));
          await turns(5);
          // What the wire lets through is a whole number of writes; the cut in the middle of a record is a fault of its own.
          if (cut > 0) control.release();
          await turns(cut % 7);
          control.cut(as);
          await until(() => d.client.plaintextEnd !== 'open', 'the cut');
          t.not(d.client.plaintextEnd, 'complete', `${as} after about ${cut}`);
          d.destroy();
        }
      for (const bytes of [3_000, 5_000, 9_001]) {
        const d = duo({
          version,
          link: { bToA: { cutAfter: { bytes, as: 'end' } } },
          serverOptions: { writes: [sample(30_000)] },
          clientEmitted: (connection) => void connection,
        });
        await until(() => d.client.connections.length > 0 || d.client.isOver, 'the handshake');
        if (d.client.connections.length > 0) d.client.read();
        await until(() => d.client.isOver, 'the cut');
        t.match(d.client.error, { name: 'TruncationError' });
        t.not(d.client.plaintextEnd, 'complete');
        d.destroy();
      }
    },
  );

  t.test(`C2 (node): ${version}: what follows close_notify is counted and never emitted`, async (t) => {
    const d = await duo({ version, clientOptions: { halfOpen: true } }).open();
    d.client.read();
    d.link.bToA.stall();
    d.server.write('last');
    await until(() => d.server.acks.some(({ type }) => type === 'sealed'), 'sealed');
    d.server.connection.closeWrite().subscribe({ error: ignored });
    await turns(10);
    const after = Buffer.from([23, 3, 3, 0, 4, 1, 2, 3, 4]);
    d.server.wire.duplex.sink.write(after);
    d.link.bToA.release();
    await until(() => d.client.plaintextEnd !== 'open', 'the end');
    t.equal(d.client.plaintextEnd, 'complete');
    t.equal(d.client.text, 'last');
    await turns();
    t.equal(d.client.text, 'last');
    const counted = d.client.events.flatMap((event) => (event.type === 'ignored' ? [event.bytes] : []));
    t.equal(
      counted.reduce((sum, bytes) => sum + bytes, 0),
      after.length,
    );
    d.destroy();
  });

  t.test(
    `C3 (node): ${version}: close_notify during the handshake errors with the phase and emits nothing`,
    async (t) => {
      const [a, b] = memoryPair();
      const side = new Side(a, client(version));
      await until(() => side.wire.written.length > 0, 'the ClientHello');
      b.sink.write(Uint8Array.of(21, 3, 3, 0, 2, 1, 0));
      await until(() => side.isOver, 'the error');
      t.match(side.error, { phase: 'handshake' });
      t.equal(side.connections.length, 0);
      t.equal(side.wire.aborts, 1);
    },
  );

  t.test(`C4 (node): ${version}: a peer that never answers our close_notify: teardown at closeTimeout`, async (t) => {
    const d = await duo({ version, clientOptions: { limits: { closeTimeout: 150 } } }).open();
    d.link.aToB.stall();
    const started = Date.now();
    const ends: unknown[] = [];
    d.client.connection
      .close()
      .subscribe({ error: (error: unknown) => ends.push(error), complete: () => ends.push('complete') });
    await until(() => d.client.isOver, 'the teardown');
    const took = Date.now() - started;
    t.ok(took >= 140 && took < 3_000, `${took} ms`);
    t.match(d.client.error, { name: 'LimitExceededError', limit: 'closeTimeout' });
    t.equal(ends.length, 1);
    t.equal(d.client.wire.aborts, 1);
    d.destroy();
  });

  t.test(
    `C6 (node): ${version}: write, close and never read, while tickets and data come the other way: the peer gets all of it`,
    async (t) => {
      const received: number[] = [];
      const failures: unknown[] = [];
      const ports = new Subject<number>();
      const port = firstValueFrom(ports);
      const listener = listen({ port: 0, host: '127.0.0.1', listening: (address) => ports.next(address.port) })
        .pipe(
          secureEach(
            server(version),
            (connection) => {
              let bytes = 0;
              connection.write(sample(200_000)).subscribe({ error: ignored });
              connection.plaintext.subscribe({
                next: ({ length }) => (bytes += length),
                error: (error: unknown) => failures.push(error),
                complete: () => received.push(bytes),
              });
              return NEVER;
            },
            { failed: ({ error }) => failures.push(error) },
          ),
        )
        .subscribe();
      const done = new Promise<void>((resolve, reject) => {
        void port.then((at) => {
          connect({ host: '127.0.0.1', port: at })
            .pipe(secure(client(version)))
            .subscribe({
              next: (connection) => {
                connection.writeFrom([sample(1_000_000)]).subscribe({
                  error: reject,
                  complete: () => connection.close().subscribe({ error: reject, complete: resolve }),
                });
              },
              error: reject,
            });
        });
      });
      await done;
      await until(() => received.length + failures.length > 0, 'the server to see the end');
      t.same(failures, []);
      t.same(received, [1_000_000]);
      listener.unsubscribe();
    },
  );

  t.test(`C7 (node): ${version}: every failed handshake aborts its transport once`, async (t) => {
    const failures: Record<string, () => { readonly side: Side; readonly destroy: () => void }> = {
      'untrusted server': () => failing({ client: client(version, { ca: pki.otherAuthorityPem }) }, 'client'),
      'wrong name': () => failing({ client: client(version, { serverName: 'elsewhere.test' }) }, 'client'),
      'no common protocol': () =>
        failing(
          { client: client(version, { alpnProtocols: ['a'] }), server: server(version, { alpnProtocols: ['b'] }) },
          'server',
        ),
      'no common version': () => failing({ client: client(version === 'TLSv1.3' ? 'TLSv1.2' : 'TLSv1.3') }, 'server'),
      'the wire ends': () => failing({ link: { bToA: { cutAfter: { bytes: 100, as: 'end' } } } }, 'client'),
      'the wire breaks': () => failing({ link: { bToA: { cutAfter: { bytes: 100, as: 'error' } } } }, 'client'),
      'a flipped byte': () => failing({ link: { bToA: { flip: [{ at: 60 }, { at: 90 }] } } }, 'client'),
      'a silent peer': () =>
        failing({ link: { bToA: { stallAfter: 0 } }, clientOptions: { limits: { handshakeTimeout: 50 } } }, 'client'),
      'a slow task': () =>
        failing(
          {
            client: client(version, { verify: () => new Promise<boolean>(ignored) }),
            clientOptions: { limits: { taskTimeout: 50 } },
          },
          'client',
        ),
      'no client certificate': () =>
        failing({ server: server(version, { clientAuth: 'require', clientCa: pki.authorityPem }) }, 'server'),
    };
    const failing = (options: Parameters<typeof duo>[0], which: 'client' | 'server') => {
      const d = duo({ version, ...options });
      return { side: d[which], destroy: d.destroy };
    };
    for (const [name, make] of Object.entries(failures)) {
      const { side, destroy } = make();
      await until(() => side.isOver, name);
      await turns(5);
      t.equal(side.wire.aborts, 1, `${name}: ${side.error?.name}`);
      t.equal(side.connections.length, 0, name);
      destroy();
      t.equal(side.wire.aborts, 1, `${name}: once`);
    }
  });

  t.test(
    `C8 (node): ${version}: unsubscribed at any moment: the transport is closed once and nothing is emitted later`,
    async (t) => {
      for (let moment = 0; moment < 24; moment++) {
        const d = duo({
          version,
          serverOptions: { writes: concat(of(sample(40_000)), NEVER) },
          clientOptions: { writes: concat(of(sample(40_000)), NEVER) },
        });
        for (let turn = 0; turn < moment; turn++) {
          await turns(1);
          if (d.client.connections.length > 0 && d.client.plaintextEnd === 'open' && d.client.bytes.length === 0)
            d.client.read();
        }
        const { client: c } = d;
        c.subscription.unsubscribe();
        const seen = [
          c.acks.length,
          c.readiness.length,
          c.ledgers.length,
          c.events.length,
          c.bytes.length,
          c.connections.length,
        ];
        const written = c.wire.writtenBytes;
        d.server.wire.duplex.sink.write(Uint8Array.of(23, 3, 3, 0, 1, 0));
        await turns(10);
        t.same(
          [c.acks.length, c.readiness.length, c.ledgers.length, c.events.length, c.bytes.length, c.connections.length],
          seen,
          `turn ${moment}`,
        );
        t.equal(c.wire.writtenBytes, written);
        t.equal(c.wire.aborts, 1);
        t.equal(c.errors.length, 0);
        d.destroy();
      }
    },
  );

  t.test(`P7 (node): ${version}: bytes read before TLS and put back: the handshake completes`, async () => {
    const [a, b] = memoryPair();
    const clientSide = new Side(a, client(version));
    b.source.request(1);
    const first = await firstValueFrom(b.source.bytes);
    b.unread(first);
    const serverSide = new Side(b, server(version));
    await until(() => clientSide.connections.length + serverSide.connections.length === 2, 'the handshake');
    clientSide.write('through');
    serverSide.read();
    await until(() => serverSide.text !== '', 'data');
    t.equal(serverSide.text, 'through');
    clientSide.subscription.unsubscribe();
    serverSide.subscription.unsubscribe();
  });

  t.test(
    `A2 (node): ${version}: a selector that throws, errors, is empty, gives two, is late or says no fails closed, with its alert`,
    async (t) => {
      const factory = server(version);
      const fails: Record<string, readonly [alert: number, select: () => unknown]> = {
        throws: [80, () => fail()],
        errors: [80, () => throwError(() => new Error('no'))],
        rejects: [80, () => Promise.reject(new Error('no'))],
        'is empty': [80, () => EMPTY],
        'gives two': [80, () => of(factory, factory)],
        'gives no factory': [80, () => of(1)],
        'is late': [40, () => NEVER],
        'says no': [112, () => undefined],
      };
      const fail = (): never => {
        throw new Error('in byHello');
      };
      for (const [name, [alert, select]] of Object.entries(fails)) {
        const d = duo({
          version,
          server: byHello(select as () => ObservableInput<TlsEngineFactory<'server'>>),
          serverOptions: { limits: { taskTimeout: 50 } },
        });
        await until(() => d.server.isOver && d.client.isOver, name);
        t.equal(d.server.connections.length + d.client.connections.length, 0, name);
        t.same(
          Array.from(Buffer.concat(d.server.wire.written)),
          [21, 3, 3, 0, 2, 2, alert],
          `${name}: alert ${alert} and nothing else`,
        );
        t.equal(d.server.wire.aborts, 1, name);
      }
      const [a, b] = memoryPair();
      const side = new Side(
        b,
        byHello(() => factory),
      );
      a.sink.write(Uint8Array.of(22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3));
      await until(() => side.isOver, 'an unparsable hello');
      t.same(Array.from(Buffer.concat(side.wire.written)), [21, 3, 3, 0, 2, 2, 50], 'decode_error');
      const good = await duo({
        version,
        server: byHello(({ serverName }) => (serverName === 'localhost' ? of(factory) : undefined)),
      }).open();
      t.equal(good.server.connection.negotiated.serverName, 'localhost', 'the good one works');
      good.destroy();
    },
  );

  t.test(
    `D3 (node): ${version}: a second subscriber at a time errors clearly; one after another loses nothing`,
    async (t) => {
      const d = await duo({ version }).open();
      const all = sample(300_000);
      d.server.connection.writeFrom([all]).subscribe({ error: ignored });
      const errors: unknown[] = [];
      const parts: Uint8Array[] = [];
      const first = d.client.connection.plaintext.subscribe({ next: (bytes) => parts.push(bytes), error: ignored });
      d.client.connection.plaintext.subscribe({ error: (error: unknown) => errors.push(error) });
      d.client.connection.readEach(() => EMPTY).subscribe({ error: (error: unknown) => errors.push(error) });
      t.equal(errors.length, 2);
      t.ok(errors.every((error) => error instanceof ApiMisuseError));
      await until(() => parts.length > 0, 'a first part');
      first.unsubscribe();
      const length = (): number => parts.reduce((sum, part) => sum + part.length, 0);
      while (length() < all.length) parts.push(await firstValueFrom(d.client.connection.plaintext));
      t.ok(Buffer.concat(parts).equals(all));
      d.destroy();
    },
  );
}

t.test('C5 (node): TLS 1.3 writes on after the close_notify of the peer, TLS 1.2 refuses and says so', async (t) => {
  for (const version of versions) {
    const d = await duo({ version, clientOptions: { halfOpen: true } }).open();
    d.server.read();
    d.client.read();
    d.server.connection.closeWrite().subscribe({ error: ignored });
    await until(() => d.client.plaintextEnd === 'complete', 'the close_notify');
    const said: string[] = [];
    if (version === 'TLSv1.3' || !d.client.isOver)
      d.client.connection.write(Buffer.from('after')).subscribe({
        next: ({ type }) => said.push(type),
        error: (error: Error) => said.push(error.name),
      });
    if (version === 'TLSv1.3') {
      await until(() => d.server.text === 'after' && said.includes('flushed'), 'the late write');
      t.same(said, ['queued', 'sealed', 'flushed']);
    } else {
      t.same(said.at(-1), 'WriteRefusedError', said.join());
      t.equal(d.server.text, '');
    }
    d.destroy();
  }
});

t.test('R17 (node): a byte a second is a HandshakeTimeoutError at the limit, in virtual time', async (t) => {
  const hello = await firstFlight('TLSv1.3');
  const scheduler = new VirtualTimeScheduler();
  const [a, b] = memoryPair();
  const side = new Side(b, server(), { scheduler });
  let sent = 0;
  for (let second = 1; second <= 60; second++)
    scheduler.schedule(() => {
      if (side.isOver) return;
      sent++;
      a.sink.write(hello.subarray(second - 1, second));
    }, second * 1_000);
  scheduler.flush();
  t.ok(side.error instanceof HandshakeTimeoutError, String(side.error));
  t.match(side.error, { phase: 'client-hello', limit: 'clientHelloTimeout' });
  t.ok(sent === 4 || sent === 5, `after ${sent} seconds`);

  const silent = new VirtualTimeScheduler();
  const [c] = memoryPair();
  const clientSide = new Side(c, client(), { scheduler: silent });
  silent.flush();
  t.match(clientSide.error, {
    name: 'HandshakeTimeoutError',
    phase: 'handshake',
    limit: 'handshakeTimeout',
    retryable: true,
    safeToReplay: true,
  });
  t.equal(silent.frame, 10_000);
});

t.test(
  'A3 (node): functions of the user that throw in a server hurt their own connection; the server goes on',
  async (t) => {
    const [accept, failures] = [new Subject<ByteDuplex>(), [] as unknown[]];
    let served = 0;
    const events: unknown[] = [];
    const credentials$ = new Subject<{ bad: boolean }>();
    let calls = 0;
    const own = await credentials('ecdsa');
    const engines = liveEngine(
      concat(of({ bad: false }), credentials$),
      ({ bad }) => {
        if (bad) throw new Error('in the projection');
        return nodeEngine.server({
          credentials: own,
          clientAuth: 'request',
          clientCa: pki.authorityPem,
          verify: () => true,
        });
      },
      { events: { next: (event) => events.push(event) } },
    );
    const selector = byHello(() => {
      if (++calls % 3 === 0) throw new Error('in byHello');
      return firstValueFrom(engines);
    });
    const subscription = accept
      .pipe(
        secureEach(
          selector,
          (connection) => {
            if (++served % 4 === 0) throw new Error('in the projection of secureEach');
            return connection.writeFrom(connection.source);
          },
          { failed: ({ error }) => failures.push(error) },
        ),
      )
      .subscribe({ error: (error: unknown) => t.fail(`the server died: ${error}`) });
    let good = 0;
    for (let index = 0; index < 24; index++) {
      const [a, b] = memoryPair();
      accept.next(b);
      const side = new Side(a, client());
      await until(() => side.isOver || side.connections.length > 0, 'an outcome');
      if (side.connections.length > 0) {
        side.read();
        side.write('echo');
        await until(() => side.text === 'echo' || side.isOver, 'the echo or the end');
        if (side.text === 'echo') good++;
      }
      side.subscription.unsubscribe();
    }
    credentials$.next({ bad: true });
    await turns();
    t.equal(good, 12, 'those that nothing threw for');
    t.equal(served, 16);
    t.ok(failures.length >= 12, `${failures.length} failures told`);
    subscription.unsubscribe();
  },
);

t.test('D2 (node): a throwing observer ends its own connection; a server of 100 connections goes on', async (t) => {
  const unhandled: unknown[] = [];
  const before = config.onUnhandledError;
  config.onUnhandledError = (error) => unhandled.push(error);
  t.teardown(() => (config.onUnhandledError = before));
  const accept = new Subject<ByteDuplex>();
  const failures: unknown[] = [];
  let count = 0;
  const subscription = accept
    .pipe(
      secureEach(
        server(),
        (connection: TlsConnection) => {
          if (count++ % 10 !== 0) return connection.writeFrom(connection.source);
          connection.plaintext.subscribe({
            error: ignored,
            next: () => {
              throw new Error('in an observer');
            },
          });
          return NEVER;
        },
        { failed: ({ error }) => failures.push(error) },
      ),
    )
    .subscribe({ error: (error: unknown) => t.fail(`the server died: ${error}`) });
  const sides: Side[] = [];
  while (sides.length < 100) {
    const [a, b] = memoryPair();
    accept.next(b);
    const side = new Side(a, client());
    sides.push(side);
    await until(() => side.connections.length === 1, `handshake ${sides.length}`);
  }
  for (const side of sides) side.read().write('hello');
  await until(() => sides.every((side) => side.text === 'hello' || side.isOver), 'an echo or an end each');
  t.equal(sides.filter((side) => side.text === 'hello').length, 90);
  t.equal(sides.filter((side) => side.isOver).length, 10);
  t.equal(failures.length, 10);
  for (const side of sides.filter((each) => !each.isOver)) side.write(' again');
  await until(() => sides.every((side) => side.text === 'hello again' || side.isOver), 'another echo');
  await new Promise((resolve) => void setTimeout(resolve, 5));
  t.equal(unhandled.length, 10, 'RxJS still reports what was thrown');
  subscription.unsubscribe();
  for (const side of sides) side.subscription.unsubscribe();
});

t.test('D2 (node): an observer given to `observe` that throws ends its own connection', async (t) => {
  const unhandled: unknown[] = [];
  const before = config.onUnhandledError;
  config.onUnhandledError = (error) => unhandled.push(error);
  t.teardown(() => (config.onUnhandledError = before));
  const bang = {
    next: () => {
      throw new Error('in an observer');
    },
  };
  for (const observe of [{ readiness: bang }, { events: bang }, { ledger: bang }, { acks: bang }]) {
    const [name] = Object.keys(observe);
    const d = duo({ clientOptions: { observe, writes: concat(of(sample(10)), NEVER) } });
    await until(() => d.client.isOver, `${name}: the end`);
    t.equal(d.client.wire.aborts, 1, `${name}: aborted once`);
    d.destroy();
  }
});

t.test('K4 (node): no key and no plaintext in what an error, a connection or a factory shows', async (t) => {
  const { cert, key } = await credentials('rsa');
  const secretLines = key.split('\n').filter((line) => line.length > 40);
  const keyHex = Buffer.from(secretLines[1]!, 'base64').toString('hex').slice(8, 40);
  const factory = nodeEngine.server({ credentials: { cert, key } });
  const shown: string[] = [];
  const show = (what: unknown): void => {
    shown.push(inspect(what, { depth: 12, showHidden: true, maxArrayLength: 1_000 }));
    shown.push(JSON.stringify(what, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? '');
  };
  show(factory);
  const d = await duo({ server: factory }).open();
  d.client.read();
  d.server.write('the plaintext nobody may show');
  await until(() => d.client.text !== '', 'data');
  show(d.server.connection.negotiated);
  show(d.server.acks);
  show(d.server.events);
  d.link.aToB.starve(0);
  const lost: unknown[] = [];
  d.client.connection
    .write(Buffer.from('the plaintext nobody may show'))
    .subscribe({ error: (error: unknown) => lost.push(error) });
  d.link.bToA.cut('error');
  await until(() => d.client.isOver && lost.length > 0, 'the end');
  for (const error of [d.client.error, d.server.error, ...lost]) {
    show(error);
    shown.push(String(error), (error as Error | undefined)?.stack ?? '');
  }
  t.throws(
    () => {
      try {
        nodeEngine.server({ credentials: { cert: pki.authorityPem, key } });
      } catch (error) {
        show(error);
        throw error;
      }
    },
    { name: 'ApiMisuseError' },
    'a key that does not fit',
  );
  const all = shown.join('\n');
  t.notOk(all.includes('nobody may show'), 'no plaintext');
  t.notOk(
    secretLines.some((line) => all.includes(line)),
    'no key as PEM',
  );
  t.notOk(all.includes(keyHex) || all.replaceAll(' ', '').includes(keyHex), 'no key in hexadecimal');
  d.destroy();
});

t.test('L3 (node): one connection that pours does not starve 99 others', async (t) => {
  const pouring = await duo().open();
  const total = 32 * 1_048_576;
  let poured = 0;
  pouring.client.connection.plaintext.subscribe({ next: ({ length }) => (poured += length), error: ignored });
  const others: Awaited<ReturnType<typeof duo>>[] = [];
  while (others.length < 99) others.push(await duo().open()); // one after another: it is not about handshakes
  for (const each of others) each.client.read();
  pouring.server.connection.writeFrom(pour(total)).subscribe({ error: ignored });
  await until(() => poured > 0, 'the pouring to begin');
  for (const each of others) each.server.write('my turn');
  await until(() => others.every((each) => each.client.text === 'my turn'), 'every other one');
  t.ok(poured < total, `all 99 were served after ${poured} of ${total} bytes`);
  await until(() => poured === total, 'the rest');
  pouring.destroy();
  for (const each of others) each.destroy();
});

function* pour(total: number): Generator<Uint8Array> {
  const chunk = sample(65_536);
  for (let at = 0; at < total; at += chunk.length) yield chunk;
}

/** A ClientHello as it goes over the wire. */
async function firstFlight(version: 'TLSv1.3' | 'TLSv1.2'): Promise<Buffer> {
  const [a] = memoryPair();
  const side = new Side(a, client(version));
  await until(() => side.wire.written.length > 0, 'the ClientHello');
  side.subscription.unsubscribe();
  return Buffer.concat(side.wire.written);
}
