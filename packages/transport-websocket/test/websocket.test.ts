// Lifetimes and closings over real sockets, against peers that rxtls has no part in and against our own listener.
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AbortedError, ApiMisuseError, PeerMisbehavedError } from '@rxtls/core/engine';
import { connectWebSocket } from '@rxtls/transport-websocket';
import { listenWebSocket } from '@rxtls/transport-websocket/node';
import { retry } from 'rxjs';
import t from 'tap';
import { WebSocket as Undici } from 'undici';
import { WebSocket as Ws } from 'ws';
import {
  host,
  listener,
  observed,
  plainServer,
  rawClient,
  rawServer,
  sleep,
  until,
  upgradeRequest,
  upgradingServer,
  watched,
} from './ends.ts';

const url = `ws://${host}:1/`;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

t.test('options that make no sense throw where the function is called', async (t) => {
  const wrong: [(options: never) => unknown, unknown, RegExp][] = [
    [connectWebSocket, undefined, /needs an object of options/],
    [connectWebSocket, {}, /url is missing/],
    [connectWebSocket, '', /url must be a string/],
    [connectWebSocket, '/relative', /absolute ws: or wss: URL/],
    [connectWebSocket, 'http://a.example/', /absolute ws: or wss: URL/],
    [connectWebSocket, 'ws://a.example/#there', /without a fragment/],
    [connectWebSocket, { url, urll: 1 }, /has no option "urll"/],
    [connectWebSocket, { url, toString: 1 }, /has no option "toString"/],
    [connectWebSocket, { url, protocols: 'a' }, /protocols must be an array/],
    [connectWebSocket, { url, protocols: ['a b'] }, /protocols must/],
    [connectWebSocket, { url, protocols: ['a', 'a'] }, /different subprotocol names/],
    [connectWebSocket, { url, WebSocket: {} }, /WebSocket must be a function/],
    [connectWebSocket, { url, constructorOptions: null }, /constructorOptions must not be null/],
    [connectWebSocket, { url, connectTimeout: 0 }, /connectTimeout must be an integer from 1/],
    [connectWebSocket, { url, writeHighWater: 0.5 }, /writeHighWater must/],
    [connectWebSocket, { url, messageBytes: 0 }, /messageBytes must/],
    [connectWebSocket, { url, maxMessageBytes: Number.NaN }, /maxMessageBytes must/],
    [connectWebSocket, { url, maxHeldBytes: '1' }, /maxHeldBytes must/],
    [connectWebSocket, { url, lingerTimeout: -1 }, /lingerTimeout must/],
    [connectWebSocket, { url, scheduler: {} }, /scheduler must be an RxJS scheduler/],
    [listenWebSocket, undefined, /needs an object of options/],
    [listenWebSocket, {}, /port is missing/],
    [listenWebSocket, { port: 65_536 }, /port must be an integer from 0 to 65535/],
    [listenWebSocket, { port: 0, path: 'chat' }, /path must be a path/],
    [listenWebSocket, { port: 0, accept: true }, /accept must be a function/],
    [listenWebSocket, { port: 0, upgradeTimeout: 0 }, /upgradeTimeout must/],
    [listenWebSocket, { port: 0, listening: 'yes' }, /listening must be a function/],
    [listenWebSocket, { server: {} }, /server must be a server of node:http/],
    [listenWebSocket, { server: createServer(), port: 1 }, /has no option "port"/],
  ];
  for (const [call, options, message] of wrong) {
    const error = t.throws(() => Reflect.apply(call, undefined, [options]), { message });
    t.ok(error instanceof ApiMisuseError, String(message));
  }
});

t.test('where there is no WebSocket the error says what to give; where there is one it is taken', async (t) => {
  const own: unknown = Reflect.get(globalThis, 'WebSocket');
  t.teardown(() => Reflect.set(globalThis, 'WebSocket', own));
  Reflect.set(globalThis, 'WebSocket', undefined);
  const error = t.throws(() => connectWebSocket(url), { message: /install ws and give its class/ });
  t.ok(error instanceof ApiMisuseError);

  Reflect.set(globalThis, 'WebSocket', Undici);
  const server = await listener(t);
  const subscription = connectWebSocket(server.url).subscribe();
  await server.next();
  subscription.unsubscribe();
});

