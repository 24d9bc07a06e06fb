import { once } from 'node:events';
import { createServer, isIP, type LookupFunction, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { connect, type ListeningAddress, listen } from '@rxtls/transport-tcp';
import { defer, firstValueFrom, retry, Subject, toArray } from 'rxjs';
import t, { type Test } from 'tap';

const host = '127.0.0.1';
const mebibyte = 1024 * 1024;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A peer that rxtls has no part in: a plain node:net server. */
async function plainServer(t: Test, each: (socket: Socket) => void = () => {}) {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    each(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP server');
  return { port: address.port, sockets, server };
}

/** Subscribes and remembers everything. */
function observed(connection: ReturnType<typeof connect>) {
  const log: { duplex: ByteDuplex | undefined; events: string[]; error: any } = {
    duplex: undefined,
    events: [],
    error: undefined,
  };
  const connected = new Subject<ByteDuplex>();
  const ended = new Subject<void>();
  const done = firstValueFrom(ended);
  const first = firstValueFrom(connected);
  first.catch(() => {});
  const subscription = connection.subscribe({
    next: (duplex) => {
      log.duplex = duplex;
      log.events.push('next');
      connected.next(duplex);
    },
    error: (error) => {
      log.error = error;
      log.events.push('error');
      connected.error(error);
      ended.next();
    },
    complete: () => {
      log.events.push('complete');
      ended.next();
    },
  });
  return { log, subscription, connected: first, done };
}

const ignored = { error: () => {} };

/** Follows demand until everything is written or it stays 0. */
function produce(duplex: ByteDuplex, total: number, chunk = 64 * 1024) {
  const state = { written: 0, room: 0, busy: false };
  duplex.sink.demand.subscribe({
    next: (demand) => {
      state.room = demand;
      if (state.busy) return;
      state.busy = true;
      while (state.room > 0 && state.written < total) {
        state.written += chunk;
        duplex.sink.write(new Uint8Array(chunk));
      }
      state.busy = false;
    },
    ...ignored,
  });
  return state;
}

const unknownName: LookupFunction = (name, _options, back) =>
  back(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }), []);

