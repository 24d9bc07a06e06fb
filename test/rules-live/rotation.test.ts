// Credentials that change under a server with real connections: rows K1 to K3, with files, TCP, and each engine.
import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import { CredentialsUnavailableError } from '@rxtls/credentials';
import { concat, concatMap, EMPTY, of, retry, take, throwError, timer } from 'rxjs';
import t from 'tap';
import { Client, engines, Gate, issue, leafName, LiveServer, pki, sleep, until } from './bench.ts';

t.setTimeout(120_000);

for (const [title, each] of engines) {
  await t.test(
    `K1 (${title}): a swap between ClientHello and Finished: that handshake finishes with the old pair, the next has the new; open connections go on`,
    async (t) => {
      const server = new LiveServer(t, each);
      const first = await server.renew();
      const open = new Client(t, server, each);
      t.same(await open.leaf(), first.leaf);
      await open.echo('before');
      const gate = new Gate();
      const halfway = new Client(t, server, each, gate);
      const { served } = server;
      await until(() => gate.holds, 'the client has heard the server and wants to answer');
      const second = await server.renew();
      t.equal(server.served, served, 'for the server the handshake is not done');
      const next = new Client(t, server, each);
      t.same(await next.leaf(), second.leaf, 'a handshake that begins now');
      gate.open();
      t.same(await halfway.leaf(), first.leaf, 'the one that was halfway');
      for (const client of [open, halfway, next]) await client.echo('after');
      t.same(server.failures, []);
      t.match(server.swaps, [
        { type: 'swapped', generation: 1 },
        { type: 'swapped', generation: 2 },
      ]);
    },
  );

  await t.test(
    `K2 (${title}): a key that does not match is told, and the last good pair goes on; so does what only the engine refuses`,
    async (t) => {
      const server = new LiveServer(t, each);
      const first = await server.renew();
      const other = await issue();
      server.write({ key: other.key });
      await until(() => server.faults().length > 0, 'the complaint');
      t.match(server.events, [
        { type: 'loaded', generation: 1 },
        { type: 'rejected', fault: 'mismatch', path: server.paths.key },
      ]);
      const meanwhile = new Client(t, server, each);
      t.same(await meanwhile.leaf(), first.leaf);
      await meanwhile.echo('still here');
      server.write({ cert: other.cert });
      await until(() => server.swaps.length === 2, 'the pair');
      t.same(await new Client(t, server, each).leaf(), other.leaf);

      const careless = new LiveServer(t, each, { dangerouslySkipCheck: true });
      const good = await careless.renew();
      careless.write({ key: other.key });
      await until(() => careless.swaps.length === 2, 'the refusal');
      t.match(careless.swaps[1], { type: 'rejected', error: { name: 'ApiMisuseError', message: /not the key/ } });
      t.same(await new Client(t, careless, each).leaf(), good.leaf);
    },
  );

  await t.test(
    `K3 (${title}): the stream errors or completes: the last good pair goes on, and open connections too`,
    async (t) => {
      for (const end of [EMPTY, throwError(() => new Error('the watcher died'))]) {
        let finish: () => void = () => undefined;
        const ended = new Promise<void>((resolve) => (finish = resolve));
        const server = new LiveServer(t, each, {}, (files) =>
          concat(
            files.pipe(take(1)),
            of(ended).pipe(
              concatMap((promise) => promise),
              concatMap(() => end),
            ),
          ),
        );
        const first = await server.renew();
        const open = new Client(t, server, each);
        await open.leaf();
        finish();
        await sleep(20);
        const next = await issue();
        server.write(next);
        await sleep(100);
        const late = new Client(t, server, each);
        t.same(await late.leaf(), first.leaf);
        await late.echo('a');
        await open.echo('b');
        const [, told] = server.swaps;
        if (end === EMPTY) t.equal(told, undefined);
        else t.match(told, { type: 'rejected', error: { message: 'the watcher died' } });
        t.equal(server.error, undefined);
      }
    },
  );

  await t.test(
    `K2 (${title}): no good files at first: no connection is made in silence; retry waits for them`,
    async (t) => {
      const server = new LiveServer(t, each, { firstTimeout: 300 });
      const other = await issue();
      server.write({ cert: (await issue()).cert, key: other.key });
      const early = new Client(t, server, each);
      await until(() => early.isOver, 'the connection that waited');
      t.equal(early.connection, undefined);
      t.same(server.faults(), ['mismatch']);
      t.match(server.swaps, [{ type: 'rejected', error: { name: 'CredentialsUnavailableError' } }]);
      t.ok(server.failures.length === 1 && server.failures[0] instanceof CredentialsUnavailableError);

      const patient = new LiveServer(t, each, { firstTimeout: 300 }, (files) =>
        files.pipe(retry({ delay: () => timer(20) })),
      );
      await until(() => patient.faults().length >= 2, 'another try');
      const first = await patient.renew();
      t.same(await new Client(t, patient, each).leaf(), first.leaf);
    },
  );

  await t.test(
    `K1 (${title}): ten renewals under clients of node:tls that come all the time: each has one whole pair, never an older one than was taken`,
    async (t) => {
      const server = new LiveServer(t, each);
      const issued = [await server.renew()];
      let isOver = false;
      const seen: number[] = [];
      const wrong: unknown[] = [];
      const come = async (): Promise<void> => {
        while (!isOver) {
          const least = issued.length - 1;
          const socket = tlsConnect({ ...server.address, servername: 'localhost', ca: pki.authorityPem });
          try {
            await once(socket, 'secureConnect');
            const shown = leafName((socket.getPeerX509Certificate() as X509Certificate).raw);
            // The next pair may have been taken by the server before this test has heard of it.
            const which = issued.findIndex(({ leaf }) => leaf === shown);
            if (which >= 0) seen.push(which);
            if (which >= 0 && which < least) wrong.push(`${which} after ${least}`);
            socket.end('x');
            socket.resume();
            await once(socket, 'close');
            await sleep(5);
          } catch (error) {
            wrong.push(error);
          }
        }
      };
      const clients = [come(), come(), come()];
      for (let renewal = 0; renewal < 10; renewal++) issued.push(await server.renew());
      await sleep(50);
      isOver = true;
      await Promise.all(clients);
      t.same(wrong, []);
      t.same(server.failures, []);
      t.ok(
        seen.length > 10 && seen.includes(0),
        `${seen.length} connections, over ${new Set(seen).size} of ${issued.length} pairs`,
      );
      t.same(await new Client(t, server, each).leaf(), issued.at(-1)!.leaf);
    },
  );
}
