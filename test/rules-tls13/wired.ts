import type { SecureOptions } from '@rxtls/core';
import { type LinkControl, memoryPair } from '@rxtls/transport-memory';
import { now } from '../../packages/engine-tls13/test/certificate-pki.ts';
import { client, hostLeaf } from '../../packages/engine-tls13/test/ends.ts';
import { RawPeer } from '../../packages/engine-tls13/test/raw-peer.ts';
import { Side, until } from '../rules-node/bench.ts';

export interface Wired {
  readonly side: Side;
  readonly peer: RawPeer;
  /** From our client to the peer. */
  readonly link: LinkControl;
  /** Puts what the peer has to say on the wire, as one chunk. */
  readonly pump: () => void;
}

/** Our client under core, over a wire in memory, and a raw server at the other end. */
export async function wired(options: SecureOptions = {}): Promise<Wired> {
  const pair = memoryPair();
  const [a, b] = pair;
  const peer = new RawPeer('server', { issued: hostLeaf });
  b.source.bytes.subscribe({ next: (chunk) => peer.give(chunk), error: () => undefined });
  b.source.request(Number.POSITIVE_INFINITY);
  const pump = (): void => {
    const out = peer.take();
    if (out.length > 0) b.sink.write(out);
  };
  const side = new Side(a, client(), { ...options, dangerouslyHost: { wallClock: () => now } });
  await until(() => {
    pump();
    return side.connections.length > 0 || side.isOver;
  }, 'the handshake');
  return { side, peer, link: pair.link.aToB, pump };
}
