// Rules 1 to 17 of the design over nodeEngine, both ends in memory: real records, a wire that does as it is told.
// The same rules over the placebo engine are in packages/core/test.
import {
  AbortedError,
  ApiMisuseError,
  CertificateError,
  type EngineSource,
  type ReadableStreamOfBytes,
  type TlsConnection,
  type TlsEngineFactory,
  TruncationError,
  type WriteAck,
  whenSafe,
} from '@rxtls/core';
import { secure } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { memoryPair } from '@rxtls/transport-memory';
import { concat, defer, EMPTY, NEVER, Observable, of, retry, throwError, timer } from 'rxjs';
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

/** The same engine, telling core a lie about what it negotiated. */
const lying = (factory: TlsEngineFactory<'client'>, verification: 'expired'): TlsEngineFactory<'client'> =>
  Object.assign(
    ((sink, host) =>
      factory(
        // A copy of the sink's methods, since a private field does not survive a prototype.
        {
          get observed() {
            return sink.observed;
          },
          ciphertext: (bytes) => sink.ciphertext(bytes),
          sealed: (bytes, records) => sink.sealed(bytes, records),
          consumed: (bytes) => sink.consumed(bytes),
          plaintext: (bytes) => sink.plaintext(bytes),
          readiness: (state) => sink.readiness(state),
          task: (task) => sink.task(task),
          event: (event) => sink.event(event),
          closeNotify: () => sink.closeNotify(),
          failed: (error) => sink.failed(error),
          negotiated: (parameters) => sink.negotiated({ ...parameters, peer: { ...parameters.peer, verification } }),
        },
        host,
      )) as TlsEngineFactory<'client'>,
    { role: factory.role, capabilities: factory.capabilities },
  );

const ignored = (): void => undefined;

