import { open, secure, secureEach } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { connect, listen } from '@rxtls/transport-tcp';
import { clientEngine, completed, credentials, host, mebibyte, only, pki, sleep, versions } from '../interop/ends.ts';
import { type Judge, mebibytes } from './verdicts.ts';
import { memory, resources } from './readings.ts';

/** Connections one after the other, for so long: echoes, resumes, closes cleanly, and every fifth time is cut. */
export async function manyConnections(seconds: number, judge: Judge): Promise<void> {
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
    handles.push(resources());
    console.log(
      `     ${count + 1} connections, ${resumed} resumed, ${failed} cut: ${mebibytes(heap.at(-1)!)}, ${handles.at(-1)} handles`,
    );
  }
  server.unsubscribe();
  const quarter = Math.max(1, Math.floor(heap.length / 4));
  const growth = (values: readonly number[]): number =>
    median(values.slice(-quarter)) - median(values.slice(quarter, 2 * quarter));
  judge(`${count} connections, heap`, growth(heap), 3 * mebibyte, mebibytes);
  judge(`${count} connections, handles`, growth(handles), 8);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
