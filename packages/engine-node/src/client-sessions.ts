import type { TlsHost } from '@rxtls/core/engine';
import type { SessionEnvelope } from '@rxtls/core/engine-parts';
import type { ClientSettings } from './client-options.ts';
import { policyHash } from './policy-hash.ts';
import { chainNotAfter, chainProblem } from './verification.ts';

/** RFC 8446 §4.6.1: "Clients MUST NOT cache tickets for longer than 7 days". */
const maxAge = 7 * 24 * 3600 * 1000;

/** The sessions of one factory: which may be offered, and what is kept of new ones. */
export class ClientSessions {
  readonly #settings: ClientSettings;
  readonly #scope: string;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    const { identity, port, alpnProtocols, trust, credentials, versions, legacy } = settings;
    this.#scope = policyHash([
      [identity.kind, identity.name, port],
      alpnProtocols,
      trust.hash,
      credentials?.fingerprint ?? null,
      [settings.sessions?.functionId(settings.verify), settings.sessions?.functionId(settings.replaceVerification)],
      [versions, legacy, settings.ciphers ?? null, settings.groups ?? null, settings.signatureAlgorithms ?? null],
    ]);
  }

  /** A session that may be offered now; it is handed out once and checked again first. */
  take(host: TlsHost): SessionEnvelope<Buffer> | undefined {
    const store = this.#settings.sessions;
    for (let found = store?.take(this.#scope); found !== undefined; found = store?.take(this.#scope))
      if (this.#mayOffer(found, host)) return found;
    return undefined;
  }

  #mayOffer(envelope: SessionEnvelope<Buffer>, host: TlsHost): boolean {
    const now = host.wallClock();
    if (now > envelope.notAfter || now < envelope.firstVerifiedAt || now - envelope.firstVerifiedAt > maxAge)
      return false;
    if (this.#settings.replaceVerification !== undefined) return true;
    const { identity, trust } = this.#settings;
    const rules = { usage: 'serverAuth', identity, now, limits: host.limits, known: trust.known } as const;
    return chainProblem(envelope.chain, rules) === undefined;
  }

  /** Keeps a session, unless its chain cannot be read: only `dangerouslyReplaceVerification` accepts such a one. */
  put(session: Buffer, chain: readonly Uint8Array[], firstVerifiedAt: number): void {
    const notAfter = chainNotAfter(chain, this.#settings.trust.known);
    if (notAfter !== undefined)
      this.#settings.sessions?.put(this.#scope, { session, chain, notAfter, firstVerifiedAt });
  }
}