for (const version of versions) {
  t.test(`rule 1 (node): ${version}: emitted once, after handshake and verification, and never without`, async (t) => {
    let verify: ((accepted: boolean) => void) | undefined;
    const waiting = duo({
      version,
      client: client(version, { verify: () => new Promise<boolean>((resolve) => (verify = resolve)) }),
    });
    await until(() => verify !== undefined, 'the verify function');
    await turns();
    t.equal(waiting.client.connections.length, 0, 'not while verify is asked');
    verify?.(true);
    await waiting.open();
    t.equal(waiting.client.connections.length, 1);
    t.equal(waiting.client.connection.negotiated.peer.verification, 'passed');
    waiting.client.read();
    waiting.server.read();
    waiting.client.write('x');
    await until(() => waiting.server.text === 'x', 'data');
    t.equal(waiting.client.connections.length + waiting.server.connections.length, 2, 'once each');
    waiting.destroy();

    const refused = duo({ version, client: client(version, { ca: pki.otherAuthorityPem }) });
    await until(() => refused.client.isOver, 'the refusal');
    t.equal(refused.client.connections.length, 0);
    t.ok(refused.client.error instanceof CertificateError, String(refused.client.error));
    refused.destroy();

    const lied = duo({ version, client: lying(client(version), 'expired') });
    await until(() => lied.client.isOver, 'the refusal');
    t.equal(lied.client.connections.length, 0, 'core believes no other word than passed and not-requested');
    t.match(lied.client.error, { name: 'CertificateError', reason: 'expired' });
    lied.destroy();
  });

  t.test(
    `rule 2 (node): ${version}: plaintext completes on close_notify alone; a bare end is a TruncationError`,
    async (t) => {
      const closed = await duo({ version }).open();
      closed.client.read();
      closed.server.write('all of it');
      closed.server.connection.close().subscribe({ error: ignored });
      await until(() => closed.client.plaintextEnd !== 'open', 'the end');
      t.equal(closed.client.plaintextEnd, 'complete');
      t.equal(closed.client.text, 'all of it');
      closed.destroy();

      const cut = await duo({ version }).open();
      cut.client.read();
      cut.server.write('half of it');
      await until(() => cut.client.text === 'half of it', 'data');
      cut.link.bToA.cut('end');
      await until(() => cut.client.plaintextEnd !== 'open', 'the cut');
      t.ok(cut.client.plaintextEnd instanceof TruncationError);
      t.match(cut.client.plaintextEnd, { bytesReceived: 10 });
      cut.destroy();
    },
  );

  t.test(
    `rule 3 (node): ${version}: one bounded FIFO; past its bound a write is refused, and all that was accepted arrives in order`,
    async (t) => {
      const limits = { maxQueuedBytes: 100_000, writeHighWater: 90_000, writeLowWater: 10_000, maxQueuedWrites: 50 };
      const { client: c, server: s, link, destroy } = await duo({ version, clientOptions: { limits } }).open();
      s.read();
      link.aToB.starve(0);
      const accepted: Buffer[] = [];
      for (let index = 0; index < 80; index++) {
        const bytes = sample(3_000, index);
        c.write(bytes);
        if (c.acks.at(-1)?.type !== 'refused') accepted.push(bytes);
        t.ok(c.ledger.outstanding <= limits.maxQueuedBytes, 'under the bound');
      }
      t.equal(accepted.length, 33, 'what fits');
      t.equal(c.acks.filter(({ type }) => type === 'refused').length, 47, 'and every other one is told');
      t.match(
        c.acks.find(({ type }) => type === 'refused'),
        { why: 'queue-full' },
      );
      link.aToB.starve(Number.POSITIVE_INFINITY);
      const all = Buffer.concat(accepted);
      await until(() => s.bytes.length >= all.length, 'all of it');
      t.ok(s.bytes.equals(all), 'in order');
      destroy();
    },
  );

  t.test(`rule 4 (node): ${version}: one terminal ack for every intent on every way out`, async (t) => {
    const ways: Record<string, (d: Awaited<ReturnType<ReturnType<typeof duo>['open']>>) => void> = {
      unsubscribe: (d) => d.client.subscription.unsubscribe(),
      'the peer unsubscribes': (d) => d.server.subscription.unsubscribe(),
      close: (d) => d.client.connection.close().subscribe({ error: ignored }),
      'the peer closes': (d) => d.server.connection.close().subscribe({ error: ignored }),
      'the wire is cut': (d) => d.link.aToB.cut('error'),
      'the wire ends': (d) => d.link.bToA.cut('end'),
      'a byte is flipped': (d) =>
        d.server.wire.duplex.sink.write(Uint8Array.of(23, 3, 3, 0, 30, ...new Uint8Array(30))),
    };
    for (const [name, way] of Object.entries(ways))
      for (const starved of [false, true]) {
        const d = await duo({
          version,
          clientOptions: { limits: { closeTimeout: 300 } },
          serverOptions: { limits: { closeTimeout: 300 } },
        }).open();
        d.server.read();
        d.client.read();
        if (starved) d.link.aToB.starve(0);
        for (const length of [10, 0, 40_000, 1]) d.client.write(sample(length));
        way(d);
        d.client.connection.write(Uint8Array.of(1)).subscribe({ error: ignored });
        await until(() => d.client.isOver || name === 'unsubscribe', `the end after: ${name}`);
        await turns(5);
        const where = `${name}${starved ? ', starved' : ''}`;
        t.same(badlySettled(d.client.acks), [], where);
        t.same(unbalanced(d.client.ledgers), [], where);
        t.equal(d.client.ledger.outstanding, 0, where);
        d.destroy();
      }

    const failed = duo({
      version,
      client: client(version, { ca: pki.otherAuthorityPem }),
      clientOptions: { writes: concat(of(Buffer.from('secret')), NEVER) },
    });
    await until(() => failed.client.isOver, 'the failed handshake');
    const lost = failed.client.acks.at(-1);
    t.match(lost, { type: 'lost', bytes: 6, sealed: 0, flushed: 0 }, 'a failed handshake: lost, nothing sealed');
    failed.destroy();
  });

  t.test(`rule 5 (node): ${version}: readiness is the engine's and the transport's, never our queue's`, async (t) => {
    const { client: c, server: s, link, destroy } = await duo({ version }).open();
    s.read();
    await until(() => c.readiness.at(-1)?.ready === true, 'ready');
    link.aToB.starve(0);
    t.match(c.readiness.at(-1), { ready: false, blockedOn: ['transport'], engine: 'WANT_WRITE', demand: 0 });
    const before = c.readiness.length;
    for (let index = 0; index < 20; index++) c.write(sample(20_000));
    await turns();
    t.equal(c.readiness.length, before, 'a queue of 400 000 bytes changes nothing in it');
    link.aToB.starve(Number.POSITIVE_INFINITY);
    await until(() => s.bytes.length === 400_000, 'all of it');
    await until(() => c.readiness.at(-1)?.ready === true, 'ready again');
    for (const { ready, engine, demand, blockedOn } of c.readiness)
      t.equal(ready, engine === 'READY' && demand > 0 && blockedOn.length === 0);
    destroy();
  });

  t.test(
    `rule 6 (node): ${version}: with demand 0 one record at most is sealed ahead, and the handshake and close_notify pass`,
    async (t) => {
      const d = duo({ version, link: { aToB: { starve: 0 }, bToA: { starve: 0 } } });
      await d.open();
      t.pass('the handshake needs no demand');
      const { client: c, server: s, link } = d;
      s.read();
      const before = c.wire.writtenBytes;
      c.write(sample(200_000));
      await turns();
      t.equal(c.wire.writtenBytes, before, 'no demand, nothing sealed');
      link.aToB.starve(1);
      await turns();
      const { sealed } = c.ledger;
      t.ok(sealed <= 16_384 + c.ledger.flushed, `${sealed} sealed, ${c.ledger.flushed} flushed`);
      d.destroy();

      const closing = await duo({ version }).open();
      closing.server.read();
      closing.link.aToB.starve(0);
      closing.client.connection.close().subscribe({ error: ignored });
      await until(() => closing.server.plaintextEnd === 'complete', 'close_notify past no demand');
      closing.destroy();
    },
  );

  t.test(
    `rule 7 (node): ${version}: with reader demand 0 what is taken from the transport stays under the high-water mark`,
    async (t) => {
      const limits = { readHighWater: 65_536, readLowWater: 16_384 };
      const { client: c, server: s, destroy } = await duo({ version, clientOptions: { limits } }).open();
      const before = c.wire.taken;
      const subscription = s.connection.writeFrom(chunks(64, 65_536)).subscribe({ error: ignored });
      await until(
        () => s.readiness.at(-1)?.blockedOn.includes('transport') === true,
        'back-pressure to reach the writer',
      );
      await turns();
      const chunk = 65_536;
      t.ok(c.wire.taken - before <= limits.readHighWater + chunk, `${c.wire.taken - before} bytes taken`);
      // A control record inside the window is handled while nobody reads: our own writes go on.
      s.read();
      c.write('meanwhile');
      await until(() => s.text === 'meanwhile', 'the other direction');
      c.read();
      await until(() => c.bytes.length === 64 * 65_536, 'everything');
      subscription.unsubscribe();
      destroy();
    },
  );

  t.test(
    `rule 8 (node): ${version}: what a next handler writes queues behind, wire order is intent order, unsubscribe acts at once`,
    async (t) => {
      const { client: c, server: s, destroy } = await duo({ version }).open();
      const order: string[] = [];
      s.read();
      c.connection.plaintext.subscribe((bytes) => {
        order.push('in');
        c.write(`1:${Buffer.from(bytes).toString('latin1')};`);
        c.write('2;');
        c.connection.close().subscribe({ error: ignored });
        c.write('refused');
        order.push('out');
      });
      c.write('0;');
      s.write('a');
      await until(() => s.plaintextEnd !== 'open', 'the end');
      t.equal(s.text, '0;1:a;2;', 'intent order, and the close behind it');
      t.match(
        c.acks.find(({ type }) => type === 'refused'),
        { why: 'closing' },
      );
      t.same(order, ['in', 'out'], 'never one inside the other');
      destroy();

      const gone = await duo({ version }).open();
      let seen = 0;
      gone.client.connection.plaintext.subscribe({
        error: ignored,
        next: () => {
          seen++;
          gone.client.subscription.unsubscribe();
          t.equal(gone.client.wire.aborts + gone.client.wire.ends > 0, true, 'cut before the handler returns');
        },
      });
      gone.server.write('one');
      gone.server.write('two');
      await until(() => seen > 0, 'the first');
      await turns();
      t.equal(seen, 1);
      gone.destroy();
    },
  );

  t.test(
    `rule 9 (node): ${version}: unsubscribe aborts once, the ledger is final at once, and a peer that was owed bytes sees a cut`,
    async (t) => {
      const { client: c, server: s, link, destroy } = await duo({ version }).open();
      s.read();
      c.read();
      link.aToB.starve(0);
      c.write(sample(50_000));
      const waiting: unknown[] = [];
      c.connection.close().subscribe({ error: (error: unknown) => waiting.push(error) });
      const before = s.bytes.length;
      c.subscription.unsubscribe();
      t.equal(c.wire.aborts, 1, 'the transport is aborted');
      t.match(c.ledger, { outstanding: 0, lost: 50_000 }, 'the ledger is final');
      t.ok(c.plaintextEnd instanceof AbortedError, 'plaintext that others hold ends');
      t.ok(waiting[0] instanceof AbortedError, 'so does a close that waits');
      const acks = c.acks.length;
      await until(() => s.isOver, 'the peer to notice');
      t.ok(s.plaintextEnd !== 'complete' && s.plaintextEnd !== 'open', 'no clean end');
      t.equal(s.bytes.length, before);
      t.equal(c.acks.length, acks, 'nothing after it');
      c.subscription.unsubscribe();
      t.equal(c.wire.aborts, 1, 'once');
      t.equal(c.errors.length, 0, 'who unsubscribed hears nothing');
      destroy();
    },
  );

  t.test(
    `rule 11 (node): ${version}: verify that throws, errors, is empty, gives two or no true fails closed, on either side, and nobody else is touched`,
    async (t) => {
      const other = await duo({ version }).open();
      other.server.read();
      const bad: Record<string, () => unknown> = {
        throws: () => {
          throw new Error('in verify');
        },
        rejects: () => Promise.reject(new Error('later')),
        errors: () => throwError(() => new Error('in an observable')),
        'is empty': () => EMPTY,
        'gives two': () => of(true, true),
        'gives a truthy no-true': () => 1,
        'gives undefined': () => undefined,
        'is late': () => NEVER,
      };
      for (const [name, verify] of Object.entries(bad))
        for (const role of ['client', 'server'] as const) {
          const d = duo({
            version,
            client: client(version, role === 'client' ? { verify: verify as () => boolean } : {}),
            server: server(version, role === 'server' ? { verify: verify as () => boolean } : {}),
            clientOptions: { limits: { taskTimeout: 50 } },
            serverOptions: { limits: { taskTimeout: 50 } },
          });
          await until(() => d[role].isOver, `${role}: verify ${name}`);
          t.equal(d[role].connections.length, 0, `${role}: verify ${name}: nothing emitted`);
          t.equal(d[role].wire.aborts, 1, `${role}: verify ${name}: transport aborted once`);
          d.destroy();
        }
      other.client.write('untouched');
      await until(() => other.server.text === 'untouched', 'the connection beside');
      other.destroy();
    },
  );

  t.test(
    `rule 12 (node): ${version}: a dead connection says so, every time, and its engine is left in peace`,
    async (t) => {
      const { client: c, server: s, link, destroy } = await duo({ version }).open();
      c.read();
      link.bToA.cut('end');
      await until(() => c.isOver, 'the end');
      const { connection } = c;
      const written = c.wire.writtenBytes;
      for (let round = 0; round < 2; round++) {
        const said: unknown[] = [];
        const note = { error: (error: unknown) => said.push(error) };
        connection.write(Uint8Array.of(1)).subscribe(note);
        connection.writeFrom([Uint8Array.of(1)]).subscribe(note);
        connection.exchange([Uint8Array.of(1)]).subscribe({ error: ignored });
        connection.close().subscribe(note);
        connection.closeWrite().subscribe(note);
        connection.unwrap().subscribe(note);
        t.throws(() => connection.updateKeys(), { name: 'ApiMisuseError' });
        t.throws(() => connection.exportKeyingMaterial('a', undefined, 16), { name: 'ApiMisuseError' });
        t.equal(said.length, 5);
        t.ok(
          said.every((error) => error instanceof ApiMisuseError && error.cause === c.error),
          'the first error is the cause',
        );
      }
      s.write('late');
      await turns();
      t.equal(c.errors.length, 1, 'one error');
      t.equal(c.wire.writtenBytes, written, 'not a byte more');
      t.equal(c.wire.aborts, 1);
      destroy();
    },
  );

  t.test(
    `rule 13 (node): ${version}: empty writes are acked in order and seal nothing; negotiated comes before plaintext`,
    async (t) => {
      const order: string[] = [];
      const d = duo({
        version,
        clientOptions: { observe: { acks: { next: ({ intent, type }) => order.push(`${intent} ${type}`) } } },
        serverOptions: { writes: concat(of(Buffer.from('early')), NEVER) },
        clientEmitted: (connection) => {
          order.push('emitted');
          connection.plaintext.subscribe({ error: ignored, next: () => order.push('plaintext') });
        },
      });
      await d.open();
      await until(() => order.includes('plaintext'), 'plaintext');
      t.ok(order.indexOf('emitted') < order.indexOf('plaintext'));
      const before = d.client.wire.written.length;
      order.length = 0;
      for (let index = 0; index < 3; index++) d.client.write(new Uint8Array(0));
      await turns();
      t.equal(d.client.wire.written.length, before, 'nothing was sealed');
      const steps = order.filter((step) => step.endsWith('flushed'));
      t.same(steps, ['1 flushed', '2 flushed', '3 flushed']);
      d.client.write('a');
      d.client.write(new Uint8Array(0));
      d.client.write('b');
      await until(() => order.includes('6 flushed'), 'the last ack');
      t.same(
        order.filter((step) => step.endsWith('flushed')),
        [1, 2, 3, 4, 5, 6].map((intent) => `${intent} flushed`),
      );
      d.destroy();
    },
  );

  t.test(
    `rule 15 (node): ${version}: the caller's array is free when write returns, and what was handed over is not written to`,
    async (t) => {
      const { client: c, server: s, link, destroy } = await duo({ version }).open();
      s.read();
      const expected: Buffer[] = [];
      const scribble = (length: number): void => {
        const bytes = sample(length, expected.length);
        expected.push(Buffer.from(bytes));
        c.write(bytes);
        bytes.fill(0);
      };
      for (const length of [1, 20_000, 70_000]) scribble(length);
      link.aToB.starve(0);
      for (const length of [5, 30_000]) scribble(length);
      link.aToB.starve(Number.POSITIVE_INFINITY);
      const all = Buffer.concat(expected);
      await until(() => s.bytes.length >= all.length, 'all of it');
      t.ok(s.bytes.equals(all));
      destroy();
    },
  );

  t.test(
    `rule 16 (node): ${version}: the observable ends with the connection: errors before next, completes after a clean end, errors last after an unclean one`,
    async (t) => {
      const before = duo({ version, server: server(version, { credentials: await credentials('wrong-name') }) });
      await until(() => before.client.isOver, 'the refusal');
      t.match([before.client.connections.length, before.client.errors.length, before.client.completed], [0, 1, false]);
      before.destroy();

      const clean = await duo({ version }).open();
      clean.client.read();
      clean.server.read();
      clean.client.connection.close().subscribe();
      await until(() => clean.client.isOver && clean.server.isOver, 'both ends to end');
      t.match([clean.client.completed, clean.server.completed], [true, true]);
      clean.destroy();

      const cut = await duo({ version }).open();
      const order: unknown[] = [];
      cut.client.connection.plaintext.subscribe({
        error: (error: unknown) => order.push('plaintext', error, cut.client.errors.length),
      });
      cut.link.bToA.cut('end');
      await until(() => cut.client.isOver, 'the cut');
      t.same(order, ['plaintext', cut.client.error, 0], 'plaintext first, then the owner, the same error');
      cut.destroy();
    },
  );

  t.test(
    `rule 17 (node): ${version}: retry makes a new connection and sends nothing again; safeToReplay only while nothing was handed over`,
    async (t) => {
      let attempts = 0;
      const servers: Side[] = [];
      const engine = client(version);
      const acks: WriteAck[] = [];
      const connections: TlsConnection[] = [];
      const errors: unknown[] = [];
      const subscription = defer(() => {
        const [a, b] = memoryPair(attempts++ < 2 ? { aToB: { cutAfter: { bytes: 100, as: 'error' } } } : {});
        servers.push(new Side(b, server(version)));
        return concat(of(a), NEVER);
      })
        .pipe(secure(engine), retry(whenSafe({ count: 3 })))
        .subscribe({
          next: (connection) => connections.push(connection),
          error: (error: unknown) => errors.push(error),
        });
      await until(() => connections.length === 1, 'the third attempt');
      t.equal(attempts, 3);
      const last = servers.at(-1)!;
      await until(() => last.connections.length === 1, 'the server');
      last.read();
      connections[0]!.acks.subscribe((ack) => acks.push(ack));
      connections[0]!.write(Buffer.from('once'));
      await until(() => last.text === 'once', 'data');
      last.subscription.unsubscribe(); // the peer cuts
      await until(() => errors.length === 1, 'the error');
      t.match(errors[0], { retryable: true, safeToReplay: false }, 'something was written: whenSafe lets it be');
      t.equal(attempts, 3);
      t.equal(servers.filter((side) => side.text !== '').length, 0 + 1, 'the bytes went to one connection only');
      subscription.unsubscribe();
      for (const side of servers) side.subscription.unsubscribe();
    },
  );
}