t.test('what the constructor refuses is an ApiMisuseError of the observable', async (t) => {
  class Refusing extends Ws {
    constructor() {
      super('nonsense');
    }
  }
  const { events, error } = observed(t, { url, WebSocket: Refusing });
  t.same(events, ['error']);
  t.ok(error instanceof ApiMisuseError);
  t.match(error?.message, /does not take these options: Invalid URL/);
});

for (const [name, WebSocket] of Object.entries({ ws: Ws, undici: Undici })) {
  t.test(
    `${name}: a connection that fails is a retryable AbortedError that names the place and no secret`,
    async (t) => {
      const { port } = await rawServer(t, (socket) => socket.resetAndDestroy());
      const client = observed(t, { url: `ws://${host}:${port}/a?token=secret`, WebSocket });
      await client.over();
      t.same(client.events, ['error']);
      t.ok(client.error instanceof AbortedError);
      t.match(client.error, { retryable: true, phase: 'setup' });
      t.match(client.error?.message, new RegExp(`^cannot connect to ws://${host}:${port}: .{8}`));
      t.notMatch(client.error?.message, /secret/);
    },
  );

  t.test(`${name}: subscribing connects; unsubscribing before it is open leaves nothing`, async (t) => {
    const { url, sockets } = await rawServer(t, (socket) => socket.resume());
    const cold = connectWebSocket({ url, WebSocket });
    await sleep(20);
    t.equal(sockets.length, 0);
    const events: string[] = [];
    const subscription = cold.subscribe({ error: () => events.push('error'), complete: () => events.push('complete') });
    await until(() => sockets.length === 1, 'a connection');
    subscription.unsubscribe();
    await until(() => sockets[0]!.destroyed || sockets[0]!.readableEnded, 'its end');
    t.same(events, []);
  });

  t.test(`${name}: connectTimeout bounds an upgrade that is never answered`, async (t) => {
    const { url, sockets } = await rawServer(t, (socket) => socket.resume());
    const client = observed(t, { url, WebSocket, connectTimeout: 40 });
    await client.over();
    t.same(client.events, ['error']);
    t.match(client.error?.message, /cannot connect to ws:\/\/127\.0\.0\.1:\d+: no answer within 40 ms/);
    t.match(client.error, { retryable: true, phase: 'setup' });
    await until(() => sockets[0]!.destroyed || sockets[0]!.readableEnded, 'its end');
  });

  t.test(`${name}: end delivers what was written, and both ends complete`, async (t) => {
    const server = await listener(t, { protocols: ['bytes', 'b'] });
    const client = observed(t, { url: server.url, WebSocket, protocols: ['other', 'b', 'bytes'] });
    const [a, b] = [await client.connected(), await server.next()];
    t.equal(a.protocol, 'bytes');
    t.equal(b.protocol, 'bytes');
    t.equal(a.info.remote, `ws://${host}:${server.port}`);
    t.match(b.info, { local: `${host}:${server.port}`, remote: /^127\.0\.0\.1:\d+$/ });
    const [atA, atB] = [watched(a), watched(b)];
    a.sink.write(new Uint8Array(200_000));
    a.sink.end();
    t.equal(atA.demand, 0);
    a.sink.write(new Uint8Array(1));
    await client.over();
    t.same(client.events, ['next', 'complete']);
    await until(() => atB.ends.length > 0, 'the end at the other side');
    t.equal(atB.total, 200_000);
    t.same(atB.ends, ['bytes complete']);
    b.sink.end();
    t.same(atB.ends.sort(), ['bytes complete', 'demand complete', 'taken complete']);
    t.ok(atA.ends.includes('demand complete') && atA.ends.includes('taken complete'));
    t.equal(atA.taken, 200_000);
  });

  t.test(
    `${name}: the other side closes first: bytes complete, and a write that cannot arrive is an error`,
    async (t) => {
      for (const code of [1000, 1001, undefined]) {
        const server = await plainServer(t, (socket) => {
          socket.send(Buffer.from('last'));
          socket.close(code);
        });
        const client = observed(t, { url: server.url, WebSocket });
        const log = watched(await client.connected());
        await client.over();
        t.equal(log.text, 'last');
        t.same(client.events, ['next', 'complete'], `code ${code}`);
        t.same(log.ends, ['bytes complete']);
        client.duplex?.sink.write(text('late'));
        t.same(log.ends, ['bytes complete', 'demand error', 'taken complete']);
        t.match(
          log.errors[0]?.message,
          new RegExp(`closed by the other side \\(close code ${code ?? 1005}, .*before 4 bytes`),
        );
        t.match(log.errors[0], { name: 'AbortedError', retryable: true, phase: 'closing' });
        client.duplex?.sink.write(text('later'));
        client.duplex?.sink.end();
        client.duplex?.sink.abort();
        t.equal(log.ends.length, 3, 'told once');
      }
    },
  );

  t.test(`${name}: any other close is an AbortedError with its code, and at most 32 bytes of its reason`, async (t) => {
    const server = await plainServer(t, (socket) => socket.close(1011, `line\n${'x'.repeat(100)}`));
    const client = observed(t, { url: server.url, WebSocket });
    const log = watched(await client.connected());
    await client.over();
    t.same(client.events, ['next', 'error']);
    t.ok(client.error instanceof AbortedError);
    t.equal(client.error, log.errors[0]);
    t.match(client.error, { retryable: true, phase: 'open' });
    const reason = `line?${'x'.repeat(27)}`;
    t.match(client.error?.message, new RegExp(`: close code 1011, internal error: "line\\?x{27}"$`), reason);
    t.same(log.ends.sort(), ['bytes error', 'demand error', 'taken complete']);

    const policy = await plainServer(t, (socket) => socket.close(1008));
    const refused = observed(t, { url: policy.url, WebSocket });
    await refused.connected().then(watched);
    await refused.over();
    t.match(refused.error, { retryable: false }, 'a fault of ours is not mended by trying again');
  });

  t.test(`${name}: a cut without a close is code 1006, and retry reconnects`, async (t) => {
    let seen = 0;
    const server = await plainServer(t, (socket) => (++seen < 3 ? socket.terminate() : socket.close(1000)));
    const errors: string[] = [];
    await new Promise<void>((resolve, reject) => {
      connectWebSocket({ url: server.url, WebSocket })
        .pipe(
          retry({
            count: 5,
            delay: (error: Error) => {
              errors.push(error.message);
              return [0];
            },
          }),
        )
        .subscribe({ next: watched, error: reject, complete: resolve });
    });
    t.equal(seen, 3);
    t.equal(errors.length, 2);
    for (const message of errors) t.match(message, /close code 1006/);
  });

  t.test(`${name}: a text message is a PeerMisbehavedError, and the peer is told by code 4003`, async (t) => {
    const codes: number[] = [];
    const server = await plainServer(t, (socket) => {
      socket.on('close', (code) => codes.push(code));
      socket.send(Buffer.from('bytes'));
      socket.send('text');
      socket.send(Buffer.from('more'));
    });
    const client = observed(t, { url: server.url, WebSocket });
    const log = watched(await client.connected());
    await client.over();
    t.ok(client.error instanceof PeerMisbehavedError);
    t.match(client.error?.message, /sent a text message/);
    t.equal(log.text, 'bytes', 'what came before it is given, what came after it is not');
    await until(() => codes.length > 0, 'the close at the peer');
    t.same(codes, [4003]);
  });

  t.test(`${name}: a message over maxMessageBytes ends the connection`, async (t) => {
    const codes: number[] = [];
    const server = await plainServer(t, (socket) => {
      socket.on('close', (code) => codes.push(code));
      socket.send(Buffer.alloc(1_000));
      socket.send(Buffer.alloc(1_001));
    });
    const client = observed(t, { url: server.url, WebSocket, maxMessageBytes: 1_000 });
    const log = watched(await client.connected());
    await client.over();
    t.ok(client.error instanceof AbortedError);
    t.match(client.error?.message, /larger than maxMessageBytes/);
    t.equal(log.total, 1_000);
    await until(() => codes.length > 0, 'the close at the peer');
    t.same(codes, [WebSocket === Ws ? 1009 : 4009]);
  });

  t.test(`${name}: a server that breaks RFC 6455, or the wire in the middle of a message`, async (t) => {
    const broken = await upgradingServer(t, Buffer.from([0x82, 0x01, 0x41, 0xf2, 0x01, 0x42])); // a reserved bit
    const client = observed(t, { url: broken.url, WebSocket });
    const log = watched(await client.connected());
    await client.over();
    t.same(client.events, ['next', 'error']);
    t.equal(client.error?.name, WebSocket === Ws ? 'PeerMisbehavedError' : 'AbortedError');
    t.equal(log.text, 'A', 'what was whole is given');
    t.same(log.ends.sort(), ['bytes error', 'demand error', 'taken complete']);

    const cut = await upgradingServer(t, Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x41]), (socket) =>
      socket.end(),
    );
    const other = observed(t, { url: cut.url, WebSocket });
    const half = watched(await other.connected());
    await other.over();
    t.match(other.error?.message, /close code 1006/);
    t.equal(half.total, 0, 'and nothing of what was not');
  });

  t.test(`${name}: a large write goes out as messages of messageBytes, and empty messages are none`, async (t) => {
    const lengths: number[] = [];
    const received: Buffer[] = [];
    const server = await plainServer(t, (socket) => {
      for (const bytes of ['', 'a', '', 'b']) socket.send(Buffer.from(bytes));
      socket.on('message', (bytes: Buffer) => {
        lengths.push(bytes.length);
        received.push(bytes);
      });
    });
    const client = observed(t, { url: server.url, WebSocket, messageBytes: 1_000 });
    const duplex = await client.connected();
    const log = watched(duplex);
    const bytes = Uint8Array.from({ length: 2_500 }, (_, index) => index);
    duplex.sink.write(bytes.slice());
    duplex.sink.write(new Uint8Array(0));
    duplex.sink.write(text('x'));
    await until(() => lengths.length === 4, 'four messages');
    t.same(lengths, [1_000, 1_000, 500, 1]);
    t.ok(Buffer.concat(received).subarray(0, 2_500).equals(bytes));
    await until(() => log.total === 2, 'two bytes');
    t.same(
      log.bytes.map((each) => each.toString()),
      ['a', 'b'],
    );
  });

  t.test(`${name}: unsubscribing before end and sink.abort cut the connection`, async (t) => {
    const server = await listener(t);
    const one = observed(t, { url: server.url, WebSocket });
    await one.connected();
    const first = watched(await server.next(1));
    const two = observed(t, { url: server.url, WebSocket });
    const duplex = await two.connected();
    const second = watched(await server.next(2));
    one.subscription.unsubscribe();
    const cause = new Error('enough');
    duplex.sink.abort(cause);
    duplex.sink.abort();
    t.same(two.events, ['next', 'error']);
    t.equal(two.error?.cause, cause);
    t.equal(two.error?.retryable, false);
    t.match(two.error?.message, /aborted from this side/);
    await until(() => first.ends.includes('bytes error') && second.ends.includes('bytes error'), 'both cuts');
    // `ws` cuts the socket, a standard WebSocket can only close
    const code = WebSocket === Ws ? 1006 : 4000;
    for (const { errors } of [first, second]) t.match(errors[0]?.message, new RegExp(`close code ${code}`));
    t.same(one.events, ['next']);
  });

  t.test(`${name}: unsubscribing after end lets out what was written`, async (t) => {
    const server = await listener(t);
    const client = observed(t, { url: server.url, WebSocket });
    const duplex = await client.connected();
    duplex.sink.write(new Uint8Array(300_000));
    duplex.sink.end();
    client.subscription.unsubscribe();
    const log = watched(await server.next());
    await until(() => log.ends.length > 0, 'the end');
    t.equal(log.total, 300_000);
    t.ok(log.ends.includes('bytes complete'));
  });

  t.test(`${name}: a peer that does not answer the close has lingerTimeout`, async (t) => {
    const server = await plainServer(t, (socket) => socket.pause());
    const client = observed(t, { url: server.url, WebSocket, lingerTimeout: 60 });
    const duplex = await client.connected();
    const log = watched(duplex);
    duplex.sink.write(text('x'));
    duplex.sink.end();
    await client.over();
    t.match(client.error?.message, /the other side does not answer the close within 60 ms/);
    t.match(client.error, { name: 'AbortedError', retryable: true, phase: 'closing' });
    t.ok(log.ends.includes('demand complete'), 'everything that was written had left');
  });
}

