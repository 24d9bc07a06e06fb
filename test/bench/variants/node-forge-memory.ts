import type { Pki } from '../pki.ts';
import { ForgeEnd, type ForgeWire } from './node-forge.ts';
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

export const nodeForgeMemory = ({ rsa }: Pki): Variant => ({
  async open() {
    const joined = new Joined();
    const server: ForgeEnd = new ForgeEnd(
      'server',
      rsa,
      joined.wireTo(() => client),
    );
    const client: ForgeEnd = new ForgeEnd(
      'client',
      rsa,
      joined.wireTo(() => server),
    );
    await Promise.all([client.opened, server.opened]);
    return {
      client,
      server,
      resumed: false,
      close: async () => {
        client.close();
        await server.closed;
      },
    };
  },
});