t.test(
  "rule 10 (node): TLSv1.3: after the peer's close_notify we go on writing, and close by ourselves when all is said",
  async (t) => {
    const { client: c, server: s, destroy } = await duo().open();
    c.read();
    s.read();
    s.connection.closeWrite().subscribe({ error: ignored });
    const slow = new Observable<Uint8Array>((subscriber) => {
      const bytes = timer(20).subscribe(() => {
        subscriber.next(Buffer.from('still here'));
        subscriber.complete();
      });
      return () => bytes.unsubscribe();
    });
    c.connection.writeFrom(slow).subscribe();
    await until(() => c.plaintextEnd === 'complete', 'close_notify');
    t.equal(c.isOver, false, 'not while writeFrom runs');
    await until(() => s.plaintextEnd === 'complete', 'our own close');
    t.equal(s.text, 'still here');
    await until(() => c.completed && s.completed, 'both to end');
    destroy();

    const open = await duo({ clientOptions: { halfOpen: true } }).open();
    open.client.read();
    open.server.read();
    open.server.connection.closeWrite().subscribe({ error: ignored });
    await until(() => open.client.plaintextEnd === 'complete', 'close_notify');
    await turns();
    t.equal(open.client.isOver, false, 'halfOpen: not by itself');
    open.client.write('later');
    await until(() => open.server.text === 'later', 'a late write');
    open.client.connection.closeWrite().subscribe();
    await until(() => open.client.completed, 'the end');
    open.destroy();
  },
);