t.test('a URL is named by its scheme and host alone, and a proxy’s 401 is told', async (t) => {
  const { port } = await rawServer(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')),
  );
  const client = observed(t, { url: `WS://user:pass@${host}:${port}/path?token=secret` });
  await client.over();
  t.equal(client.error?.message, `cannot connect to ws://${host}:${port}: Unexpected server response: 401`);
  t.match(client.error, { name: 'AbortedError', phase: 'setup', retryable: true });
  t.ok(client.error?.cause instanceof Error);
});

t.test('a frame that breaks RFC 6455 is a PeerMisbehavedError at the server', async (t) => {
  const server = await listener(t);
  const { socket, log } = await rawClient(t, server.port);
  socket.write(upgradeRequest());
  const duplex = await server.next();
  const seen = watched(duplex);
  await until(() => log.text.includes('\r\n\r\n'), 'the upgrade');
  socket.write(Buffer.from([0x82, 0x01, 0x41])); // a client's frame that is not masked
  await until(() => seen.ends.length === 3, 'the end');
  t.ok(seen.errors[0] instanceof PeerMisbehavedError);
  t.match(seen.errors[0]?.message, /a frame breaks RFC 6455 \(WS_ERR_EXPECTED_MASK\)/);
  await until(() => log.text.includes('\x03\xea'), 'close code 1002');
});

