// `npm run soak`: what npm test shows by counters, by the heap; then many short connections, watching heap and handles.
// Exits with 1 when something grows. RXTLS_SOAK_SECONDS (60) is the length of the second part. Last, RXTLS_SOAK_PLANS
// (200 000) plans of a forger against our TLS 1.3.
import { open, secure, secureEach, type TlsConnection } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { connect, listen } from '@rxtls/transport-tcp';
import {
  clientEngine,
  completed,
  credentials,
  host,
  mebibyte,
  only,
  pki,
  sleep,
  type Version,
  versions,
} from '../interop/ends.ts';
import { pour, quietPeer } from '../interop/silent-peer.ts';
import { forgedFlights } from './forged-flights.ts';

const seconds = Number(process.env['RXTLS_SOAK_SECONDS'] ?? 60);
const collect = globalThis.gc;
if (collect === undefined || !(seconds > 0)) {
  console.error('run it by: npm run soak (node --expose-gc); RXTLS_SOAK_SECONDS is a number of seconds');
  process.exit(2);
}

/** Bytes on the heap and in buffers, in MiB, after a collection. */
async function memory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await sleep(30);
    collect!();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / mebibyte;
}

const shown = (mib: number): string => `${mib.toFixed(1)} MiB`;
let failures = 0;
function judge(what: string, grown: number, most: number, unit: (value: number) => string): void {
  const ok = grown <= most;
  if (!ok) failures++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}: grew by ${unit(grown)}, may grow by ${unit(most)}`);
}

const to = (port: number, version: Version): Promise<TlsConnection & AsyncDisposable> =>
  open(connect({ host, port }).pipe(secure(clientEngine(only(version)))));

/** Twelve is what the limits, the sockets of both ends and a few records in flight come to, with room. */
const heldMost = 12;

async function pushAtSilentPeer(version: Version): Promise<void> {
  const peer = await quietPeer(version);
  const connection = await to(peer.port, version);
  const chunk = Buffer.alloc(65_536, 'x');
  const before = await memory();
  for (let at = 0; at < 100 * mebibyte; at += chunk.length) {
    connection.write(chunk).subscribe({ error: () => undefined });
    if (at % mebibyte === 0) await sleep(0);
  }
  judge(`${version}: 100 MiB pushed at a peer that does not read`, (await memory()) - before, heldMost, shown);
  peer.stop();
  await completed(connection.close());
}

async function pausedReader(version: Version): Promise<void> {
  const before = await memory();
  const peer = await quietPeer(version, (socket) => pour(socket, 100));
  const connection = await to(peer.port, version);
  connection.source.bytes.subscribe({ error: () => undefined });
  await sleep(1_000);
  judge(`${version}: 100 MiB sent to a reader that is paused`, (await memory()) - before, heldMost, shown);
  peer.stop();
  await completed(connection.close());
}

/** Echoes, resumes, closes cleanly, and every fifth time is cut. Gives how many connections there were. */
async function manyConnections(): Promise<void> {
  let port = 0;
  let failed = 0;
  const server = await new Promise<{ unsubscribe(): void }>((resolve, reject) => {
    void pki.leaf('ecdsa').then((leaf) => {
      const subscription = listen({
        port: 0,
        host,
        listening: (address) => {
          port = address.port;
          resolve(subscription);
        },
      })
        .pipe(
          secureEach(
            nodeEngine.server({ credentials: credentials(leaf) }),
            (connection) => connection.writeFrom(connection.source),
            { failed: () => void failed++ },
          ),
        )
        .subscribe({ error: reject });
    });
  });
  const engines = versions.map((version) => clientEngine(only(version)));
  const payload = Buffer.alloc(100_000, 'soak ');
  const heap: number[] = [];
  const handles: number[] = [];
  const end = Date.now() + seconds * 1_000;
  let count = 0;
  let resumed = 0;
  for (let report = Date.now(); Date.now() < end; count++) {
    const connection = await open(connect({ host, port }).pipe(secure(engines[count % 2]!)));
    if (connection.negotiated.resumed) resumed++;
    let length = 0;
    const whole = new Promise<void>((resolve, reject) => {
      connection.plaintext.subscribe({
        next: (bytes) => {
          length += bytes.length;
          if (length === payload.length) resolve();
        },
        error: reject,
      });
    });
    const written = completed(connection.writeFrom([payload]));
    if (count % 5 === 4) {
      whole.catch(() => undefined);
      connection.sink.abort();
    } else {
      await whole;
      await written;
      await completed(connection.close());
    }
    if (Date.now() < report) continue;
    report = Date.now() + Math.max(1_000, seconds * 50);
    await sleep(200);
    heap.push(await memory());
    handles.push(process.getActiveResourcesInfo().length);
    console.log(
      `     ${count + 1} connections, ${resumed} resumed, ${failed} cut: ${shown(heap.at(-1)!)}, ${handles.at(-1)} handles`,
    );
  }
  server.unsubscribe();
  const quarter = Math.max(1, Math.floor(heap.length / 4));
  const median = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const growth = (values: readonly number[]): number =>
    median(values.slice(-quarter)) - median(values.slice(quarter, 2 * quarter));
  judge(`${count} connections, heap`, growth(heap), 3, shown);
  judge(`${count} connections, handles`, growth(handles), 8, String);
}

const started = Date.now();
for (const version of versions) {
  await pushAtSilentPeer(version);
  await pausedReader(version);
}
await manyConnections();
if (!(await forgedFlights(pki, Number(process.env['RXTLS_SOAK_PLANS'] ?? 200_000), console.log))) failures++;
console.log(`${failures === 0 ? 'passed' : 'FAILED'} in ${Math.round((Date.now() - started) / 1_000)} s`);
process.exit(failures === 0 ? 0 : 1);
