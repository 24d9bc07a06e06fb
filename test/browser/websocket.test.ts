// A page of headless Chromium talks TLS 1.3 to a Node server over the browser's own WebSocket.
import { secureEach } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13';
import { testPki } from '@rxtls/testing';
import { listenWebSocket } from '@rxtls/transport-websocket/node';
import t from 'tap';
import { WebSocketServer } from 'ws';
import { bundle } from './bundle.ts';
import { chromiumPath, openPage } from './chromium.ts';
import type { Echo } from './web-socket-page.ts';

t.setTimeout(120_000);

const host = '127.0.0.1';
const path = chromiumPath();
const skip = path === undefined ? { skip: 'skipped: chromium is not installed' } : {};

t.test('headless Chromium to Node over a WebSocket', skip, async (t) => {
  const pki = await testPki();
  const { certificatePem, keyPem } = await pki.leaf('ecdsa');
  const { code, imports, files } = await bundle({ file: 'web-socket-page.ts' });
  t.same(imports, [], 'the page needs its own script alone');
  t.notOk(
    files.some(([name]) => /node_modules\/ws\/|transport-websocket\/src\/node/.test(name)),
    'and nothing of ws',
  );
  const page = await openPage(t, path!, { 'page.js': code }, `ws://${host}:*`);
  const run = <T>(name: string, input: object): Promise<T> =>
    page.evaluate<T>(`import('./page.js').then((page) => page.${name}(${JSON.stringify(input)}))`);

  await t.test('a handshake, a mebibyte there and back, a clean end of both', async (t) => {
    const ends: string[] = [];
    const engine = tls13Engine.server({ credentials: { cert: certificatePem, key: keyPem } });
    const url = await new Promise<string>((resolve, reject) => {
      const listening = listenWebSocket({ port: 0, host, protocols: ['tls'], listening: (at) => resolve(at.url) })
        .pipe(
          secureEach(engine, (connection) => connection.writeFrom(connection.source), {
            failed: ({ error }) => void ends.push(String(error)),
          }),
        )
        .subscribe({ error: reject });
      t.teardown(() => listening.unsubscribe());
    });
    const echo = await run<Echo>('echo', { url, authority: pki.authorityPem });
    t.match(echo, { version: 'TLSv1.3', protocol: 'tls', received: echo.sent });
    t.match(echo.sent, /^[0-9a-f]{64}$/);
    t.same(ends, []);
  });

  await t.test('as much as demand says, all of it, and an end', async (t) => {
    const total = 4_000_000;
    const seen = { bytes: 0, end: '' };
    const url = await new Promise<string>((resolve, reject) => {
      const listening = listenWebSocket({ port: 0, host, listening: (at) => resolve(at.url) }).subscribe({
        next: ({ source, sink }) => {
          sink.write(new Uint8Array(1_000));
          source.request(Number.POSITIVE_INFINITY);
          source.bytes.subscribe({
            next: ({ length }) => (seen.bytes += length),
            error: ({ message }: Error) => (seen.end = message),
            complete: () => {
              seen.end = 'complete';
              sink.end();
            },
          });
        },
        error: reject,
      });
      t.teardown(() => listening.unsubscribe());
    });
    const { most, ...page } = await run<{ most: number }>('written', { url, total });
    t.same(page, {
      log: ['bytes AbortedError', 'demand complete', 'taken complete'],
      taken: total,
      read: 1_000,
    });
    t.ok(most > 0 && most <= 262_144 + 16_384, `${most} bytes waited in the page at most`);
    t.same(seen, { bytes: total, end: 'complete' });
  });

  await t.test('a connection that nobody answers, and a peer that sends text', async (t) => {
    const server = new WebSocketServer({ port: 0, host });
    t.teardown(() => server.close());
    const codes: number[] = [];
    const closed = new Promise<void>((resolve) =>
      server.on('connection', (socket) => {
        socket.on('close', (code) => {
          codes.push(code);
          resolve();
        });
        socket.send('text');
      }),
    );
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const input = { refused: `ws://${host}:1/`, talking: `ws://${host}:${port}/` };
    t.match(await run('failures', input), {
      refused: { name: 'AbortedError', message: /cannot connect to ws:\/\/127\.0\.0\.1:1: / },
      talking: { name: 'PeerMisbehavedError', message: /sent a text message/ },
    });
    await closed;
    t.same(codes, [4003]);
  });
});