t.test('bytes written while the other side closes are counted as lost, not dropped in silence', async (t) => {
  const server = await plainServer(t);
  const made: Ws[] = [];
  class Seen extends Ws {
    constructor(...input: ConstructorParameters<typeof Ws>) {
      super(...input);
      made.push(this);
    }
  }
  const client = observed(t, { url: server.url, WebSocket: Seen as typeof Ws });
  const { sink } = await client.connected();
  watched(client.duplex!);
  sink.write(text('in time'));
  await until(() => server.sockets.length === 1, 'the peer');
  Reflect.set(made[0]!, '_readyState', Ws.CLOSING); // as it is between the peer's close frame and the end of the socket
  sink.write(text('too late'));
  Reflect.set(made[0]!, '_readyState', Ws.OPEN); // and let it answer
  server.sockets[0]!.close(1000);
  await client.over();
  t.same(client.events, ['next', 'error']);
  t.match(client.error?.message, /closed by the other side .* before 8 bytes that were written had left/);
});

t.test('after end, what nobody subscribes to is kept for half of lingerTimeout and then discarded', async (t) => {
  const server = await listener(t);
  const client = observed(t, { url: server.url, lingerTimeout: 500 });
  const [a, b] = [await client.connected(), await server.next()];
  b.sink.write(new Uint8Array(1_000_000));
  await sleep(20);
  a.sink.write(text('bye'));
  a.sink.end();
  const log = watched(b);
  await until(() => log.ends.includes('bytes complete'), 'the end at the other side');
  t.equal(log.text, 'bye');
  await client.over();
  t.same(client.events, ['next', 'complete'], 'it is a clean end');
  const late = watched(a);
  t.match(late.errors[0]?.message, /discarded what arrived after end/, 'an error, not a gap');
  t.equal(late.total, 0);
});