/** A name service that knows these addresses for every name. */
function found(...addresses: string[]): LookupFunction {
  return (_name, _options, back) =>
    back(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
}

/** A listener of ours with what it accepts. */
async function listener(t: Test, options: { lingerTimeout?: number; maxConnections?: number } = {}) {
  const accepted = new Subject<ByteDuplex>();
  const all: ByteDuplex[] = [];
  const address = new Subject<ListeningAddress>();
  const where = firstValueFrom(address);
  const subscription = listen({ ...options, port: 0, host, listening: (at) => address.next(at) }).subscribe(
    (duplex) => {
      all.push(duplex);
      accepted.next(duplex);
    },
  );
  t.teardown(() => {
    subscription.unsubscribe();
    for (const { sink } of all) sink.abort();
  });
  return { ...(await where), accepted, all, subscription };
}

async function plainClient(t: Test, port: number) {
  const socket = new Socket({ allowHalfOpen: true });
  socket.on('error', () => {});
  socket.connect({ host, port });
  await once(socket, 'connect');
  t.teardown(() => socket.destroy());
  return socket;
}

t.test('options that make no sense throw where the function is called', async (t) => {
  const wrong: [(options: never) => unknown, unknown, RegExp][] = [
    [connect, {}, /host is missing/],
    [connect, undefined, /needs an object of options/],
    [connect, { host }, /port is missing/],
    [connect, { host: '', port: 1 }, /host must be a string/],
    [connect, { host, port: 65_536 }, /port must be an integer from 0 to 65535/],
    [connect, { host, port: '80' }, /port must/],
    [connect, { host, port: 80, portt: 1 }, /has no option "portt"/],
    [connect, { host, port: 80, toString: 1 }, /has no option "toString"/],
    [connect, { host, port: 80, path: '/x' }, /has no option "host"/],
    [connect, { host, port: 80, localAddress: 'here' }, /localAddress must be an IP address/],
    [connect, { host, port: 80, family: 5 }, /family must be 4 or 6/],
    [connect, { host, port: 80, noDelay: 1 }, /noDelay must be a boolean/],
    [connect, { host, port: 80, connectTimeout: 0 }, /connectTimeout must be an integer from 1/],
    [connect, { host, port: 80, lingerTimeout: Number.NaN }, /lingerTimeout must/],
    [connect, { host, port: 80, writeHighWater: 0.5 }, /writeHighWater must/],
    [listen, {}, /port is missing/],
    [listen, { port: -1 }, /port must/],
    [listen, { port: 0, listening: 'yes' }, /listening must be a function/],
    [listen, { path: '/x', port: 1 }, /has no option "port"/],
  ];
  for (const [call, options, message] of wrong) {
    const error = t.throws(() => Reflect.apply(call, undefined, [options]), { message });
    t.ok(error instanceof ApiMisuseError, String(message));
  }
});

t.test('a refused connection is a retryable AbortedError that names the place', async (t) => {
  const { port, server } = await plainServer(t);
  await new Promise((resolve) => server.close(resolve));
  const { log, done } = observed(connect({ host, port }));
  await done;
  t.same(log.events, ['error']);
  t.ok(log.error instanceof AbortedError);
  t.match(log.error, { retryable: true, phase: 'setup', cause: { code: 'ECONNREFUSED' } });
  t.equal(log.error.message, `cannot connect to 127.0.0.1:${port}: connection refused (ECONNREFUSED)`);
});

t.test('a name without address, a Unix socket that is not there', async (t) => {
  const name = observed(connect({ host: 'nowhere.invalid', port: 443, lookup: unknownName }));
  await name.done;
  t.equal(name.log.error.message, 'cannot connect to nowhere.invalid:443: no address for that name (ENOTFOUND)');
  const path = join(tmpdir(), 'rxtls-no-such-folder', 'none');
  const unix = observed(connect({ path }));
  await unix.done;
  t.equal(unix.log.error.message, `cannot connect to ${path}: no such file (ENOENT)`);
});

t.test('happy eyeballs: the option reaches Node, and all failures are in the message', async (t) => {
  const { port } = await plainServer(t);
  const eyeballs = observed(connect({ host: 'both.test', port, lookup: found('::1', host), autoSelectFamily: true }));
  t.equal((await eyeballs.connected).info.remote, `127.0.0.1:${port}`);
  eyeballs.subscription.unsubscribe();
  const failed = observed(
    connect({ host: 'none.test', port, lookup: found('127.0.0.2', '127.0.0.3'), autoSelectFamily: true }),
  );
  await failed.done;
  t.equal(failed.log.error.message, `cannot connect to none.test:${port}: connection refused (ECONNREFUSED)`);
});

t.test('connectTimeout bounds looking up and connecting', async (t) => {
  const { log, done } = observed(connect({ host: 'slow.test', port: 1, lookup: () => {}, connectTimeout: 30 }));
  await done;
  t.equal(log.error.message, 'cannot connect to slow.test:1: no answer within 30 ms');
  t.equal(log.error.retryable, true);
});

t.test('subscribing connects, and unsubscribing before that is done leaves nothing', async (t) => {
  const { port, sockets } = await plainServer(t, (socket) => socket.resume());
  const cold = connect({ host, port });
  await sleep(20);
  t.equal(sockets.length, 0);
  const early = observed(cold);
  early.subscription.unsubscribe();
  await sleep(30);
  t.same(early.log.events, []);
  t.ok(
    sockets.every((socket) => socket.destroyed || socket.readableEnded),
    'no connection is left',
  );
  const inside = cold.subscribe(() => inside.unsubscribe());
  await sleep(30);
  t.equal(inside.closed, true);
});

t.test('the observable completes after both directions have ended, and info says where they lead', async (t) => {
  const { port } = await plainServer(t, (socket) => socket.pipe(socket));
  const { log, connected, done } = observed(connect({ host, port }));
  const duplex = await connected;
  t.match(duplex.info, { local: /^127\.0\.0\.1:\d+$/, remote: `127.0.0.1:${port}` });
  duplex.source.request(100);
  duplex.sink.write(new Uint8Array(10));
  duplex.sink.end();
  const echoed = await firstValueFrom(duplex.source.bytes.pipe(toArray()));
  t.equal(
    echoed.reduce((sum, chunk) => sum + chunk.length, 0),
    10,
  );
  t.notOk(Buffer.isBuffer(echoed[0]), 'plain arrays, no Buffers');
  await done;
  t.same(log.events, ['next', 'complete']);
});

t.test('IPv6 addresses stand in brackets', async (t) => {
  const address = new Subject<ListeningAddress>();
  const where = firstValueFrom(address);
  const failed = new Promise<string>((resolve) => {
    const server = listen({ port: 0, host: '::1', listening: (at) => address.next(at) }).subscribe({
      next: ({ sink }) => t.teardown(() => sink.abort()),
      error: (error: AbortedError) => resolve(error.message),
    });
    t.teardown(() => server.unsubscribe());
  });
  const at = await Promise.race([where, failed]);
  if (typeof at === 'string') return t.comment(`no IPv6 here: ${at}`);
  const { connected, subscription } = observed(connect(at));
  t.equal((await connected).info.remote, `[::1]:${at.port}`);
  subscription.unsubscribe();
});

t.test('a reset is an error of bytes, once of demand, and then of the observable', async (t) => {
  const { port, sockets } = await plainServer(t);
  const { log, connected, done } = observed(connect({ host, port }));
  const duplex = await connected;
  const demandErrors: unknown[] = [];
  duplex.sink.demand.subscribe({ error: (error) => demandErrors.push(error) });
  duplex.source.request(100);
  duplex.source.bytes.subscribe({ error: () => log.events.push('bytes error') });
  await sleep(10);
  sockets.at(0)!.resetAndDestroy();
  await done;
  t.same(log.events, ['next', 'bytes error', 'error']);
  t.same(demandErrors, [log.error]);
  t.match(log.error, { retryable: true, phase: 'open', cause: { code: 'ECONNRESET' } });
  t.equal(log.error.message, `connection to 127.0.0.1:${port}: reset by the other side (ECONNRESET)`);
  duplex.sink.write(new Uint8Array(1));
  duplex.sink.end();
  duplex.sink.abort();
});

t.test('retry reconnects', async (t) => {
  let seen = 0;
  const { port } = await plainServer(t, (socket) => (++seen < 3 ? socket.resetAndDestroy() : socket.end()));
  const connection = defer(() => connect({ host, port }));
  await new Promise<void>((resolve, reject) => {
    const subscription = new Subject<void>();
    connection.pipe(retry({ count: 5, delay: 5 })).subscribe({
      next: (duplex) => {
        duplex.source.request(1);
        duplex.source.bytes.subscribe({ error: () => {}, complete: () => duplex.sink.end() });
      },
      error: reject,
      complete: resolve,
    });
    subscription.complete();
  });
  t.equal(seen, 3);
});

t.test('unsubscribing before end and sink.abort both reset the peer', async (t) => {
  const codes: (string | undefined)[] = [];
  const { port } = await plainServer(t, (socket) => {
    socket.resume();
    socket.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code));
  });
  const one = observed(connect({ host, port }));
  (await one.connected).sink.write(new Uint8Array(10));
  const two = observed(connect({ host, port }));
  const second = await two.connected;
  await sleep(20); // a connection that is cut before it is accepted is never seen by the server
  one.subscription.unsubscribe();
  const cause = new Error('enough');
  second.sink.abort(cause);
  await two.done;
  t.equal(two.log.error.cause, cause);
  t.equal(two.log.error.retryable, false);
  t.match(two.log.error.message, /aborted from this side/);
  await sleep(30);
  t.same(codes, ['ECONNRESET', 'ECONNRESET']);
  t.same(one.log.events, ['next']);
});

