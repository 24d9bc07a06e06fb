// A connection as WHATWG streams, as an async iterable, as Node's stream: order, ends, errors, and what waits where.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type ByteDuplex, secure, type SecureOptions, type TlsConnection, use } from '@rxtls/core';
import { AbortedError, CertificateError, TruncationError, WriteLostError, WriteRefusedError } from '@rxtls/core/engine';
import { memoryPair } from '@rxtls/transport-memory';
import { toAsyncIterable, toWebStreams } from '@rxtls/transport-streams';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { concat, EMPTY, NEVER, type Observable, of, throwError } from 'rxjs';
import t, { type Test } from 'tap';
import { dial, engines, held, mebibyte, pattern, pki, pour, settled, sha256, sleep, until } from './ends.ts';

const misuse = { name: 'ApiMisuseError' };

/** Two connections that face one another over memory. */
async function connections(
  t: Test,
  each = engines.tls13Engine,
  options: SecureOptions = { halfOpen: true },
): Promise<[TlsConnection, TlsConnection]> {
  const [a, b] = memoryPair();
  const [client, server] = [
    held(t, concat(of(a), NEVER).pipe(secure(each.client, options))),
    held(t, concat(of(b), NEVER).pipe(secure(each.server, options))),
  ];
  return Promise.all([client.value, server.value]);
}

/** What the peer of a connection reads, by and by. */
function collected({ source }: ByteDuplex) {
  const log = { chunks: [] as Uint8Array[], length: 0, ended: 'no', error: undefined as any };
  source.request(Number.POSITIVE_INFINITY);
  source.bytes.subscribe({
    next: (bytes) => {
      log.chunks.push(bytes.slice());
      log.length += bytes.length;
    },
    complete: () => (log.ended = 'complete'),
    error: (error: unknown) => Object.assign(log, { ended: 'error', error }),
  });
  return log;
}

/** Water on the way from one connection to the other: its own write mark, the pair's capacity, the reader's window. */
const between = (512 + 256 + 256) * 1024;

t.test('wrong arguments are ApiMisuseError', async (t) => {
  const [a] = memoryPair();
  t.throws(() => toWebStreams({} as any), misuse);
  t.throws(() => toWebStreams(a, { writeHighWater: 0 }), { ...misuse, message: /writeHighWater must be/ });
  t.throws(() => toAsyncIterable(undefined as any), misuse);
  t.throws(() => toNodeDuplex({} as any), misuse);
  t.throws(() => toNodeDuplex(a, { highWaterMark: 1 } as any), { ...misuse, message: /no option "highWaterMark"/ });
});

for (const [name, each] of Object.entries(engines)) {
  t.test(`${name}: WHATWG streams, 5 MiB there and back, and clean ends`, async (t) => {
    const [client, server] = await connections(t, each);
    server
      .writeFrom(server.source)
      .subscribe({ complete: () => server.closeWrite().subscribe({ error: () => undefined }) });
    const { readable, writable } = toWebStreams(client);
    const sent = pattern(5 * mebibyte);
    const reading = new Response(readable).arrayBuffer();
    const writer = writable.getWriter();
    for (let at = 0; at < sent.length; at += 100_000) await writer.write(sent.subarray(at, at + 100_000));
    await writer.close();
    t.equal(sha256(new Uint8Array(await reading)), sha256(sent));
  });

  t.test(`${name}: Node's stream, 5 MiB there and back by pipeline, and clean ends`, async (t) => {
    const [client, server] = await connections(t, each);
    const echo = toNodeDuplex(server, { allowHalfOpen: true });
    const echoing = pipeline(echo, echo);
    const stream = toNodeDuplex(client, { allowHalfOpen: true });
    const sent = pattern(5 * mebibyte);
    const back: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => back.push(bytes));
    stream.end(sent);
    await once(stream, 'end');
    await echoing;
    t.equal(sha256(Buffer.concat(back)), sha256(sent));
    await until(() => stream.destroyed && echo.destroyed, 'both close');
    t.same([stream.errored, echo.errored], [null, null]);
    t.equal(stream.bytesRead, sent.length);
    t.equal(stream.bytesWritten, sent.length);
  });
}

