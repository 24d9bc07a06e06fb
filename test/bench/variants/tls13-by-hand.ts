// tls13Engine driven by hand over net.Socket: what is left of tls13Engine over TCP without core and its transport.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { resolveLimits } from '@rxtls/core/engine';
import type { Pki } from '../pki.ts';
import { Handover } from './handover.ts';
import { pour } from './pour.ts';
import { host } from './setting.ts';
import { tls13NodeEngines } from './tls13-node.ts';
import type { End, Variant } from './variant.ts';

const engineHost: TlsHost = {
  limits: resolveLimits(undefined),
  wallClock: () => Date.now(),
  monotonicClock: () => performance.now(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

class Wired implements TlsEngineSink, End {
  readonly observed = false;
  received: (bytes: Uint8Array) => void = () => {};
  resumed = false;
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  readonly #engine: TlsEngine;
  #out: Uint8Array[] = [];
  #plaintext: Uint8Array[] = [];
  #opened: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(socket: Socket, factory: TlsEngineFactory) {
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      this.#opened = resolve;
      this.#failed = reject;
    });
    socket.setNoDelay(true);
    this.#engine = factory(this, engineHost);
    this.#flush();
    socket.on('data', (chunk: Buffer) => {
      this.#engine.receiveCiphertext(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      this.#flush();
      // Not from inside the engine's call: whoever reads may write.
      for (const bytes of this.#plaintext.splice(0)) this.received(bytes);
    });
    socket.on('end', () => {
      this.#engine.receiveEnd();
      if (factory.role === 'server') this.end();
    });
    socket.on('close', () => this.#engine.destroy());
  }

  send(bytes: Uint8Array): void {
    this.#engine.sendPlaintext(bytes);
    this.#flush();
  }

  pour(chunks: Iterable<Uint8Array>): Promise<void> {
    const write = (chunk: Uint8Array): boolean => {
      this.#engine.sendPlaintext(chunk);
      return this.#flush();
    };
    return pour(chunks, write, this.#socket);
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
    this.resumed = resumed;
    this.#opened?.();
  }
  failed(error: Error): void {
    this.#failed?.(error);
    this.#socket.destroy(error);
  }
  sealed(): void {}
  consumed(): void {}
  readiness(): void {}
  task(): void {}
  event(): void {}
  closeNotify(): void {}
}

export async function tls13ByHand(pki: Pki): Promise<Variant> {
  const { server, fullClient, resumingClient } = tls13NodeEngines(pki);
  const accepted = new Handover<Wired>();
  const listener = createServer({ allowHalfOpen: true }, (socket) => accepted.give(new Wired(socket, server)));
  listener.listen(0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    async open(resume) {
      const accepting = accepted.take();
      const socket = connect({ port, host, allowHalfOpen: true });
      await once(socket, 'connect');
      const ours = new Wired(socket, resume ? resumingClient : fullClient);
      const theirs = await accepting;
      await Promise.all([ours.opened, theirs.opened]);
      return {
        client: ours,
        server: theirs,
        resumed: ours.resumed,
        close: async () => {
          const both = Promise.all([ours.closed(), theirs.closed()]);
          ours.end();
          await both;
        },
      };
    },
  };
}
