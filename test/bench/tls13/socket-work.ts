// The work of the two subjects that are driven by hand over TCP: node:tls, and the engine on a socket.
import { ping, slice, sliceBytes } from './setting.ts';
import type { Subject } from './subject.ts';

/** One end of a connection. A server's end ends when its peer's does. */
export interface Opened {
  onPlaintext: (bytes: Uint8Array) => void;
  /** False: wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  drained(then: () => void): void;
  end(): void;
  closed(): Promise<unknown>;
}

export type Open = (
  isResumed: boolean,
) => Promise<{ readonly client: Opened; readonly server: Opened; readonly resumed: boolean }>;

export async function socketWork(open: Open): Promise<Subject> {
  const handshakes = (isResumed: boolean) => async (count: number) => {
    for (let n = 0; n < count; n++) {
      const { client, server, resumed } = await open(isResumed);
      if (resumed !== isResumed) throw new Error('not the handshake meant');
      // The tickets come in the same turns of the event loop, or with the end.
      const both = Promise.all([client.closed(), server.closed()]);
      client.end();
      await both;
    }
  };
  const { client, server } = await open(false);
  const bulk = (bytes: number) => {
    const plaintext = slice(bytes);
    return (count: number) =>
      new Promise<void>((resolve) => {
        let [received, sent] = [0, 0];
        server.onPlaintext = ({ length }) => {
          received += length;
          if (received === count * bytes) resolve();
        };
        const send = (): void => {
          while (sent < count) {
            sent++;
            if (client.write(plaintext)) continue;
            client.drained(send);
            return;
          }
        };
        send();
      });
  };
  // A session to begin with.
  const first = await open(true);
  first.client.end();
  await first.client.closed();
  return {
    'bulk 16 KiB': bulk(sliceBytes['bulk 16 KiB']),
    'bulk 64 KiB': bulk(sliceBytes['bulk 64 KiB']),
    full: handshakes(false),
    resumed: handshakes(true),
    echo: (count) =>
      new Promise<void>((resolve) => {
        let left = count;
        server.onPlaintext = (bytes) => void server.write(bytes);
        client.onPlaintext = () => {
          if (--left === 0) resolve();
          else client.write(ping);
        };
        client.write(ping);
      }),
  };
}