t.test('ws: a connection that nobody reads shows no close until somebody does, credit or not', async (t) => {
  const server = await plainServer(t, (socket) => socket.close(1000));
  const client = observed(t, { url: server.url });
  const duplex = await client.connected();
  await sleep(50);
  t.same(client.events, ['next']);
  const log = watched(duplex, 0);
  await client.over();
  t.same(client.events, ['next', 'complete']);
  t.same(log.ends, ['bytes complete']);
});

t.test('ws: what the other side sent before it saw our end is read', async (t) => {
  const server = await listener(t);
  const client = observed(t, { url: server.url });
  const [a, b] = [await client.connected(), await server.next()];
  b.sink.write(new Uint8Array(500_000));
  await sleep(20);
  a.sink.end();
  const log = watched(a);
  watched(b);
  await client.over();
  t.equal(log.total, 500_000);
  t.ok(log.ends.includes('bytes complete'));
});

t.test('ws: a reader that stops, stops the peer: what is held stays within one read of the socket', async (t) => {
  let arrived = 0;
  class Counting extends Ws {
    constructor(...input: ConstructorParameters<typeof Ws>) {
      super(...input);
      this.on('message', (bytes: Buffer) => (arrived += bytes.length));
    }
  }
  const server = await listener(t);
  const client = observed(t, { url: server.url, WebSocket: Counting as typeof Ws });
  const [a, b] = [await client.connected(), await server.next()];
  const reading = watched(a, 1); // credit for one message
  const total = 32 * 1024 * 1024;
  let written = 0;
  let told = 0;
  b.sink.demand.subscribe({
    next: (demand) => {
      told = demand;
      while (told > 0 && written < total) {
        const bytes = new Uint8Array(Math.min(told, 16_384));
        written += bytes.length;
        b.sink.write(bytes);
      }
    },
    error: () => undefined,
  });
  const writing = watched(b, 0);
  for (let before = -1; before !== written; await sleep(50)) before = written;
  t.equal(told, 0, 'the sender is told to stop');
  t.ok(written < 16 * 1024 * 1024, `${written} bytes could be written, most of them in the system's buffers`);
  t.ok(
    written - writing.taken <= 256 * 1024 + 16_384,
    `${written - writing.taken} wait in the sender, at most writeHighWater`,
  );
  t.ok(arrived - reading.total <= 64 * 1024 + 65_536, `${arrived - reading.total} wait in the reader`);
  a.source.request(Number.POSITIVE_INFINITY);
  await until(() => reading.total === total, 'everything');
});

