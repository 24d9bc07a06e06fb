import { randomBytes } from 'node:crypto';
import type { NodeServer } from './node-server.ts';
import { sessionLeaf } from './session-leaf.ts';
import { TicketKey } from './ticket-key.ts';

/** Whether a session with that client certificate (undefined: none) could be judged when it is resumed. */
export type MayResume = (leaf: Uint8Array | undefined) => boolean;

interface Context {
  readonly key: TicketKey;
  readonly server: NodeServer;
}

/**
 * The servers of one virtual host, one for each ticket key, since OpenSSL has one key a context. A connection belongs to
 * the key that its ticket names, for good: what is sealed on it is sealed under that key.
 */
export class TicketContexts {
  readonly #current: Context;
  readonly #others: readonly Context[];

  /**
   * @param secrets the current one first
   * @param own with a key of this factory's own besides, which opens no ticket that others have sealed
   */
  constructor(
    secrets: readonly [Uint8Array, ...Uint8Array[]],
    policy: string,
    make: (key: TicketKey) => NodeServer,
    own: boolean,
  ) {
    const [current, ...previous] = secrets;
    const key = new TicketKey(current, policy);
    this.#current = { key, server: make(key) };
    this.#others = [...previous, ...(own ? [randomBytes(48)] : [])].map(
      (secret) => new LaterContext(new TicketKey(secret, policy), make),
    );
  }

  /**
   * The server for a client with these tickets: that of the first key named, else the current one's. With `mayResume` never
   * one that would resume a session which cannot be judged: there a full handshake is made.
   */
  serverFor(tickets: readonly Uint8Array[], mayResume?: MayResume): NodeServer {
    const all = [this.#current, ...this.#others];
    const named = tickets.flatMap((ticket) => all.find(({ key }) => key.isNamedBy(ticket)) ?? []);
    const isSafe = ({ key }: Context): boolean =>
      mayResume === undefined || tickets.every((ticket) => !key.isNamedBy(ticket) || isJudged(key, ticket, mayResume));
    return ([...named, ...all].find(isSafe) ?? this.#current).server;
  }
}

/** One that most connections have no need of: OpenSSL reads the certificates again for each context. */
class LaterContext implements Context {
  readonly key: TicketKey;
  readonly #make: (key: TicketKey) => NodeServer;
  #server: NodeServer | undefined;

  constructor(key: TicketKey, make: (key: TicketKey) => NodeServer) {
    this.key = key;
    this.#make = make;
  }

  get server(): NodeServer {
    this.#server ??= this.#make(this.key);
    return this.#server;
  }
}

function isJudged(key: TicketKey, ticket: Uint8Array, mayResume: MayResume): boolean {
  const session = key.open(ticket);
  // OpenSSL does not resume it either.
  if (session === undefined) return true;
  const leaf = sessionLeaf(session);
  session.fill(0);
  return leaf !== 'unreadable' && mayResume(leaf);
}
