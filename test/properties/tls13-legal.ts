// What a side has hashed says in which order it took the messages: only the protocol's orders are possible.
import type { CryptoProvider } from '../../packages/engine-tls13/src/crypto/crypto-provider.ts';
import { nodeCrypto } from '../../packages/engine-tls13/src/crypto/node/node-crypto.ts';

const hellos = ['1 2', '254 2 1 2'];
const certified = ['8 11 15 20 20', '8 13 11 15 20 11 20', '8 13 11 15 20 11 15 20'];
const preShared = ['8 20 20'];
const all = (ends: readonly string[]): string[] => hellos.flatMap((hello) => ends.map((end) => `${hello} ${end}`));
const whole = { certified: all(certified), preShared: all(preShared) };
const prefixes = new Set(
  [...whole.certified, ...whole.preShared].flatMap((order) => {
    const types = order.split(' ');
    return types.map((_, at) => types.slice(0, at + 1).join(' '));
  }),
);

/** The transcripts of one connection: each a list of messages. */
export class Transcripts {
  readonly #lists: Uint8Array[][] = [];

  begin(): Uint8Array[] {
    const list: Uint8Array[] = [];
    this.#lists.push(list);
    return list;
  }

  /** What is against the protocol in the order of the messages. */
  get wrong(): string | undefined {
    for (const list of this.#lists) {
      const order = orderOf(list);
      if (list.length > 0 && !prefixes.has(order)) return `took messages in the order ${order}`;
    }
    return undefined;
  }

  /** The handshake that came to its end. */
  get whole(): { readonly messages: readonly Uint8Array[]; readonly isPreShared: boolean } | undefined {
    for (const messages of this.#lists) {
      const order = orderOf(messages);
      const isPreShared = whole.preShared.includes(order);
      if (isPreShared || whole.certified.includes(order)) return { messages, isPreShared };
    }
    return undefined;
  }
}

const orderOf = (messages: readonly Uint8Array[]): string => messages.map(([type]) => type).join(' ');

/** A provider that writes down what is hashed into the transcripts that `now` gives. */
export const listeningCrypto = (now: () => Transcripts): CryptoProvider => ({
  ...nodeCrypto,
  hash: (name) => {
    const running = nodeCrypto.hash(name);
    const list = now().begin();
    return {
      update: (bytes) => {
        list.push(bytes.slice());
        running.update(bytes);
      },
      digest: () => running.digest(),
    };
  },
});