t.test(
  'an async iterable: each step asks for a chunk; leaving the loop leaves the rest to the next reader',
  async (t) => {
    const [a, b] = memoryPair();
    for (let n = 0; n < 5; n++) a.sink.write(pattern(10, n * 10));
    a.sink.end();
    const seen: number[] = [];
    for await (const bytes of toAsyncIterable(b)) {
      seen.push(...bytes);
      if (seen.length === 20) break;
    }
    for await (const bytes of toAsyncIterable(b)) seen.push(...bytes);
    t.same(seen, [...pattern(50)]);
    const [c, d] = memoryPair();
    c.sink.abort();
    await t.rejects(
      async () => {
        for await (const _ of toAsyncIterable(d)) t.fail('there are no bytes');
      },
      { name: 'AbortedError' },
    );
  },
);

t.test('an async iterable: several steps at once are served in order, and an error is thrown once', async (t) => {
  const [a, b] = memoryPair();
  const iterator = toAsyncIterable(b);
  const steps = [iterator.next(), iterator.next(), iterator.next()];
  a.sink.write(Uint8Array.of(1));
  a.sink.write(Uint8Array.of(2));
  t.same([(await steps[0]!).value?.[0], (await steps[1]!).value?.[0]], [1, 2]);
  a.sink.abort();
  await t.rejects(steps[2]!, { name: 'AbortedError' });
  t.same(await iterator.next(), { done: true, value: undefined });
});

t.test('an async iterable: a slow loop keeps the peer within the watermarks', async (t) => {
  const [client, server] = await connections(t);
  const producer = pour(server.sink);
  let read = 0;
  for await (const bytes of toAsyncIterable(client)) {
    read += bytes.length;
    if (read > 3 * mebibyte) break;
    if (read > mebibyte && read < mebibyte + 100_000) {
      const written = await settled(producer.written);
      t.ok(written - read <= between, `${written - read} bytes on their way, at most ${between}`);
    }
  }
  producer.stop();
});

t.test('WHATWG streams: a fast producer and a slow consumer, both ways, stay within the watermarks', async (t) => {
  const [client, server] = await connections(t);
  const { readable, writable } = toWebStreams(client, { writeHighWater: 128 * 1024 });
  const producer = pour(server.sink);
  const reader = readable.getReader();
  let read = 0;
  while (read < mebibyte) read += (await reader.read()).value!.length;
  const written = await settled(producer.written);
  t.ok(written - read <= between, `in: ${written - read} bytes, at most ${between}`);
  producer.stop();

  const writer = writable.getWriter();
  let offered = 0;
  void (async () => {
    while (offered < 8 * mebibyte) {
      await writer.ready;
      offered += 64 * 1024;
      writer.write(new Uint8Array(64 * 1024)).catch(() => undefined); // the test cuts
    }
  })().catch(() => undefined);
  const stopped = await settled(() => offered);
  const most = between + 128 * 1024 + 64 * 1024;
  t.ok(stopped <= most, `out: ${stopped} bytes, at most ${most}`);
  const log = collected(server);
  await until(() => log.length > 2 * mebibyte, 'it goes on when there is a reader');
  client.sink.abort();
});

