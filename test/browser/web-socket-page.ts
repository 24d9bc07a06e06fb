// What the page of websocket.test.ts runs: TLS 1.3 on the noble provider over the browser's own WebSocket.
import { open, secure } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13';
import { connectWebSocket } from '@rxtls/transport-websocket';
import { lastValueFrom, merge, takeWhile, tap } from 'rxjs';

/** What came of a mebibyte that went to the server and back. */
export interface Echo {
  readonly version: string;
  readonly protocol: string;
  readonly sent: string;
  readonly received: string;
}

const mebibyte = 1_048_576;

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export async function echo({ url, authority }: { readonly url: string; readonly authority: string }): Promise<Echo> {
  let protocol = '';
  const webSocket = connectWebSocket({ url, protocols: ['tls'] }).pipe(tap((duplex) => (protocol = duplex.protocol)));
  const connection = await open(webSocket.pipe(secure(tls13Engine.client({ serverName: 'localhost', ca: authority }))));
  const bytes = new Uint8Array(mebibyte);
  for (let at = 0; at < mebibyte; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  const received = new Uint8Array(mebibyte);
  let length = 0;
  const reading = connection.plaintext.pipe(
    tap((chunk) => {
      received.set(chunk, length); // RangeError for more than was sent
      length += chunk.length;
    }),
    takeWhile(() => length < mebibyte),
  );
  const hashed = await sha256(bytes);
  await lastValueFrom(merge(reading, connection.writeFrom([bytes])));
  await lastValueFrom(connection.close(), { defaultValue: undefined });
  return { version: connection.negotiated.version, protocol, sent: hashed, received: await sha256(received) };
}

/** What a page sees of a duplex that it writes to as `demand` says, ends, and of one that the other side closes. */
export async function written({ url, total }: { readonly url: string; readonly total: number }) {
  const log: string[] = [];
  let [taken, most, length] = [0, 0, 0];
  await lastValueFrom(
    connectWebSocket(url).pipe(
      tap(({ source, sink }) => {
        let at = 0;
        let isWriting = false;
        let room = 0;
        const ends = (what: string) => ({
          error: ({ name }: Error) => log.push(`${what} ${name}`),
          complete: () => log.push(`${what} complete`),
        });
        sink.taken.subscribe({ next: (bytes) => (taken = bytes), ...ends('taken') });
        source.request(Infinity);
        source.bytes.subscribe({ next: (bytes) => (length += bytes.length), ...ends('bytes') });
        sink.demand.subscribe({
          next: (demand) => {
            room = demand;
            if (isWriting) return;
            isWriting = true;
            while (room > 0 && at < total) {
              const bytes = new Uint8Array(Math.min(16_384, total - at)).fill(7);
              at += bytes.length;
              sink.write(bytes);
              most = Math.max(most, at - taken);
            }
            isWriting = false;
            if (at === total) sink.end();
          },
          ...ends('demand'),
        });
      }),
    ),
  );
  return { log: log.sort(), taken, most, read: length };
}

/** How a connection fails that nobody answers, and one whose peer sends text. */
export async function failures({ refused, talking }: { readonly refused: string; readonly talking: string }) {
  const failure = (url: string): Promise<{ name: string; message: string }> =>
    new Promise((resolve) =>
      connectWebSocket(url).subscribe({
        next: ({ source, sink }) => {
          sink.demand.subscribe({ error: () => undefined });
          source.bytes.subscribe({ error: () => undefined });
        },
        error: ({ name, message }: Error) => resolve({ name, message }),
        complete: () => resolve({ name: 'complete', message: '' }),
      }),
    );
  return { refused: await failure(refused), talking: await failure(talking) };
}
