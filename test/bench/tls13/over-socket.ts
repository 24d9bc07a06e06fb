// The engine driven by hand over net.Socket: what one would write without core.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TlsEngine, TlsEngineFactory, TlsEngineSink } from '@rxtls/core/engine';
import { fullClient, host, resumingClient, server } from './setting.ts';
import { type Opened, socketWork } from './socket-work.ts';
import type { Subject } from './subject.ts';

class Wired implements TlsEngineSink, Opened {
  readonly observed = false;
  readonly #socket: Socket;
  readonly #engine: TlsEngine;
  #out: Uint8Array[] = [];
  #plaintext: Uint8Array[] = [];
  readonly #role: string;
  onPlaintext: (bytes: Uint8Array) => void = () => {};
  onOpen: (resumed: boolean) => void = () => {};

  constructor(socket: Socket, factory: TlsEngineFactory) {
    this.#socket = socket;
    this.#role = factory.role;
    socket.setNoDelay(true);
    this.#engine = factory(this, host);
    this.#flush();
    socket.on('data', (chunk: Buffer) => {
      this.#engine.receiveCiphertext(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      this.#flush();
      // Not from inside the engine's call: whoever reads may write.
      for (const bytes of this.#plaintext.splice(0)) this.onPlaintext(bytes);
    });
    socket.on('end', () => {
      this.#engine.receiveEnd();
      if (this.#role === 'server') this.end();
    });
    socket.on('close', () => this.#engine.destroy());
  }

  write(bytes: Uint8Array): boolean {
    this.#engine.sendPlaintext(bytes);
    return this.#flush();
  }
  drained(then: () => void): void {
    this.#socket.once('drain', then);
  }
  end(): void {
    this.#engine.sendCloseNotify();
    this.#flush();
    this.#socket.end();
  }
  closed(): Promise<unknown> {
    return once(this.#socket, 'close');
  }

  /** All that one call gave goes to the system at once. */
  #flush(): boolean {
    const [only, ...more] = this.#out;
    if (only === undefined) return true;
    this.#out = [];
    if (more.length === 0) return this.#socket.write(only);
    this.#socket.cork();
    let mayGoOn = this.#socket.write(only);
    for (const bytes of more) mayGoOn = this.#socket.write(bytes);
    this.#socket.uncork();
    return mayGoOn;
  }

  ciphertext(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }
  plaintext(bytes: Uint8Array): void {
    this.#plaintext.push(bytes);
  }
  negotiated({ resumed }: { readonly resumed: boolean }): void {
    process.nextTick(() => this.onOpen(resumed));
  }
  failed(error: Error): void {
    throw error;
  }
  sealed(): void {}
  consumed(): void {}
  readiness(): void {}
  task(): void {}
  event(): void {}
  closeNotify(): void {}
}

export async function socketSubject(): Promise<Subject> {
  const accepted: ((end: Opened) => void)[] = [];
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    const end = new Wired(socket, server);
    end.onOpen = () => accepted.shift()?.(end);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return socketWork(async (isResumed) => {
    const theirs = new Promise<Opened>((resolve) => accepted.push(resolve));
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    const ours = new Wired(socket, isResumed ? resumingClient : fullClient);
    const resumed = await new Promise<boolean>((resolve) => (ours.onOpen = resolve));
    return { client: ours, server: await theirs, resumed };
  });
}