t.test("Node's stream: a fast producer and a slow consumer, both ways, stay within the watermarks", async (t) => {
  const [client, server] = await connections(t);
  const stream = toNodeDuplex(client);
  const producer = pour(server.sink);
  let read = 0;
  while (read < mebibyte) {
    const bytes: Buffer | null = stream.read();
    if (bytes === null) await once(stream, 'readable');
    else read += bytes.length;
  }
  const written = await settled(producer.written);
  const most = between + 2 * 64 * 1024;
  t.ok(written - read <= most, `in: ${written - read} bytes, at most ${most}`);
  t.ok(stream.readableLength <= 128 * 1024, `${stream.readableLength} bytes wait in the stream`);
  producer.stop();

  let offered = 0;
  const fill = (): void => {
    let more = true;
    while (more && offered < 8 * mebibyte) {
      offered += 16 * 1024;
      more = stream.write(new Uint8Array(16 * 1024));
    }
  };
  stream.on('drain', fill);
  fill();
  const stopped = await settled(() => offered);
  t.ok(stopped <= most, `out: ${stopped} bytes, at most ${most}`);
  t.ok(stream.writableLength <= 2 * 64 * 1024 + 16 * 1024, `${stream.writableLength} bytes wait in the stream`);
  const log = collected(server);
  await until(() => log.length > 2 * mebibyte, 'it goes on when there is a reader');
  stream.on('error', () => undefined); // cut with writes under way
  stream.destroy();
});

t.test('a write is done when it is flushed, and not before', async (t) => {
  const [a, b] = memoryPair({ capacity: 1_000 });
  const stream = toNodeDuplex(a);
  let done = 0;
  stream.write(pattern(500), () => done++);
  stream.write(pattern(5_000), () => done++);
  await sleep(10);
  t.equal(done, 0, 'nobody has read');
  const log = collected(b);
  await until(() => done === 2, 'both are done');
  t.equal(log.length, 5_500);
});

t.test(
  'what is written to a connection is not touched, and an array may be used again after the callback',
  async (t) => {
    const [client, server] = await connections(t);
    const log = collected(server);
    const stream = toNodeDuplex(client);
    const array = new Uint8Array(1_000);
    for (let n = 0; n < 10; n++) {
      array.fill(n);
      await new Promise<void>((resolve) => stream.write(array, () => resolve()));
    }
    await until(() => log.length === 10_000, 'all bytes');
    const all = Buffer.concat(log.chunks);
    t.ok(all.every((byte, at) => byte === Math.floor(at / 1_000)));
    t.equal(array.byteLength, 1_000);
    stream.destroy();
  },
);

t.test('what was written before the stream was made does not count for its first write', async (t) => {
  const [a, b] = memoryPair({ capacity: 10_000 });
  const [client, server] = [
    held(t, concat(of(a), NEVER).pipe(secure(engines.tls13Engine.client))),
    held(t, concat(of(b), NEVER).pipe(secure(engines.tls13Engine.server))),
  ];
  const connection = await client.value;
  const peer = await server.value;
  connection.write(pattern(600_000)); // more than the window of a peer that does not read
  let isDone = false;
  const stream = toNodeDuplex(connection);
  stream.on('error', () => undefined); // the test ends with what it holds
  stream.write(pattern(10), () => (isDone = true));
  await settled(() => (isDone ? 1 : 0), 50);
  t.equal(isDone, false, 'it waits for what was before it');
  const log = collected(peer);
  await until(() => isDone, 'it is done');
  await until(() => log.length === 600_010, 'all bytes');
});

t.test("Node's stream: destroy() cuts, and the peer's cut is an error", async (t) => {
  const [a, b] = memoryPair();
  const stream = toNodeDuplex(a);
  const log = collected(b);
  stream.write('last');
  stream.destroy();
  await until(() => log.ended !== 'no', 'the cut');
  t.equal(log.ended, 'error');
  const [c, d] = memoryPair();
  const other = toNodeDuplex(c);
  d.sink.abort();
  const [error] = (await once(other, 'error')) as [Error];
  t.match(error, { name: 'AbortedError' });
  t.ok(other.destroyed);
});

