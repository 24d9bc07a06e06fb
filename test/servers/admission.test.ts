// Rows L1 to L3 and R17 for servers, over TCP, the same over every engine that can serve.
import { connect as tcpConnect, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { TlsEvent } from '@rxtls/core';
import { mergeMap, ReplaySubject } from 'rxjs';
import t, { type Test } from 'tap';
import { until } from '../rules-node/bench.ts';
import { firstFlight } from './first-flight.ts';
import { kits } from './kits.ts';
import { host, listening, visit } from './listening.ts';

t.setTimeout(180_000);

/** TCP connections that say these bytes and nothing more, closed at the end of the test. */
async function silent(t: Test, port: number, count: number, bytes: Uint8Array = new Uint8Array(0)): Promise<Socket[]> {
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = tcpConnect(port, host, () => {
            socket.write(bytes);
            resolve();
          });
          socket.on('error', reject);
          socket.on('close', () => undefined);
          sockets.push(socket);
        }),
    ),
  );
  for (const socket of sockets) socket.removeAllListeners('error').on('error', () => undefined);
  return sockets;
}

/** The header of a ClientHello of 400 bytes that never comes. */
const begun = Buffer.from([22, 3, 1, 1, 144, 1, 0, 1, 140, 3, 3]);

const chunk = new Uint8Array(16_384);

const endless = (goesOn: () => boolean) =>
  function* (): Generator<Uint8Array> {
    while (goesOn()) yield chunk;
  };

