// TLS over everything that this package adapts.
import { Worker } from 'node:worker_threads';
import { type ByteDuplex, secure, use } from '@rxtls/core';
import { fromMessagePort } from '@rxtls/transport-streams';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import t from 'tap';
import { credentials, engines, type Engines, held, mebibyte, pattern, sha256, until } from './ends.ts';
import { channelEnds, duplexEnds, type Ends, portEnds, socketEnds, webEnds } from './pairs.ts';

const sent = pattern(mebibyte);

const echoed = (transport: Observable<ByteDuplex>, { client }: Engines): Promise<Uint8Array[]> =>
  lastValueFrom(
    transport.pipe(
      secure(client),
      use((c) => c.exchange([sent], { halfClose: true })),
      toArray(),
    ),
  );

const ways: Record<string, () => Ends | Promise<Ends>> = {
  'WHATWG streams': webEnds,
  'a MessageChannel': portEnds,
  'a data channel (a fake)': channelEnds,
  'a Node Duplex': duplexEnds,
  'a net.Socket': socketEnds,
};

for (const [engine, each] of Object.entries(engines))
  for (const [name, ends] of Object.entries(ways))
    t.test(`${engine} over ${name}: 1 MiB there and back, and a clean end on both sides`, async (t) => {
      const [toServer, toClient] = await ends();
      const server = held(
        t,
        toClient.pipe(
          secure(each.server),
          use((c) => c.writeFrom(c.source)),
        ),
      );
      const back = await echoed(toServer, each);
      t.equal(sha256(Buffer.concat(back)), sha256(sent));
      await until(() => server.log.ended !== 'no', 'the end of the server');
      t.equal(server.log.ended, 'complete', String(server.log.error));
    });

t.test('TLS in TLS over WHATWG streams', async (t) => {
  const { nodeEngine: outer, tls13Engine: inner } = engines;
  const [toServer, toClient] = webEnds();
  const server = held(
    t,
    toClient.pipe(
      secure(outer.server),
      secure(inner.server),
      use((c) => c.writeFrom(c.source)),
    ),
  );
  const back = await echoed(toServer.pipe(secure(outer.client)), inner);
  t.equal(sha256(Buffer.concat(back)), sha256(sent));
  await until(() => server.log.ended !== 'no', 'the end of the server');
  t.equal(server.log.ended, 'complete', String(server.log.error));
});

t.test('TLS to a worker thread, by its own port', async (t) => {
  const worker = new Worker(new URL('./tls-worker.ts', import.meta.url), { workerData: credentials });
  t.teardown(() => worker.terminate());
  const back = await echoed(fromMessagePort(worker), engines.tls13Engine);
  t.equal(sha256(Buffer.concat(back)), sha256(sent));
});

t.test('a worker that dies cuts its connection', async (t) => {
  const worker = new Worker(new URL('./tls-worker.ts', import.meta.url), { workerData: credentials });
  const client = held(t, fromMessagePort(worker).pipe(secure(engines.tls13Engine.client)));
  await client.value;
  await worker.terminate();
  await until(() => client.log.ended !== 'no', 'the cut');
  t.match(client.log.error, { name: /^(Aborted|Truncation)Error$/, retryable: true });
});