t.test("Node's stream: with TLS a truncated connection is an error, never an end", async (t) => {
  const [a, b] = memoryPair();
  const client = held(t, concat(of(a), NEVER).pipe(secure(engines.tls13Engine.client)));
  const server = held(t, concat(of(b), NEVER).pipe(secure(engines.tls13Engine.server)));
  const stream = toNodeDuplex(await client.value);
  (await server.value).write(pattern(10));
  let hasEnded = false;
  stream.on('end', () => (hasEnded = true));
  stream.resume();
  await sleep(10);
  b.sink.end();
  const [error] = (await once(stream, 'error')) as [Error];
  t.match(error, { name: 'TruncationError', code: 'ECONNRESET' });
  t.equal(hasEnded, false);
});

t.test(
  "Node's stream of an observable: writes wait for the connection, destroy() unsubscribes, failures are errors",
  async (t) => {
    const [a, b] = memoryPair();
    let isSubscribed = false;
    let isGone = false;
    const server = held(t, concat(of(b), NEVER).pipe(secure(engines.tls13Engine.server)));
    const transport = concat(of(a), NEVER).pipe(secure(engines.tls13Engine.client));
    const stream = toNodeDuplex(
      new (await import('rxjs')).Observable<TlsConnection>((subscriber) => {
        isSubscribed = true;
        const inner = transport.subscribe(subscriber);
        return () => {
          isGone = true;
          inner.unsubscribe();
        };
      }),
    );
    t.ok(isSubscribed);
    stream.write('early');
    await once(stream, 'connect');
    t.match(stream, {
      connecting: false,
      encrypted: true,
      authorized: true,
      alpnProtocol: false,
      servername: 'localhost',
    });
    const peer = await server.value;
    const log = collected(peer);
    await until(() => log.length === 5, 'what was written early');
    stream.destroy();
    t.ok(isGone);
    await until(() => log.ended !== 'no', 'the end for the peer');
    t.equal(log.ended, 'complete', 'nothing was outstanding: close_notify');

    const failed = toNodeDuplex(throwError(() => new Error('no route')));
    failed.write('never');
    t.match((await once(failed, 'error'))[0], { message: 'no route' });
    const empty = toNodeDuplex(EMPTY);
    t.match((await once(empty, 'error'))[0], { name: 'AbortedError', message: /without a connection/ });
    const twice = toNodeDuplex(of(memoryPair()[0], memoryPair()[0]));
    t.match((await once(twice, 'error'))[0], { name: 'AbortedError', message: /second/ });
    const early = toNodeDuplex(NEVER);
    early.end('never');
    early.destroy();
    await once(early, 'close');
    t.ok(early.destroyed);
  },
);

t.test("Node's stream: errors have a code, by which libraries tell them apart", async (t) => {
  const failure = async (source: Observable<TlsConnection>): Promise<unknown> =>
    ((await once(toNodeDuplex(source), 'error')) as [Error])[0];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const refused = await failure(dial(port, engines.nodeEngine));
  t.match(refused, { name: 'AbortedError', code: 'ECONNREFUSED' });
  const [a, b] = memoryPair();
  const cut = failure(concat(of(a), NEVER).pipe(secure(engines.tls13Engine.client)));
  b.sink.end();
  t.match(await cut, { name: 'TruncationError', code: 'ECONNRESET' });
  const lost = new WriteLostError('lost', { cause: new TruncationError(0, 'cut') });
  t.match(await failure(throwError(() => lost)), { code: 'ECONNRESET' });
  const untrusted = new CertificateError('unknown-authority', 'nobody knows its authority');
  t.match(await failure(throwError(() => untrusted)), { code: 'ERR_RXTLS_CERTIFICATE' });
  const own = Object.assign(new Error('mine'), { code: 'MINE' });
  t.match(await failure(throwError(() => own)), { code: 'MINE' });
  t.notOk('code' in ((await failure(throwError(() => new Error('no route')))) as Error));
});