t.test("rule 10 (node): TLSv1.2: writes after the peer's close_notify are refused", async (t) => {
  const { client: c, server: s, destroy } = await duo({ version: 'TLSv1.2' }).open();
  const refused: unknown[] = [];
  c.connection.plaintext.subscribe({
    complete: () =>
      c.connection.write(Buffer.from('too late')).subscribe({ error: (error: unknown) => refused.push(error) }),
  });
  s.connection.close().subscribe({ error: ignored });
  await until(() => refused.length === 1, 'the refusal');
  t.match(refused[0], { name: 'WriteRefusedError' });
  t.match(c.acks.at(-1), { type: 'refused', why: 'peer-closed' });
  await until(() => c.completed, 'our side to close too');
  destroy();
});

t.test(
  'rule 14 (node): null, 0 and the empty string switch nothing off; what cannot be is an ApiMisuseError when the factory is made',
  async (t) => {
    const misuse = { name: 'ApiMisuseError' };
    const own = await credentials('ecdsa');
    for (const nothing of [null, 0, '', false, [], {}] as never[]) {
      t.throws(() => nodeEngine.client({ serverName: nothing }), misuse, `serverName ${JSON.stringify(nothing)}`);
      t.throws(
        () => nodeEngine.client({ serverName: 'localhost', ca: nothing }),
        misuse,
        `ca ${JSON.stringify(nothing)}`,
      );
      t.throws(() => nodeEngine.client({ serverName: 'localhost', verify: nothing }), misuse);
      t.throws(() => nodeEngine.server({ credentials: own, clientAuth: nothing }), misuse);
      t.throws(() => nodeEngine.server({ credentials: nothing }), misuse);
      t.throws(() => nodeEngine.server({ credentials: own, clientAuth: 'require', clientCa: nothing }), misuse);
    }
    t.throws(() => nodeEngine.client({} as never), misuse, 'a client without a name');
    t.throws(
      () => nodeEngine.server({ credentials: own, clientAuth: 'require' }),
      misuse,
      'client authentication without anchors',
    );
    t.throws(() => nodeEngine.client({ serverName: 'localhost', rejectUnauthorized: false } as never), misuse);
    t.throws(() => secure(undefined as unknown as EngineSource<'client'>), misuse, 'no engine');
  },
);

