import type { TlsHost } from '@rxtls/core/engine';
import type { BinaryString } from './binary-string.ts';
import { maxSessionAge } from './client-sessions.ts';
import type { ForgeSessionState } from './forge-sessions.ts';
import type { ServerSettings } from './server-options.ts';
import { judgeChain } from './verification.ts';

/** A session this server may resume, with what must still hold when it does. */
export interface ServerSession {
  readonly state: ForgeSessionState;
  /** What the client asked for by name then: sessions never cross from one virtual host to another. */
  readonly serverName: string | undefined;
  /** The client's chain, the leaf first; empty when it showed none. */
  readonly chain: readonly Uint8Array[];
  readonly firstVerifiedAt: number;
}

const maxSessions = 1_024;

/**
 * The sessions of one factory, by identifier. Client authentication, trust and `verify` are the factory's and never
 * change; what can change in between, time and the certificates, is checked again.
 */
export class ServerSessions {
  readonly #settings: ServerSettings;
  readonly #byId = new Map<BinaryString, ServerSession>();

  constructor(settings: ServerSettings) {
    this.#settings = settings;
  }

  /** Kept now; never more than 1 024. */
  get size(): number {
    return this.#byId.size;
  }

  find(id: BinaryString, serverName: string | undefined, host: TlsHost): ServerSession | undefined {
    const found = this.#byId.get(id);
    if (found === undefined || found.serverName !== serverName) return undefined;
    const now = host.wallClock();
    if (now < found.firstVerifiedAt || now - found.firstVerifiedAt > maxSessionAge || !this.#stillProved(found, host)) {
      this.#byId.delete(id);
      return undefined;
    }
    return found;
  }

  #stillProved({ chain }: ServerSession, host: TlsHost): boolean {
    const { clientAuth, trust, allowSha1 } = this.#settings;
    if (chain.length === 0) return clientAuth !== 'require';
    if (trust === undefined) return false;
    try {
      judgeChain(chain, { usage: 'clientAuth', trust, allowSha1, now: host.wallClock(), limits: host.limits });
      return true;
    } catch {
      return false;
    }
  }

  forget(id: BinaryString): void {
    this.#byId.delete(id);
  }

  put(session: ServerSession): void {
    if (!this.#settings.resumption) return;
    this.#byId.set(session.state.id, session);
    if (this.#byId.size <= maxSessions) return;
    const oldest = this.#byId.keys().next().value;
    if (oldest !== undefined) this.#byId.delete(oldest);
  }
}
