import type { TlsHost } from '@rxtls/core/engine';
import type { SessionEnvelope } from '@rxtls/core/engine-parts';
import type { ClientSettings } from './client-options.ts';
import type { ForgeSessionState } from './forge-sessions.ts';
import { policyHash } from './policy-hash.ts';
import { judgeChain } from './verification.ts';
import { parseCertificate } from './certificates.ts';

/** RFC 5246 §F.1.4: "An upper limit of 24 hours is suggested for session ID lifetimes". */
export const maxSessionAge: number = 24 * 3600 * 1000;

/** The sessions of one factory: which may be offered, and what is kept of new ones. */
export class ClientSessions {
  readonly #settings: ClientSettings;
  readonly #scope: string;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    const { identity, port, trust, credentials, versions, allowSha1, sessions } = settings;
    this.#scope = policyHash([
      [identity.kind, identity.name, port],
      trust.hash,
      credentials?.fingerprint ?? null,
      [sessions?.functionId(settings.verify), sessions?.functionId(settings.replaceVerification)],
      [versions, allowSha1],
    ]);
  }

  /** A session that may be offered now; it is handed out once and checked again first. */
  take(host: TlsHost): SessionEnvelope<ForgeSessionState> | undefined {
    const store = this.#settings.sessions;
    for (let found = store?.take(this.#scope); found !== undefined; found = store?.take(this.#scope))
      if (this.#mayOffer(found, host)) return found;
    return undefined;
  }

  #mayOffer(envelope: SessionEnvelope<ForgeSessionState>, host: TlsHost): boolean {
    const now = host.wallClock();
    const { firstVerifiedAt, notAfter, chain } = envelope;
    if (now > notAfter || now < firstVerifiedAt || now - firstVerifiedAt > maxSessionAge) return false;
    const { identity, trust, allowSha1, replaceVerification } = this.#settings;
    if (replaceVerification !== undefined) return true;
    try {
      judgeChain(chain, { usage: 'serverAuth', identity, trust, allowSha1, now, limits: host.limits });
      return true;
    } catch {
      return false;
    }
  }

  /** Keeps a session; what is kept is given back, to be forgotten should its connection fail. */
  put(
    session: ForgeSessionState,
    chain: readonly Uint8Array[],
    firstVerifiedAt: number,
  ): SessionEnvelope<ForgeSessionState> | undefined {
    const notAfter = chainNotAfter(chain);
    if (session.id === '' || notAfter === undefined) return undefined;
    const envelope = { session, chain, notAfter, firstVerifiedAt };
    this.#settings.sessions?.put(this.#scope, envelope);
    return envelope;
  }

  forget(envelope: SessionEnvelope<ForgeSessionState>): void {
    this.#settings.sessions?.forget(this.#scope, envelope);
  }
}

/** When the chain stops being valid, in milliseconds since 1970: the earliest notAfter. Undefined when that cannot be read. */
function chainNotAfter(chain: readonly Uint8Array[]): number | undefined {
  try {
    const notAfter = Math.min(...chain.map((der) => parseCertificate(der).certificate.validity.notAfter.getTime()));
    return Number.isFinite(notAfter) ? notAfter : undefined;
  } catch {
    return undefined;
  }
}
