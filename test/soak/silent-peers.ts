// What npm test shows by counters, by the heap: a peer that does not read, and a reader that is paused.
import { open, secure, type TlsConnection } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { clientEngine, completed, host, mebibyte, only, sleep, type Version, versions } from '../interop/ends.ts';
import { pour, quietPeer } from '../interop/silent-peer.ts';
import { type Judge, mebibytes } from './verdicts.ts';
import { memory } from './readings.ts';

const to = (port: number, version: Version): Promise<TlsConnection & AsyncDisposable> =>
  open(connect({ host, port }).pipe(secure(clientEngine(only(version)))));

/** Twelve MiB are what the limits, the sockets of both ends and a few records in flight come to, with room. */
const heldMost = 12 * mebibyte;

export async function silentPeers(judge: Judge): Promise<void> {
  for (const version of versions) {
    await pushAtSilentPeer(version, judge);
    await pausedReader(version, judge);
  }
}

async function pushAtSilentPeer(version: Version, judge: Judge): Promise<void> {
  const peer = await quietPeer(version);
  const connection = await to(peer.port, version);
  const chunk = Buffer.alloc(65_536, 'x');
  const before = await memory();
  for (let at = 0; at < 100 * mebibyte; at += chunk.length) {
    connection.write(chunk).subscribe({ error: () => undefined });
    if (at % mebibyte === 0) await sleep(0);
  }
  judge(`${version}: 100 MiB pushed at a peer that does not read`, (await memory()) - before, heldMost, mebibytes);
  peer.stop();
  await completed(connection.close());
}

async function pausedReader(version: Version, judge: Judge): Promise<void> {
  const before = await memory();
  const peer = await quietPeer(version, (socket) => pour(socket, 100));
  const connection = await to(peer.port, version);
  connection.source.bytes.subscribe({ error: () => undefined });
  await sleep(1_000);
  judge(`${version}: 100 MiB sent to a reader that is paused`, (await memory()) - before, heldMost, mebibytes);
  peer.stop();
  await completed(connection.close());
}
