// node:tls as one uses it, with what can be shared between connections shared.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { authority, certificatePem, keyPem, serverName } from './setting.ts';
import { type Opened, socketWork } from './socket-work.ts';
import type { Subject } from './subject.ts';

class End implements Opened {
  readonly #socket: TLSSocket;
  onPlaintext: (bytes: Uint8Array) => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.onPlaintext(chunk));
  }
  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }
  drained(then: () => void): void {
    this.#socket.once('drain', then);
  }
  end(): void {
    this.#socket.end();
  }
  closed(): Promise<unknown> {
    return once(this.#socket, 'close');
  }
}

export async function tlsSubject(): Promise<Subject> {
  const shared = { ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3', ecdhCurve: 'X25519' } as const;
  const accepted: ((end: Opened) => void)[] = [];
  const listener = createServer({ ...shared, cert: certificatePem, key: keyPem }, (socket) =>
    accepted.shift()?.(new End(socket)),
  ).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const secureContext = createSecureContext({ ...shared, ca: authority });
  let session: Buffer | undefined;
  return socketWork(async (isResumed) => {
    const theirs = new Promise<Opened>((resolve) => accepted.push(resolve));
    const before = isResumed ? session : undefined;
    const ours = connect({
      port,
      host: '127.0.0.1',
      servername: serverName,
      secureContext,
      ...(before && { session: before }),
    });
    if (isResumed) ours.on('session', (ticket) => (session = ticket));
    await once(ours, 'secureConnect');
    return { client: new End(ours), server: await theirs, resumed: ours.isSessionReused() };
  });
}