for (const kit of kits) {
  t.test(
    `L1 (${kit.name}): a thousand silent sockets keep no client out, and are gone when their time is up`,
    async (t) => {
      const server = await listening(t, kit.server({ credentials: await kit.issue() }), {
        maxConcurrentHandshakes: 4,
        limits: { maxWaitingHandshakes: 16, clientHelloTimeout: 6_000 },
      });
      await silent(t, server.port, 500);
      await silent(t, server.port, 500, begun);
      const visits = await Promise.all(Array.from({ length: 12 }, () => visit(server, kit)));
      t.same(
        visits.map(({ error }) => error),
        visits.map(() => undefined),
      );
      t.equal(server.connections.length, 12);
      t.same(server.failures, []);
      await until(() => server.failures.length === 1_000, 'the end of all that were silent', 30_000);
      t.ok(
        server.failures.every(({ error }) => (error as { limit?: string }).limit === 'clientHelloTimeout'),
        'each of them told as late',
      );
      t.match(await visit(server, kit), { error: undefined });
    },
  );

  t.test(`L1 (${kit.name}): over the bound of those that wait clients are refused without an engine`, async (t) => {
    let made = 0;
    const engine = kit.server({ credentials: await kit.issue() });
    const counting = Object.assign((...end: Parameters<typeof engine>) => (made++, engine(...end)), {
      role: engine.role,
      capabilities: engine.capabilities,
    });
    const events: TlsEvent[] = [];
    const server = await listening(t, counting, {
      maxConcurrentHandshakes: 1,
      limits: { maxWaitingHandshakes: 2, handshakeTimeout: 3_000 },
      observe: { events: { next: (event) => event.type === 'handshake' && events.push(event) } },
    });
    const hello = await firstFlight(kit);
    await silent(t, server.port, 6, hello); // complete hellos, and never an answer
    await until(() => server.failures.length === 3, 'those that found no place');
    t.ok(server.failures.every(({ error }) => (error as { limit?: string }).limit === 'maxWaitingHandshakes'));
    t.equal(made, 1);
    await until(() => server.failures.length === 6, 'the time of the others', 20_000);
    t.match(await visit(server, kit), { error: undefined }, 'then there is room again');
    t.ok(made <= 4, 'at most one for each that had a place, and none for the others');
  });

  t.test(`L2 (${kit.name}): a client's chain is bounded in length before it is judged`, async (t) => {
    const asking = { credentials: await kit.issue(), clientAuth: 'require', clientCa: kit.pki.authorityPem } as const;
    const client = await kit.leaf('client'); // below an intermediate, below the root
    const enough = await listening(t, kit.server(asking), { limits: { maxChainLength: 3 } });
    t.match(await visit(enough, kit, client), { error: undefined });
    const short = await listening(t, kit.server(asking), { limits: { maxChainLength: 1 } });
    await visit(short, kit, client);
    await until(() => short.failures.length > 0, 'the refusal');
    t.equal(short.connections.length, 0);
    t.match(short.failures, [{ error: { name: 'CertificateError', reason: 'chain-too-long' } }]);
  });

  t.test(`L3 (${kit.name}): a hundred busy connections, of which some pour without end, starve nobody`, async (t) => {
    const greedy = kit.name === 'forge' ? 1 : 5;
    const start = new ReplaySubject<void>(1);
    const heard = new Map<unknown, number>();
    let poured = 0;
    let isPouring = true;
    const pour = endless(() => isPouring && (poured += chunk.length) > 0);
    const server = await listening(t, kit.server({ credentials: await kit.issue() }), {}, (connection) =>
      server.connections.length > greedy
        ? connection.writeFrom(connection.source)
        : start.pipe(mergeMap(() => connection.writeFrom(pour()))),
    );
    const legacy = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'AES128-SHA:@SECLEVEL=0' } as const;
    const sockets: TLSSocket[] = [];
    t.teardown(() => {
      isPouring = false;
      for (const socket of sockets) socket.destroy();
    });
    const word = Buffer.alloc(1_000, 7);
    const open = async (each: number): Promise<void> => {
      const socket = connect({
        host,
        port: server.port,
        rejectUnauthorized: false,
        ...(kit.name === 'forge' ? legacy : {}),
      });
      sockets.push(socket);
      socket.on('error', () => undefined);
      if (each < greedy) socket.resume();
      else
        socket.on('data', ({ length }: Buffer) => {
          const before = heard.get(socket) ?? 0;
          heard.set(socket, before + length);
          const isWhole = Math.floor((before + length) / word.length) > Math.floor(before / word.length);
          if (isWhole && isPouring) socket.write(word);
        });
      await until(() => server.connections.length > each, 'a connection');
    };
    for (let each = 0; each < 100; each++) await open(each);
    start.next();
    for (const socket of sockets.slice(greedy)) socket.write(word);
    const rounds = (): number =>
      Math.min(...sockets.slice(greedy).map((socket) => (heard.get(socket) ?? 0) / word.length));
    await until(() => rounds() >= 3 && poured > 1_000_000, 'each of them to be heard three times');
    const before = poured;
    t.match(await visit(server, kit), { error: undefined }, 'a handshake, a word there and back, an end');
    t.ok(poured > before, 'while the others went on');
    t.ok(poured - before < greedy * 100 * 1_048_576, `${poured - before} bytes were poured meanwhile`);
    isPouring = false;
  });

  t.test(`R17 (${kit.name}): slow handshakes end at the limit, and say how far they had come`, async (t) => {
    const server = await listening(t, kit.server({ credentials: await kit.issue() }), {
      limits: { clientHelloTimeout: 400, handshakeTimeout: 800 },
    });
    const hello = await firstFlight(kit);
    const [dripping] = await silent(t, server.port, 1);
    let at = 0;
    const drip = setInterval(() => dripping!.write(hello.subarray(at, ++at)), 100);
    t.teardown(() => clearInterval(drip));
    await silent(t, server.port, 1, hello);
    await until(() => server.failures.length === 2, 'both');
    clearInterval(drip);
    t.match(
      server.failures.map(({ error }) => error),
      [
        { name: 'HandshakeTimeoutError', limit: 'clientHelloTimeout', phase: 'client-hello' },
        { name: 'HandshakeTimeoutError', limit: 'handshakeTimeout', phase: 'handshake' },
      ],
    );
  });
}
