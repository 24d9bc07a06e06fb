// HTTPS: exchange() with Node's server, and curl with ours.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsConnection } from '@rxtls/core';
import { secure, use } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { concatMap, lastValueFrom, map, type Observable, scan, takeWhile, toArray } from 'rxjs';
import t, { type Test } from 'tap';
import {
  clientEngine,
  credentials,
  host,
  mebibyte,
  only,
  pki,
  serve,
  serverEngine,
  type Version,
  versions,
} from './ends.ts';
import { authorityFile } from './files.ts';
import { isInstalled, Program } from './program.ts';

const large = randomBytes(5 * mebibyte);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function httpsServer(t: Test, version: Version, delay: number | undefined): Promise<number> {
  const server: Server = createServer(
    { ...credentials(await pki.leaf('ecdsa')), ...only(version) },
    (request, response) => {
      const answer = (): void => {
        const answer = request.url === '/large' ? large : Buffer.from(`you asked for ${request.url}\n`);
        response.writeHead(200, { 'content-length': answer.length, connection: 'close' });
        response.end(answer);
      };
      const whole = createHash('sha256');
      request.on('data', (bytes: Buffer) => whole.update(bytes));
      request.on('end', () => {
        response.setHeader('x-received', whole.digest('hex'));
        if (delay === undefined) answer();
        else setTimeout(answer, delay);
      });
    },
  );
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const request = (path: string): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);

function fetched(
  port: number,
  version: Version,
  send: (connection: TlsConnection) => Observable<Uint8Array>,
): Promise<Buffer> {
  return lastValueFrom(
    connect({ host, port }).pipe(
      secure(clientEngine(only(version))),
      use(send),
      toArray(),
      map((chunks) => Buffer.concat(chunks)),
    ),
  );
}

const body = (response: Buffer): Buffer => response.subarray(response.indexOf('\r\n\r\n') + 4);

// Node's https server takes a half-close for a goodbye and drops what it has not answered yet (see below).
for (const version of versions)
  for (const delay of [undefined, 50])
    for (const halfClose of version === 'TLSv1.3' && delay === undefined ? [false, true] : [false]) {
      const title = `${version}, handler answers ${delay === undefined ? 'at once' : `after ${delay} ms`}${halfClose ? ', halfClose' : ''}`;
      t.test(`${title}: exchange has the whole response of Node's https server`, async (t) => {
        const port = await httpsServer(t, version, delay);
        for (let round = 0; round < 5; round++) {
          const response = await fetched(port, version, (c) => c.exchange([request(`/${round}`)], { halfClose }));
          t.match(response.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n/);
          t.match(response.toString('latin1'), `you asked for /${round}\n`);
        }
        const response = await fetched(port, version, (c) => c.exchange([request('/large')], { halfClose }));
        t.equal(sha256(response.subarray(-large.length)), sha256(large), '5 MiB');
      });
    }

for (const version of versions)
  t.test(`${version}: a request of 5 MiB arrives whole at Node's https server`, async (t) => {
    const port = await httpsServer(t, version, undefined);
    const head = `POST /up HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${large.length}\r\n\r\n`;
    const response = await fetched(port, version, (c) => c.exchange([Buffer.from(head), large]));
    t.match(response.toString('latin1'), `x-received: ${sha256(large)}`);
    t.match(body(response).toString(), 'you asked for /up');
  });

t.test(
  "TLSv1.3, halfClose, handler answers after 50 ms: Node's server says goodbye instead, and that is a clean end",
  async (t) => {
    const port = await httpsServer(t, 'TLSv1.3', 50);
    t.equal((await fetched(port, 'TLSv1.3', (c) => c.exchange([request('/')], { halfClose: true }))).length, 0);
  },
);

t.test('TLSv1.2: halfClose is refused in words, and the connection is closed', async (t) => {
  const port = await httpsServer(t, 'TLSv1.2', undefined);
  await t.rejects(
    fetched(port, 'TLSv1.2', (c) => c.exchange([request('/')], { halfClose: true })),
    { name: 'ApiMisuseError' },
  );
});

const noCurl = isInstalled('curl') ? {} : { skip: 'skipped: curl is not installed' };

/** A tiny HTTP responder: reads a request's head, answers, closes. */
function respond(connection: TlsConnection, payload: Buffer): Observable<unknown> {
  return connection.plaintext.pipe(
    scan((head, bytes) => head + Buffer.from(bytes).toString('latin1'), ''),
    takeWhile((head) => !head.includes('\r\n\r\n'), true),
    concatMap((head) => {
      if (!head.includes('\r\n\r\n')) return [];
      const answer = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/octet-stream\r\n\r\n`;
      return connection.writeFrom([Buffer.from(answer), payload]);
    }),
  );
}

for (const version of versions)
  t.test(
    `curl, ${version}: a response that ends with the connection is whole, with ALPN and the right name`,
    noCurl,
    async (t) => {
      for (const payload of [Buffer.from('hello curl\n'), large]) {
        const engine = await serverEngine('ecdsa', { alpnProtocols: ['http/1.1'] });
        const server = await serve(t, engine, {}, (connection) => respond(connection, payload));
        const program = new Program(t, 'curl', [
          ['--silent', '--show-error', '--cacert', authorityFile, '--http1.1', '--max-time', '15', '--noproxy', '*'],
          version === 'TLSv1.2' ? ['--tls-max', '1.2'] : ['--tlsv1.3'],
          ['--resolve', `localhost:${server.port}:${host}`, `https://localhost:${server.port}/`],
        ]);
        t.equal(await program.exited, 0, program.text.slice(0, 300));
        t.equal(sha256(Buffer.concat(program.output)), sha256(payload));
        t.match((await server.next()).negotiated, { version, alpnProtocol: 'http/1.1', serverName: 'localhost' });
        t.same(server.failures, []);
      }
    },
  );

t.test(
  'curl refuses our expired, misnamed and untrusted servers, and our side hears its alert or sees it go',
  noCurl,
  async (t) => {
    for (const leaf of ['expired', 'wrong-name', 'untrusted'] as const) {
      const server = await serve(t, await serverEngine(leaf), {}, (connection) =>
        respond(connection, Buffer.from('secret')),
      );
      const program = new Program(t, 'curl', [
        ['--silent', '--show-error', '--cacert', authorityFile, '--max-time', '15', '--noproxy', '*'],
        ['--resolve', `localhost:${server.port}:${host}`, `https://localhost:${server.port}/`],
      ]);
      t.equal(await program.exited, 60, leaf);
      t.equal(program.outputLength, 0);
      // A wrong name it finds after the handshake, and says goodbye.
      if (leaf !== 'wrong-name')
        t.match((await server.failure()).error, { name: /^(AlertReceived|Truncation|Aborted)Error$/ });
    }
  },
);