t.test('what others hold ends when the owner unsubscribes', async (t) => {
  const { port } = await plainServer(t);
  const { connected, subscription } = observed(connect({ host, port }));
  const duplex = await connected;
  const ends: string[] = [];
  duplex.source.bytes.subscribe({ error: (error) => ends.push(`bytes ${error.name}`) });
  duplex.sink.demand.subscribe({ error: (error) => ends.push(`demand ${error.name}`) });
  duplex.sink.taken.subscribe({ complete: () => ends.push('taken') });
  subscription.unsubscribe();
  t.same(ends, ['bytes AbortedError', 'demand AbortedError', 'taken']);
});

t.test('C6 write, end, unsubscribe, never read: a slow peer that sends too receives every byte', async (t) => {
  const size = 3 * mebibyte;
  let got = 0;
  const peer = { error: undefined as unknown, ended: false };
  const { port } = await plainServer(t, (socket) => {
    socket.write(new Uint8Array(200_000)); // unread at the other end: closing it would be a reset
    setTimeout(() => {
      socket.write(new Uint8Array(300_000));
      socket.on('data', (chunk) => (got += chunk.length));
      socket.on('end', () => {
        peer.ended = true;
        socket.end();
      });
      socket.resume();
    }, 150);
    socket.on('error', (error) => (peer.error = error));
  });
  const { connected, subscription } = observed(connect({ host, port }));
  const duplex = await connected;
  await sleep(20);
  duplex.sink.write(new Uint8Array(size));
  duplex.sink.end();
  subscription.unsubscribe();
  const later: unknown[] = [];
  duplex.source.bytes.subscribe({ error: (error) => later.push(error) });
  t.ok(later[0] instanceof AbortedError, 'bytes are not handed out any more');
  for (let i = 0; i < 200 && !peer.ended && !peer.error; i++) await sleep(10);
  t.equal(peer.error, undefined);
  t.equal(got, size);
});

