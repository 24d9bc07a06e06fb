import type { TlsHost } from '@rxtls/core/engine';
import { MemorySessions } from '@rxtls/core/engine-parts';
import { judgeChain } from '../certificate/judge-chain.ts';
import { chainNotAfter } from '../certificate/chain-not-after.ts';
import type { ClientSettings } from '../client-options.ts';
import { cipherSuite } from '../crypto/cipher-suite.ts';
import type { OfferedPsk } from '../handshake/offered-psk.ts';
import { maxSessionAge, type Tls13Session } from './tls13-session.ts';

/** The store of this engine's sessions; see `memorySessions`. */
export class Tls13Sessions extends MemorySessions<Tls13Session> {}

/** A session as a ClientHello offers it. */
export interface ClientOffer {
  readonly psk: OfferedPsk;
  readonly chain: readonly Uint8Array[];
  readonly firstVerifiedAt: number;
}

/** The sessions of one factory: which may be offered, and what is kept of new ones. */
export class ClientSessions {
  readonly #settings: Omit<ClientSettings, 'sessions'>;
  readonly #store: Tls13Sessions | undefined;
  readonly #scope: string;

  constructor(settings: Omit<ClientSettings, 'sessions'>, store: Tls13Sessions | undefined) {
    this.#settings = settings;
    this.#store = store;
    const { identity, port, alpnProtocols, trust, credentials, suites, groups, schemes } = settings;
    this.#scope = JSON.stringify([
      [identity.kind, identity.name, port],
      alpnProtocols,
      trust.hash,
      credentials?.fingerprint ?? null,
      [store?.functionId(settings.verify), store?.functionId(settings.replaceVerification)],
      [suites.map(({ id }) => id), groups, schemes.map(({ id }) => id)],
    ]);
  }

  /** A session that may be offered now; it is handed out once and checked again first. */
  take(host: TlsHost): ClientOffer | undefined {
    for (let found = this.#store?.take(this.#scope); found !== undefined; found = this.#store?.take(this.#scope)) {
      const { session, chain, firstVerifiedAt, notAfter } = found;
      const now = host.wallClock();
      const age = now - session.receivedAt;
      const fresh = age >= 0 && age < session.lifetime * 1_000 && now <= notAfter;
      const total = now - firstVerifiedAt;
      if (!fresh || total < 0 || total > maxSessionAge || !this.#stillPasses(chain, host)) {
        session.psk.fill(0);
        continue;
      }
      // RFC 8446 §4.2.11.1: the age in milliseconds plus ticket_age_add, modulo 2^32.
      const obfuscatedTicketAge = (Math.floor(age) + session.ageAdd) % 0x1_0000_0000;
      const { hash } = cipherSuite[session.suite];
      const psk = {
        kind: 'resumption',
        identity: session.ticket,
        obfuscatedTicketAge,
        hash,
        key: session.psk,
      } as const;
      return { psk, chain, firstVerifiedAt };
    }
    return undefined;
  }

  #stillPasses(chain: readonly Uint8Array[], host: TlsHost): boolean {
    const { identity, trust, crypto, known, replaceVerification } = this.#settings;
    if (replaceVerification !== undefined) return true;
    try {
      const now = host.wallClock();
      judgeChain(chain, { usage: 'serverAuth', identity, trust, now, limits: host.limits, crypto, known });
      return true;
    } catch {
      // Whatever it is that speaks against the chain now: a full handshake will say it.
      return false;
    }
  }

  /** Whether a session with a server of that chain is kept at all. */
  mayKeep(chain: readonly Uint8Array[]): boolean {
    return this.#store !== undefined && chain.length > 0;
  }

  put(session: Tls13Session, chain: readonly Uint8Array[], firstVerifiedAt: number): void {
    const notAfter = chainNotAfter(chain, this.#settings.known);
    this.#store?.put(this.#scope, { session, chain, notAfter, firstVerifiedAt });
  }
}
