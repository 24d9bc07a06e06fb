import { once } from 'node:events';
import type { Duplex, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as moment } from 'node:timers/promises';

/** Writes it in pieces, as fast as the other side takes them, and its end. */
export async function written(stream: Writable, bytes: Uint8Array, pace: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += 4_096) {
    stream.write(bytes.subarray(at, at + 4_096));
    await moment(pace);
  }
  stream.end();
}

/** Sends it and its end, and reads to the other's end; rejects where that is a cut. */
export async function answered(stream: Duplex, bytes: Uint8Array, pace = 0): Promise<Buffer> {
  const [answer] = await Promise.all([buffer(stream), written(stream, bytes, pace)]);
  return answer;
}

/** How much goes before the other side takes no more for a third of a second; the rest goes later. */
export async function stalled(
  stream: Writable,
  bytes: Uint8Array,
): Promise<{ readonly sent: number; readonly rest: () => void }> {
  let sent = 0;
  const more = async (): Promise<void> => {
    while (sent < bytes.length) {
      const isFull = !stream.write(bytes.subarray(sent, sent + 65_536));
      sent += 65_536;
      if (isFull) await once(stream, 'drain');
    }
  };
  const all = more();
  for (let before = -1; before !== sent; ) {
    before = sent;
    await moment(300);
  }
  return { sent, rest: () => void all.then(() => stream.end()) };
}

/** How it ends. */
export const endOf = (stream: Duplex): Promise<string> =>
  new Promise((resolve) => stream.once('end', () => resolve('end')).once('error', () => resolve('error')));