t.test(
  'C6 a server that writes, ends and never reads: the peer receives every byte and the socket goes away',
  async (t) => {
    const { port, accepted } = await listener(t, { lingerTimeout: 1_000 });
    const one = firstValueFrom(accepted);
    const client = await plainClient(t, port);
    client.pause();
    const duplex = await one;
    client.write(new Uint8Array(mebibyte));
    duplex.sink.write(new Uint8Array(mebibyte));
    duplex.sink.end();
    await sleep(100);
    let got = 0;
    client.on('data', (chunk) => (got += chunk.length));
    client.resume();
    await once(client, 'end');
    t.equal(got, mebibyte);
    client.end();
    await once(client, 'close');
  },
);

t.test('after end, what arrives is kept for a subscriber that comes soon', async (t) => {
  const { port, accepted } = await listener(t, { lingerTimeout: 2_000 });
  const one = firstValueFrom(accepted);
  const client = await plainClient(t, port);
  const duplex = await one;
  duplex.sink.end();
  client.end(new Uint8Array(10_000));
  await sleep(50);
  duplex.source.request(20_000);
  const chunks = await firstValueFrom(duplex.source.bytes.pipe(toArray()));
  t.equal(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    10_000,
  );
});

t.test('after end, with nobody subscribed, the peer’s end is seen and the connection closes at once', async (t) => {
  const { port } = await plainServer(t, (socket) => {
    socket.resume();
    socket.on('end', () => socket.end(new Uint8Array(10_000)));
  });
  const { connected, done, log } = observed(connect({ host, port, lingerTimeout: 3_000 }));
  const started = Date.now();
  const duplex = await connected;
  duplex.sink.end();
  await done;
  t.ok(Date.now() - started < 1_000);
  t.same(log.events, ['next', 'complete']);
  duplex.source.request(20_000);
  const chunks = await firstValueFrom(duplex.source.bytes.pipe(toArray()));
  t.equal(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    10_000,
    'and what came with it can still be read',
  );
});

t.test(
  'end and abort in one turn: everybody here hears the error, the peer hears the last word and a clean end',
  async (t) => {
    const heard: string[] = [];
    const { port } = await plainServer(t, (socket) => {
      socket.write(new Uint8Array(200_000)); // more than the other end reads by itself
      socket.on('data', (chunk) => heard.push(chunk.toString()));
      socket.on('end', () => heard.push('end'));
      socket.on('error', (error: NodeJS.ErrnoException) => heard.push(String(error.code)));
      setTimeout(() => socket.resume(), 50);
    });
    const { connected, log, subscription } = observed(connect({ host, port, lingerTimeout: 200 }));
    const duplex = await connected;
    await sleep(20);
    duplex.sink.write(Buffer.from('alert'));
    duplex.sink.end();
    duplex.sink.abort(new Error('bad record'));
    t.same(log.events, ['next', 'error'], 'at once');
    subscription.unsubscribe();
    await sleep(120);
    t.same(heard, ['alert', 'end']);
  },
);

t.test('after end, with nobody subscribed, a peer that never ends is closed within lingerTimeout', async (t) => {
  const { port, sockets } = await plainServer(t, (socket) => socket.resume());
  const kept = observed(connect({ host, port, lingerTimeout: 100 }));
  const started = Date.now();
  (await kept.connected).sink.end();
  await kept.done;
  t.same(kept.log.events, ['next', 'complete'], 'all that was written had gone out');
  t.ok(Date.now() - started < 1_000);
  const left = observed(connect({ host, port, lingerTimeout: 100 }));
  (await left.connected).sink.end();
  left.subscription.unsubscribe();
  await sleep(20);
  const peer = sockets.at(1)!;
  let reset: string | undefined;
  peer.on('error', (error: NodeJS.ErrnoException) => (reset = error.code));
  const drip = setInterval(() => peer.write('still here'), 10);
  t.teardown(() => clearInterval(drip));
  if (!peer.destroyed) await new Promise((resolve) => peer.on('close', resolve));
  t.match(reset, /EPIPE|ECONNRESET/);
  t.ok(Date.now() - started < 2_000);
});

