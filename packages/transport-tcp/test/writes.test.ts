// What becomes of small writes that follow one another closely.
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import type { ByteDuplex } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import t, { type Test } from 'tap';

const host = '127.0.0.1';

/** Connected to a plain server; `calls` are the lengths of what is given to Node's socket on our side. */
async function connected(t: Test) {
  const calls: number[] = [];
  const given = Reflect.get(Socket.prototype, 'write') as (this: Socket, ...args: unknown[]) => boolean;
  t.teardown(() => void Object.assign(Socket.prototype, { write: given }));
  const received: Buffer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    peers.push(socket);
  }).listen(0, host);
  const peers: Socket[] = [];
  await once(server, 'listening');
  t.teardown(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP server');
  const end: { error?: unknown; isDone: boolean } = { isDone: false };
  const duplex = await new Promise<ByteDuplex>((resolve) => {
    const subscription = connect({ host, port: (address as { port: number }).port }).subscribe({
      next: resolve,
      error: (error: unknown) => Object.assign(end, { error, isDone: true }),
      complete: () => (end.isDone = true),
    });
    t.teardown(() => subscription.unsubscribe());
  });
  Object.assign(Socket.prototype, {
    write(this: Socket, ...args: unknown[]) {
      if (this.remotePort !== undefined) calls.push((args[0] as Uint8Array).length); // stdout may be a socket too
      return given.apply(this, args);
    },
  });
  const vectors: number[] = [];
  const vector = Reflect.get(Socket.prototype, '_writev') as (this: Socket, ...args: unknown[]) => void;
  t.teardown(() => void Object.assign(Socket.prototype, { _writev: vector }));
  Object.assign(Socket.prototype, {
    _writev(this: Socket, ...args: unknown[]) {
      vectors.push((args[0] as unknown[]).length);
      return vector.apply(this, args);
    },
  });
  let taken = 0;
  const levels: number[] = [];
  duplex.sink.taken.subscribe((value) => (taken = value));
  duplex.sink.demand.subscribe({ next: (value) => levels.push(value), error: () => levels.push(-1) });
  return { duplex, calls, vectors, received, levels, end, peers, taken: () => taken };
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds() && tries < 2_000; tries++) await new Promise((resolve) => setTimeout(resolve, 1));
};

t.test('small writes of one turn share system calls, in order; demand falls with each, taken tells all', async (t) => {
  const { duplex, calls, received, levels, taken } = await connected(t);
  const high = levels.at(-1)!;
  const expected: Buffer[] = [];
  for (let n = 0; n < 400; n++) {
    const bytes = Buffer.alloc(100, n);
    expected.push(bytes);
    duplex.sink.write(bytes);
    if (levels.at(-1) !== high - (n + 1) * 100) t.fail(`demand is ${levels.at(-1)} after ${n + 1} writes`);
  }
  t.equal(taken(), 0, 'nothing is told within the call');
  const large = Buffer.alloc(20_000, 1);
  duplex.sink.write(large);
  duplex.sink.write(Buffer.alloc(7, 2));
  const total = 400 * 100 + 20_007;
  await until(() => taken() === total);
  t.equal(taken(), total);
  t.equal(levels.at(-1), high);
  t.ok(calls.length <= 7, `${calls.length} calls: ${calls.join(' ')}`);
  t.equal(calls[0], 100, 'the first does not wait');
  await until(() => Buffer.concat(received).length === total);
  t.ok(Buffer.concat(received).equals(Buffer.concat([...expected, large, Buffer.alloc(7, 2)])));
});

t.test(
  'large writes of one turn share a system call, what demand makes somebody write too, 64 KiB in each',
  async (t) => {
    const { duplex, calls, vectors, received, taken } = await connected(t);
    const record = (n: number): Buffer => Buffer.alloc(16_384, n);
    let written = 0;
    const fill = (demand: number): void => {
      for (let left = demand; left >= 16_384 && written < 40; left -= 16_384) duplex.sink.write(record(written++));
    };
    duplex.sink.demand.subscribe({ next: fill, error: () => undefined });
    await until(() => taken() === 40 * 16_384);
    t.same(
      calls,
      Array.from({ length: 40 }, () => 16_384),
      'no copy of them is made',
    );
    t.ok(vectors.length <= 12 && vectors.every((writes) => writes <= 4), `${vectors.join(' ')} writes in a call`);
    t.ok(vectors.filter((writes) => writes === 4).length >= 6);
    await until(() => Buffer.concat(received).length === 40 * 16_384);
    t.ok(Buffer.concat(received).equals(Buffer.concat(Array.from({ length: 40 }, (_, n) => record(n)))));
  },
);

t.test('end in the same turn sends what was written before it, with FIN', async (t) => {
  const { duplex, received, end, taken } = await connected(t);
  for (let n = 0; n < 10; n++) duplex.sink.write(Buffer.from([n]));
  duplex.sink.end();
  duplex.sink.write(Buffer.from([99]));
  duplex.source.bytes.subscribe();
  duplex.source.request(1);
  await until(() => end.isDone);
  t.equal(end.error, undefined);
  t.equal(taken(), 10);
  t.equal(Buffer.concat(received).toString('hex'), '00010203040506070809');
});

t.test('end and abort in one turn: a last word that was held goes out', async (t) => {
  const { duplex, received, peers } = await connected(t);
  for (const word of ['some', ' last', ' words']) duplex.sink.write(Buffer.from(word));
  duplex.sink.end();
  duplex.sink.abort();
  await until(() => peers.some(({ readableEnded }) => readableEnded));
  t.equal(Buffer.concat(received).toString(), 'some last words');
});

t.test('abort alone: the system has had everything that was written, as it has for one write', async (t) => {
  const { duplex, calls, end } = await connected(t);
  for (const word of ['some', ' last', ' words']) duplex.sink.write(Buffer.from(word));
  duplex.sink.abort();
  t.same(calls, [4, 11]);
  duplex.sink.write(Buffer.from('more'));
  duplex.sink.abort();
  await until(() => end.isDone);
  t.match(end.error, { name: 'AbortedError' });
  t.same(calls, [4, 11]);
});

t.test('a wire that breaks: what was held is never taken, and demand errors once', async (t) => {
  const { duplex, levels, end, peers, taken } = await connected(t);
  await until(() => peers.length === 1);
  peers[0]?.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let n = 0; n < 50; n++) duplex.sink.write(Buffer.alloc(100));
  await until(() => end.isDone);
  t.match(end.error, { name: 'AbortedError', retryable: true });
  t.ok(taken() <= 100);
  t.equal(levels.filter((level) => level === -1).length, 1);
  duplex.sink.write(Buffer.alloc(100));
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.ok(taken() <= 100);
});
