import type { TlsHost } from '@rxtls/core/engine';
import { equalBytes } from '@rxtls/core/engine-parts';
import { chainNotAfter } from '../certificate/chain-not-after.ts';
import type { KnownCertificates } from '../certificate/known-certificates.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { encodeNewSessionTicket } from '../handshake/messages/new-session-ticket.ts';
import { hostRandom } from '../host-random.ts';
import { ticketPsk } from '../key-schedule/traffic-keys.ts';
import { type SealingKeys, sealingPurpose } from './sealing-keys.ts';
import { decodeServerSession, encodeServerSession, type ServerSession } from './server-session.ts';
import { maxSessionAge, maxTicketBytes } from './tls13-session.ts';

/** The client's chain still passes; asked again at each resumption. */
export type ChainStillGood = (host: TlsHost, chain: readonly Uint8Array[]) => boolean;

/** By how much the clock of whoever has sealed a ticket may be ahead of ours: a client comes back within milliseconds. */
const maxClockSkew = 10_000;

/** What a session is asked for. */
type Asked = Pick<ServerSession, 'hash' | 'scope'>;

/** The tickets of one server factory (RFC 8446 §4.6.1). */
export class ServerTickets {
  readonly #crypto: CryptoProvider;
  readonly #keys: SealingKeys;
  readonly #known: KnownCertificates;
  readonly #stillGood: ChainStillGood;

  constructor(crypto: CryptoProvider, keys: SealingKeys, known: KnownCertificates, stillGood: ChainStillGood) {
    this.#crypto = crypto;
    this.#keys = keys;
    this.#known = known;
    this.#stillGood = stillGood;
  }

  /** The session of a ticket that may be resumed now with a suite of that hash and in that scope; undefined for any other. */
  open(host: TlsHost, ticket: Uint8Array, asked: Asked): ServerSession | undefined {
    const content = this.#keys.open(host, sealingPurpose.ticket, ticket);
    const session = content === undefined ? undefined : decodeServerSession(content);
    content?.fill(0);
    if (session === undefined || this.#mayResume(host, session, asked)) return session;
    session.psk.fill(0);
    return undefined;
  }

  #mayResume(host: TlsHost, { hash, firstVerifiedAt, chain, scope }: ServerSession, asked: Asked): boolean {
    // RFC 8446 §4.6.1: "Any ticket MUST only be resumed with a cipher suite that has the same KDF hash algorithm as that used to establish the original connection."
    if (hash !== asked.hash) return false;
    const age = host.wallClock() - firstVerifiedAt;
    // Its life is counted from the first full handshake, whatever was resumed since.
    if (age < -maxClockSkew || age >= this.#life(firstVerifiedAt, chain)) return false;
    return equalBytes(scope, asked.scope) && this.#stillGood(host, chain);
  }

  /** A NewSessionTicket message; undefined when it would not live a second, or the chain makes it too long. */
  issue(
    host: TlsHost,
    session: Omit<ServerSession, 'psk'>,
    resumption: Uint8Array,
    number: number,
  ): Uint8Array | undefined {
    const { hash, firstVerifiedAt, chain } = session;
    const life = this.#life(firstVerifiedAt, chain);
    const left = Math.min(life, firstVerifiedAt + life - host.wallClock());
    if (left < 1_000) return undefined;
    const nonce = Uint8Array.of(number);
    const psk = ticketPsk(this.#crypto, hash, resumption, nonce);
    const content = encodeServerSession({ ...session, psk });
    psk.fill(0);
    const ticket = this.#keys.seal(host, sealingPurpose.ticket, content);
    content.fill(0);
    if (ticket.length > maxTicketBytes) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = hostRandom(host, 4, 'ticket_age_add');
    return encodeNewSessionTicket({
      lifetime: Math.floor(left / 1_000),
      ageAdd: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0,
      nonce,
      ticket,
      extensions: new Map(),
    });
  }

  /** min(7 days, until the leaf's notAfter) from the first full handshake, in milliseconds. */
  #life(firstVerifiedAt: number, chain: readonly Uint8Array[]): number {
    return Math.min(maxSessionAge, chainNotAfter(chain, this.#known) - firstVerifiedAt);
  }
}
