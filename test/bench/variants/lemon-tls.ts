// lemon-tls has node:tls's shape. It chooses its cipher suite itself.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'lemon-tls';
import type { Pki } from '../pki.ts';
import { Handover } from './handover.ts';
import { host, serverName } from './setting.ts';
import { StreamEnd } from './stream-end.ts';
import { streamPair } from './stream-pair.ts';
import type { Variant } from './variant.ts';

const x25519 = 0x001d;

export async function lemonTls({ p256 }: Pki): Promise<Variant> {
  const accepted = new Handover<StreamEnd>();
  const shared = { minVersion: 'TLSv1.3' as const, groups: [x25519] };
  const listener = createServer({ ...shared, ...p256.credentials }, (socket: TLSSocket) => {
    socket.setNoDelay(true);
    socket.on('end', () => socket.end());
    accepted.give(new StreamEnd(socket));
  });
  await new Promise<void>((listening) => listener.listen(0, host, listening));
  const { port } = listener.address() as AddressInfo;
  let session: Buffer | undefined;
  return {
    async open(resume) {
      const theirs = accepted.take();
      const offered = resume && session !== undefined ? { session } : {};
      const ours = connect(port, host, { ...shared, servername: serverName, ca: p256.authority, ...offered });
      if (resume) ours.on('session', (newest: Buffer) => (session = newest));
      await once(ours, 'secureConnect');
      ours.setNoDelay(true);
      return streamPair(new StreamEnd(ours), await theirs, ours.isSessionReused());
    },
  };
}