t.test(
  'a pushing WebSocket: what waits for a reader is bounded by maxHeldBytes, then the connection is aborted',
  async (t) => {
    const server = await listener(t);
    const client = observed(t, { url: server.url, WebSocket: Undici, maxHeldBytes: 100_000 });
    const [a, b] = [await client.connected(), await server.next()];
    const peer = watched(b);
    for (let n = 0; n < 60; n++) b.sink.write(new Uint8Array(1_000));
    await sleep(50);
    t.same(client.events, ['next'], 'within the bound it waits');
    for (let n = 0; n < 60; n++) b.sink.write(new Uint8Array(1_000));
    await client.over();
    t.match(client.error?.message, /more than maxHeldBytes \(100000\) wait for a reader/);
    t.match(client.error, { name: 'AbortedError', retryable: true });
    const log = watched(a);
    t.ok(log.total > 80_000 && log.total <= 101_000, `${log.total} bytes were held, and are read before the error`);
    t.same(log.ends.includes('bytes error'), true);
    await until(() => peer.ends.includes('demand error'), 'the peer');
    t.match(peer.errors[0]?.message, /close code 4009/);

    const small = observed(t, { url: server.url, WebSocket: Undici, maxHeldBytes: 100_000 });
    await small.connected();
    const flood = await server.next(2);
    watched(flood);
    for (let n = 0; n < 1_000; n++) flood.sink.write(new Uint8Array(1));
    await small.over();
    t.match(small.error?.message, /more than maxHeldBytes/, 'small messages count for what they cost');
  },
);

t.test('listen: a request that is no upgrade is answered 426, and a slow one is cut by upgradeTimeout', async (t) => {
  const server = await listener(t, { upgradeTimeout: 80 });
  const status = await new Promise((resolve) => {
    get(`http://${host}:${server.port}/`, (response) => resolve(response.resume().statusCode));
  });
  t.equal(status, 426);
  const silent = await rawClient(t, server.port);
  const half = await rawClient(t, server.port);
  half.socket.write(upgradeRequest().slice(0, 60));
  await until(() => silent.log.isClosed && half.log.isClosed, 'the end of both');
  t.equal(server.all.length, 0);
  const client = observed(t, { url: server.url });
  await client.connected();
  await sleep(300);
  t.same(client.events, ['next'], 'an open connection is not bounded by it');
});

t.test('listen: path, accept and its failure', async (t) => {
  const server = await listener(t, {
    path: '/chat',
    accept: ({ headers }) => {
      if (headers.origin === 'https://throws.example') throw new Error('not here');
      return headers.origin !== 'https://evil.example';
    },
  });
  t.equal(server.url, `ws://${host}:${server.port}/chat`);
  const refused = async (url: string, origin?: string): Promise<string | undefined> => {
    const client = observed(t, { url, constructorOptions: { origin } });
    await client.over();
    return client.error?.message.split(': ').at(-1);
  };
  t.equal(await refused(`ws://${host}:${server.port}/other`), '404');
  t.equal(await refused(server.url, 'https://evil.example'), '403');
  t.equal(await refused(server.url, 'https://throws.example'), '500');
  t.equal(server.all.length, 0);
  const client = observed(t, { url: `${server.url}?room=1` });
  await client.connected();
  await server.next();
});

