import type { Pki } from '../pki.ts';
import { ForgeEnd, forgeSessions, type ForgeWire } from './node-forge.ts';
import type { Variant } from './variant.ts';

/** Two ends joined by a queue: node-forge cannot be called from inside its own callbacks. */
class Joined {
  readonly #queue: { readonly to: () => ForgeEnd; readonly bytes: Buffer }[] = [];
  #isCarrying = false;

  wireTo(to: () => ForgeEnd): ForgeWire {
    return {
      write: (bytes) => {
        this.#queue.push({ to, bytes });
        if (!this.#isCarrying) queueMicrotask(() => this.#carry());
        return this.#queue.length < 64;
      },
      drained: () => Promise.resolve(),
      end: () => undefined,
    };
  }

  #carry(): void {
    if (this.#isCarrying) return;
    this.#isCarrying = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next.to().process(next.bytes);
    this.#isCarrying = false;
  }
}

export function nodeForgeMemory({ rsa }: Pki): Variant {
  const [sessionsOfClient, sessionsOfServer] = [forgeSessions(), forgeSessions()];
  return {
    async open(resume) {
      const joined = new Joined();
      const [toClient, toServer] = [joined.wireTo(() => client), joined.wireTo(() => server)];
      const server: ForgeEnd = new ForgeEnd('server', rsa, toClient, resume ? sessionsOfServer : undefined);
      const client: ForgeEnd = new ForgeEnd('client', rsa, toServer, resume ? sessionsOfClient : undefined);
      await Promise.all([client.opened, server.opened]);
      return {
        client,
        server,
        resumed: client.resumed,
        close: async () => {
          client.close();
          await server.closed;
        },
      };
    },
  };
}