for (const [name, each] of Object.entries(engines))
  t.test(`${name}: a write to a connection that has closed by itself fails, and does not wait for ever`, async (t) => {
    const closed = async (): Promise<TlsConnection> => {
      const [client, server] = await connections(t, each, {});
      let isClosed = false;
      client.sink.demand.subscribe({ complete: () => (isClosed = true) });
      client.plaintext.subscribe();
      server.closeWrite().subscribe();
      await until(() => isClosed, 'our side closes');
      return client;
    };
    const writer = toWebStreams(await closed()).writable.getWriter();
    await t.rejects(Promise.resolve(writer.write(pattern(10))), {
      name: 'AbortedError',
      message: /closed for writing/,
    });
    const stream = toNodeDuplex(await closed(), { allowHalfOpen: true });
    const failed = once(stream, 'error');
    const told = await new Promise((resolve) => stream.write(pattern(10), resolve));
    t.match(told, { name: 'AbortedError', message: /closed for writing/ });
    t.match(await failed, [{ message: /closed for writing/, code: 'EPIPE' }]);
    t.ok(stream.destroyed);
  });

t.test("Node's stream: its errors have the code of a socket's, where they stand for one", async (t) => {
  const node = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  for (const [error, code] of [
    [new AbortedError('cannot connect', { cause: node }), 'ECONNREFUSED'],
    [new WriteLostError('a write was lost', { cause: new AbortedError('broken', { cause: node }) }), 'ECONNREFUSED'],
    [new AbortedError('cut'), 'ECONNRESET'],
    [new WriteLostError('a write was lost', { cause: new Error('mine') }), 'ECONNRESET'],
    [new WriteRefusedError('refused'), 'EPIPE'],
    [new CertificateError('expired', 'expired'), 'ERR_RXTLS_CERTIFICATE'],
    [Object.freeze(new AbortedError('nobody may add to it')), undefined],
    [new Error('mine'), undefined],
  ] as const) {
    const stream = toNodeDuplex(throwError(() => error));
    const [told] = await once(stream, 'error');
    t.equal(told, error, 'the error itself');
    t.equal(told.code, code, error.message);
  }
});

t.test("Node's stream: connect() is answered by 'connect', also when there has been one", async (t) => {
  for (const made of [toNodeDuplex, (connection: TlsConnection) => toNodeDuplex(concat(of(connection), NEVER))]) {
    const stream = made((await connections(t))[0]);
    let heard = 0;
    stream.on('connect', () => heard++);
    stream.connect();
    stream.connect();
    await sleep(5);
    t.equal(heard, 1, 'one for all who asked meanwhile');
    stream.connect();
    await once(stream, 'secureConnect');
    t.equal(heard, 2);
    stream.destroy();
    stream.connect();
    await sleep(5);
    t.equal(heard, 2, 'not of what is gone');
  }
});

for (const [name, each] of Object.entries(engines))
  t.test(`${name}: Node's stream shows the peer's certificate as Node does, for channel binding`, async (t) => {
    const [client, server] = await connections(t, each);
    const stream = toNodeDuplex(client);
    const { raw, subject, subjectaltname } = stream.getPeerCertificate!();
    t.equal(raw.equals((await pki.leaf('ecdsa')).leafDer), true);
    t.ok(Buffer.isBuffer(raw));
    t.match(subjectaltname, /DNS:localhost/);
    t.ok(subject);
    const other = toNodeDuplex(server);
    t.same(other.getPeerCertificate!(), {}, 'a client that has shown none');
    t.equal(toNodeDuplex(memoryPair()[0]).getPeerCertificate, undefined, 'no TLS, no claim of it');
    const cut = once(other, 'error');
    stream.destroy();
    await cut;
  });

