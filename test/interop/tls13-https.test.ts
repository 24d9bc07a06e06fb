// engine-tls13 with curl and with Node's https server.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { secure, type TlsConnection, use } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { concatMap, lastValueFrom, map, type Observable, scan, takeWhile, toArray } from 'rxjs';
import t, { type Test } from 'tap';
import { credentials, hexLines, host, mebibyte, pki, serve } from './ends.ts';
import { authorityFile } from './files.ts';
import { hash } from './our-client.ts';
import { tls13Client, tls13Server } from './our-tls13.ts';
import { isInstalled, Program } from './program.ts';

t.setTimeout(60_000);
const noCurl = isInstalled('curl') ? {} : { skip: 'skipped: curl is not installed' };
const large = hexLines(5 * mebibyte);

const answer = (connection: TlsConnection): Observable<unknown> =>
  connection.plaintext.pipe(
    scan((head, bytes) => head + Buffer.from(bytes).toString('latin1'), ''),
    takeWhile((head) => !head.includes('\r\n\r\n'), true),
    concatMap((head) =>
      head.includes('\r\n\r\n')
        ? connection.writeFrom([Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'), large])
        : [],
    ),
  );

const curl = (t: Test, port: number): Program =>
  new Program(t, 'curl', [
    ['--silent', '--show-error', '--cacert', authorityFile, '--http1.1', '--max-time', '15', '--noproxy', '*'],
    ['--resolve', `localhost:${port}:${host}`, `https://localhost:${port}/`],
  ]);

t.test('curl: a response of 5 MiB that ends with the connection is whole', noCurl, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa', { alpnProtocols: ['http/1.1'] }), {}, answer);
  const program = curl(t, server.port);
  t.equal(await program.exited, 0, program.text.slice(0, 300));
  t.equal(hash(Buffer.concat(program.output)), hash(large));
  t.match((await server.next()).negotiated, { version: 'TLSv1.3', alpnProtocol: 'http/1.1', serverName: 'localhost' });
  t.same(server.failures, []);
});

t.test('curl refuses our expired and untrusted servers, and we hear why', noCurl, async (t) => {
  for (const [leaf, alert] of [
    ['expired', 'certificate_expired'],
    ['untrusted', 'unknown_ca'],
  ] as const) {
    const server = await serve(t, await tls13Server(leaf), {}, answer);
    const program = curl(t, server.port);
    t.equal(await program.exited, 60, leaf);
    t.equal(program.outputLength, 0);
    t.match((await server.failure()).error, { name: 'AlertReceivedError', alert }, leaf);
  }
});

t.test("Node's https server: 5 MiB there and 5 MiB back", async (t) => {
  const made = createServer(credentials(await pki.leaf('rsa')), (request, response) => {
    const whole = createHash('sha256');
    request.on('data', (bytes: Buffer) => whole.update(bytes));
    request.on('end', () => {
      response.writeHead(200, {
        'x-received': whole.digest('hex'),
        'content-length': large.length,
        connection: 'close',
      });
      response.end(large);
    });
  });
  made.listen(0, host);
  await once(made, 'listening');
  t.teardown(() => made.close());
  const head = `POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${large.length}\r\n\r\n`;
  const response = await lastValueFrom(
    connect({ host, port: (made.address() as AddressInfo).port }).pipe(
      secure(tls13Client({ alpnProtocols: ['http/1.1'] })),
      use((connection) => connection.exchange([Buffer.from(head), large])),
      toArray(),
      map((chunks) => Buffer.concat(chunks)),
    ),
  );
  t.match(response.subarray(0, 500).toString('latin1'), `x-received: ${hash(large)}`);
  t.equal(hash(response.subarray(-large.length)), hash(large));
});