/** `count` chunks, made when they are asked for. */
function* chunks(count: number, length: number): Generator<Uint8Array> {
  for (let index = 0; index < count; index++) yield sample(length, index);
}

t.test('rule 7 (node): writeFrom pulls iterables, streams and ByteSources only on demand', async (t) => {
  const limits = { writeHighWater: 65_536, writeLowWater: 16_384 };
  const length = 16_384;
  const count = 200;
  let pulled = 0;
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks(count, length)) {
      pulled++;
      yield chunk;
    }
  }
  const stream = (): ReadableStreamOfBytes => {
    const source = chunks(count, length);
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          const { value, done } = source.next();
          if (done === true) return controller.close();
          pulled++;
          controller.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
  };
  for (const [name, source] of Object.entries({ 'an async iterable': slowly, 'a ReadableStream': stream })) {
    pulled = 0;
    const { client: c, server: s, link, destroy } = await duo({ clientOptions: { limits } }).open();
    s.read();
    link.aToB.starve(0);
    let done = false;
    c.connection.writeFrom(source()).subscribe({ complete: () => (done = true) });
    await turns(100);
    t.ok(pulled * length <= limits.writeHighWater + 2 * length, `${name}: ${pulled} chunks pulled at demand 0`);
    link.aToB.starve(Number.POSITIVE_INFINITY);
    await until(() => done, `${name}: all of it`);
    t.equal(pulled, count);
    await until(() => s.bytes.length === count * length, 'all of it at the peer');
    destroy();
  }
});