t.test("Node's stream: setTimeout tells of silence, and what a socket has is there", async (t) => {
  const [a, b] = memoryPair();
  const stream = toNodeDuplex(a);
  let timeouts = 0;
  t.equal(
    stream.setTimeout(30, () => timeouts++),
    stream,
  );
  t.equal(stream.timeout, 30);
  for (let n = 0; n < 5; n++) {
    await sleep(10);
    b.sink.write(Uint8Array.of(n));
    stream.read();
  }
  t.equal(timeouts, 0, 'traffic starts it again');
  await until(() => timeouts === 1, 'the timeout');
  t.notOk(stream.destroyed);
  stream.setTimeout(0);
  for (const name of ['setNoDelay', 'setKeepAlive', 'ref', 'unref', 'connect'] as const)
    t.equal(stream[name](), stream);
  t.equal(stream.encrypted, undefined, 'no TLS, no claim of it');
  t.equal(stream.remoteAddress, undefined, 'memory has no address');
  const named = toNodeDuplex({ ...memoryPair()[0], info: { remote: '[::1]:443', local: '127.0.0.1:50000' } });
  t.match(named, {
    remoteAddress: '::1',
    remotePort: 443,
    remoteFamily: 'IPv6',
    localAddress: '127.0.0.1',
    localPort: 50_000,
  });
  const log = collected(b);
  stream.write('bye');
  stream.destroySoon();
  await once(stream, 'close');
  await until(() => log.length === 3, 'what was written');
  named.destroy();
});

t.test('WHATWG streams: errors, abort and cancel', async (t) => {
  const [a, b] = memoryPair();
  const one = toWebStreams(a);
  const pending = one.readable.getReader().read();
  b.sink.abort();
  await t.rejects(Promise.resolve(pending), { name: 'AbortedError' });
  await t.rejects(Promise.resolve(one.writable.getWriter().closed), { name: 'AbortedError' });

  const [c, d] = memoryPair();
  const two = toWebStreams(c);
  const log = collected(d);
  await two.writable.abort(new Error('enough'));
  await until(() => log.ended !== 'no', 'the cut');
  t.match(log, { ended: 'error', error: { name: 'AbortedError' } });

  const [e, f] = memoryPair({ capacity: 1_000 });
  const three = toWebStreams(e);
  const out = collected(f);
  f.sink.write(pattern(100_000));
  await three.readable.cancel();
  const writer = three.writable.getWriter();
  await writer.write(pattern(10));
  t.equal(out.length, 10, 'the other half goes on');
  await writer.close();
  await until(() => out.ended === 'complete', 'its end');
  let cut: unknown;
  f.sink.demand.subscribe({ error: (error: unknown) => (cut = error) });
  await until(() => cut !== undefined, 'nobody reads or writes any more: it is cut');

  const [g] = memoryPair();
  const four = toWebStreams(g);
  await t.rejects(four.writable.getWriter().write('text' as any) as Promise<void>, misuse);
});

t.test('WHATWG streams: bytes are asked for by reading', async (t) => {
  const [a, b] = memoryPair();
  const { readable } = toWebStreams(b);
  a.sink.write(Uint8Array.of(1));
  a.sink.write(Uint8Array.of(2));
  let taken = 0;
  a.sink.taken.subscribe((bytes) => (taken = bytes));
  await sleep(10);
  t.equal(taken, 0, 'nobody reads');
  const reader = readable.getReader();
  t.same((await reader.read()).value, Uint8Array.of(1));
  await sleep(10);
  t.equal(taken, 1, 'one read, one chunk');
});

t.test('a server of ours may hand a connection out as a stream and close after it', async (t) => {
  const [a, b] = memoryPair();
  const server = held(
    t,
    concat(of(b), NEVER).pipe(
      secure(engines.nodeEngine.server),
      use((c) => c.writeFrom(toAsyncIterable(c))),
    ),
  );
  const client = held(t, concat(of(a), NEVER).pipe(secure(engines.nodeEngine.client)));
  const { readable, writable } = toWebStreams(await client.value);
  const writer = writable.getWriter();
  await writer.write(pattern(1_000));
  await writer.close();
  t.equal(new Uint8Array(await new Response(readable).arrayBuffer()).length, 1_000);
  await until(() => server.log.ended === 'complete' && client.log.ended === 'complete', 'clean ends');
});