t.test('a subscriber keeps a half-closed connection alive beyond lingerTimeout', async (t) => {
  const { port, sockets } = await plainServer(t, (socket) => socket.resume());
  const { connected, done, log } = observed(connect({ host, port, lingerTimeout: 40 }));
  const duplex = await connected;
  duplex.sink.end();
  duplex.source.request(100);
  let got = 0;
  duplex.source.bytes.subscribe((chunk) => (got += chunk.length));
  await sleep(150);
  sockets.at(0)!.end(new Uint8Array(50));
  await done;
  t.equal(got, 50);
  t.same(log.events, ['next', 'complete']);
});

t.test('after end, a peer that takes nothing is cut, and the loss is an error', async (t) => {
  const { port } = await plainServer(t); // paused for good
  const { connected, log, done } = observed(connect({ host, port, lingerTimeout: 100 }));
  const duplex = await connected;
  duplex.sink.write(new Uint8Array(40 * mebibyte));
  duplex.sink.end();
  await done;
  t.same(log.events, ['next', 'error']);
  t.match(log.error.message, /what was written before end\(\) was not taken within 100 ms/);
});

t.test('100 MiB at a paused reader, either way, stay bounded in bytes and in memory', async (t) => {
  const { port, sockets } = await plainServer(t);
  const { connected, subscription } = observed(connect({ host, port }));
  const duplex = await connected;
  await sleep(10);
  const peer = sockets.at(0)!;
  const before = process.memoryUsage().arrayBuffers;
  const out = produce(duplex, 100 * mebibyte);
  for (let last = -1; last !== out.written; ) {
    last = out.written;
    await sleep(100);
  }
  t.ok(out.written < 16 * mebibyte, `${out.written} bytes were written`);
  t.ok(process.memoryUsage().arrayBuffers - before < 8 * mebibyte, 'our side holds little');
  // The other way: the plain peer writes whenever Node lets it, we are subscribed without credit.
  duplex.source.bytes.subscribe(ignored);
  let sent = 0;
  const fill = () => {
    while (sent < 100 * mebibyte && peer.write(new Uint8Array(64 * 1024))) sent += 64 * 1024;
  };
  peer.on('drain', fill);
  fill();
  for (let last = -1; last !== sent; ) {
    last = sent;
    await sleep(100);
  }
  t.ok(sent < 16 * mebibyte, `${sent} bytes were sent to us`);
  subscription.unsubscribe();
});

t.test('a listener says where it listens, and its failures are typed', async (t) => {
  const { port } = await listener(t);
  t.ok(port > 0);
  const error: any = await new Promise((resolve) => void listen({ port, host }).subscribe({ error: resolve }));
  t.ok(error instanceof AbortedError);
  t.equal(error.message, `cannot listen on 127.0.0.1:${port}: the address is in use (EADDRINUSE)`);
  t.equal(error.cause.code, 'EADDRINUSE');
});

t.test('a listening callback that throws errors the observable and closes the listener', async (t) => {
  let port = 0;
  const error: any = await new Promise((resolve) => {
    listen({
      port: 0,
      host,
      listening: (address) => {
        port = address.port;
        throw new Error('not today');
      },
    }).subscribe({ error: resolve });
  });
  t.match(error.message, /listening callback threw: not today/);
  const { log, done } = observed(connect({ host, port }));
  await done;
  t.match(log.error.message, /ECONNREFUSED/);
});

t.test('unsubscribing from a listener closes it and leaves its connections alone', async (t) => {
  const { port, accepted, subscription } = await listener(t);
  const one = firstValueFrom(accepted);
  const client = await plainClient(t, port);
  const duplex = await one;
  t.match(duplex.info, { local: `127.0.0.1:${port}`, remote: `127.0.0.1:${client.localPort}` });
  subscription.unsubscribe();
  const refused = observed(connect({ host, port }));
  await refused.done;
  t.match(refused.log.error.message, /ECONNREFUSED/);
  duplex.sink.write(new Uint8Array(5));
  const [chunk] = await once(client, 'data');
  t.equal(chunk.length, 5);
});

t.test('maxConnections closes what is too much', async (t) => {
  const { port, all } = await listener(t, { maxConnections: 1 });
  await plainClient(t, port);
  const second = await plainClient(t, port);
  second.resume();
  await once(second, 'end');
  t.equal(all.length, 1);
});

t.test('a connection nobody reads holds its peer up instead of filling memory', async (t) => {
  const { port, accepted } = await listener(t);
  const one = firstValueFrom(accepted);
  const client = await plainClient(t, port);
  await one;
  const before = process.memoryUsage().arrayBuffers;
  client.write(new Uint8Array(40 * mebibyte));
  await sleep(150);
  t.ok(client.writableLength > 0, 'the peer waits');
  t.ok(process.memoryUsage().arrayBuffers - before < 44 * mebibyte);
});