t.test('listen: unsubscribing stops accepting and leaves the connections', async (t) => {
  const server = await listener(t);
  const half = await rawClient(t, server.port);
  half.socket.write('GET / HTTP/1.1\r\n');
  const client = observed(t, { url: server.url });
  const [a, b] = [await client.connected(), await server.next()];
  server.subscription.unsubscribe();
  await until(() => half.log.isClosed, 'the end of the half-made one');
  const late = observed(t, { url: server.url });
  await late.over();
  t.match(late.error?.message, /ECONNREFUSED/);
  const log = watched(b);
  a.sink.write(text('still here'));
  await until(() => log.text === 'still here', 'bytes');
});

t.test('listen: on a server of the caller’s, beside what it serves', async (t) => {
  const server = createServer((_request, response) => response.end('page'));
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.teardown(() => server.close());
  const accepted: unknown[] = [];
  const ends: string[] = [];
  const listening = listenWebSocket({ server, path: '/bytes' }).subscribe({
    next: (duplex) => {
      accepted.push(duplex);
      t.teardown(() => duplex.sink.abort());
    },
    complete: () => ends.push('complete'),
  });
  const body = await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } });
  t.equal(await body.text(), 'page');
  const client = observed(t, { url: `ws://${host}:${port}/bytes` });
  await client.connected();
  await until(() => accepted.length === 1, 'the connection');
  const other = observed(t, { url: `ws://${host}:${port}/other` });
  await other.over();
  t.match(other.error?.message, /404/);
  client.duplex?.sink.abort();
  server.close();
  await until(() => ends.length === 1, 'the end of the observable');
  t.equal(server.listenerCount('upgrade'), 0);
  listening.unsubscribe();
});

t.test('listen: on a server with other upgrades, a path that is not ours is left to them', async (t) => {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.teardown(() => server.close());
  const heard: (string | undefined)[] = [];
  const others = (request: IncomingMessage, socket: Duplex): void => {
    heard.push(request.url);
    if (request.url === '/theirs') socket.end('HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\n\r\n');
  };
  server.on('upgrade', others);
  const ours = listenWebSocket({ server, path: '/ours' }).subscribe(({ sink }) => t.teardown(() => sink.abort()));
  const theirs = observed(t, { url: `ws://${host}:${port}/theirs` });
  await theirs.over();
  t.match(theirs.error?.message, /418/);
  const own = observed(t, { url: `ws://${host}:${port}/ours` });
  await own.connected();
  t.same(heard, ['/theirs', '/ours']);
  ours.unsubscribe();

  const errors: Error[] = [];
  const both = [1, 2].map(() => listenWebSocket({ server }).subscribe({ error: (error: Error) => errors.push(error) }));
  const twice = observed(t, { url: `ws://${host}:${port}/any` });
  await twice.connected();
  t.equal(errors.length, 1);
  t.match(errors[0], { name: 'ApiMisuseError', message: /another listener of this server took the same upgrade/ });
  for (const each of both) each.unsubscribe();
  own.duplex?.sink.abort();
  twice.duplex?.sink.abort();
});

t.test('listen: maxConnections', async (t) => {
  const server = await listener(t, { maxConnections: 1 });
  const first = observed(t, { url: server.url });
  await first.connected();
  const second = observed(t, { url: server.url });
  await second.over();
  t.same(second.events, ['error']);
  t.equal(server.all.length, 1);
});

t.test('listen: a port in use, and a listening callback that throws, error the observable', async (t) => {
  const { port } = await rawServer(t);
  const failure = (options: Parameters<typeof listenWebSocket>[0]): Promise<AbortedError> =>
    new Promise((resolve) => void listenWebSocket(options).subscribe({ error: resolve }));
  const used = await failure({ port, host });
  t.ok(used instanceof AbortedError);
  t.match(used.message, new RegExp(`cannot listen on ${host}:${port}: .*EADDRINUSE`));
  const threw = await failure({
    port: 0,
    host,
    listening: () => {
      throw new Error('no');
    },
  });
  t.match(threw.message, /the listening callback threw: no/);
});
