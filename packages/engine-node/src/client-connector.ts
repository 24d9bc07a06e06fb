import {
  type ConnectionOptions,
  connect,
  type DetailedPeerCertificate,
  type SecureContext,
  type TLSSocket,
  type TLSSocketOptions,
} from 'node:tls';
import { CertificateError, PeerMisbehavedError, type PeerIdentity } from '@rxtls/core/engine';
import type { Authenticated, SessionEnvelope } from '@rxtls/core/engine-parts';
import type { ClientSessions } from './client-sessions.ts';
import type { ClientSettings } from './client-options.ts';
import type { Connector, EngineCore } from './connector.ts';
import { inheritingNothing } from './openssl-options.ts';
import { opensslVerdict } from './openssl-verdict.ts';
import { chainProblem, peerChain, provedChain } from './verification.ts';
import { tellKeylog } from './tell-keylog.ts';

/** The client's part of one connection: SNI, ALPN, the session offered, and the judgement of the server. */
export class ClientConnector implements Connector {
  readonly role = 'client';
  readonly isShared = false;
  readonly #settings: ClientSettings;
  readonly #context: SecureContext;
  readonly #sessions: ClientSessions;
  #offered: SessionEnvelope<Buffer> | undefined;
  #staple: Uint8Array | undefined;
  /** What Node has read of the server's chain already: reading it again would cost as much as the key exchange. */
  #shown: DetailedPeerCertificate | undefined;
  /** Sessions that came before the server was verified. */
  #early: Buffer[] = [];
  #proof: { readonly chain: readonly Uint8Array[]; readonly firstVerifiedAt: number } | undefined;
  #tickets = 0;
  #isVerified = false;

  constructor(settings: ClientSettings, context: SecureContext, sessions: ClientSessions) {
    this.#settings = settings;
    this.#context = context;
    this.#sessions = sessions;
  }

  start(core: EngineCore): void {
    const { identity, alpnProtocols, requestOcsp, keylog } = this.#settings;
    this.#offered = this.#sessions.take(core.host);
    const options: ConnectionOptions & TLSSocketOptions = {
      socket: core.wire,
      secureContext: this.#context,
      // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
      ...(identity.kind === 'dns' ? { servername: identity.name } : {}),
      ...(alpnProtocols.length > 0 ? { ALPNProtocols: [...alpnProtocols] } : {}),
      ...(this.#offered === undefined ? {} : { session: this.#offered.session }),
      requestOCSP: requestOcsp,
      minDHSize: 2048,
      // Ours is the judgement: Node would resume what was made under another trust, and would accept a CN.
      rejectUnauthorized: false,
      checkServerIdentity: (_name, certificate) => {
        this.#shown = certificate as DetailedPeerCertificate;
        return undefined;
      },
    };
    const socket = connect(inheritingNothing(options));
    core.adopt(socket);
    socket.on('secureConnect', () => core.secured());
    socket.on('session', (session: Buffer) => core.guard(() => this.#keep(core, session)));
    if (requestOcsp)
      socket.on('OCSPResponse', (staple: Buffer | null) => {
        this.#staple = staple === null || staple.length === 0 ? undefined : new Uint8Array(staple);
      });
    if (keylog) socket.on('keylog', (line: Buffer) => tellKeylog(core.sink, line));
  }

  enter(_core: EngineCore, call: () => void): void {
    call();
  }

  authenticate(core: EngineCore, socket: TLSSocket): Authenticated {
    this.#checkProtocol(socket);
    const resumed = socket.isSessionReused();
    const shown = resumed ? this.#resumedChain(socket) : peerChain(socket, this.#shown);
    this.#shown = undefined;
    const { identity, verify, replaceVerification } = this.#settings;
    const now = core.host.wallClock();
    const chain = replaceVerification === undefined ? this.#judged(core, socket, shown, resumed, now) : shown;
    this.#proof = { chain, firstVerifiedAt: this.#firstVerifiedAt(resumed, now) };
    const peer: PeerIdentity = {
      chain,
      verification: 'passed',
      ...(this.#staple === undefined ? {} : { ocspStaple: this.#staple }),
    };
    const ask = replaceVerification ?? verify;
    return {
      peer,
      resumed,
      ...(identity.kind === 'dns' ? { serverName: identity.name } : {}),
      ...(ask === undefined ? {} : { verify: ask }),
    };
  }

  /** @throws CertificateError */
  #judged(
    core: EngineCore,
    socket: TLSSocket,
    shown: readonly Uint8Array[],
    resumed: boolean,
    now: number,
  ): readonly Uint8Array[] {
    const { identity, trust, credentials } = this.#settings;
    const rules = { usage: 'serverAuth', identity, now, limits: core.host.limits, known: trust.known } as const;
    const verdict = resumed || shown.length === 0 ? undefined : opensslVerdict(socket);
    if (verdict !== undefined) throw verdict;
    // Node trusts the authorities inside PKCS #12 too, whatever `ca` says: OpenSSL's verdict is not enough.
    const mustAnchor = trust.explicit || credentials?.pfx !== undefined;
    const chain = resumed || shown.length === 0 ? shown : provedChain(shown, trust, mustAnchor, rules);
    const problem = chainProblem(chain, rules);
    if (problem !== undefined) throw problem;
    return chain;
  }

  #firstVerifiedAt(resumed: boolean, now: number): number {
    return resumed ? (this.#offered?.firstVerifiedAt ?? now) : now;
  }

  /** RFC 7301 §3.1: the server's choice is one of ours. OpenSSL takes any. */
  #checkProtocol(socket: TLSSocket): void {
    const chosen = socket.alpnProtocol;
    if (typeof chosen !== 'string' || chosen === '' || this.#settings.alpnProtocols.includes(chosen)) return;
    throw new PeerMisbehavedError('the server chose an application protocol that was not offered', {
      alert: 'illegal_parameter',
    });
  }

  /** A resumed session proves nothing by itself: its chain is the one that was verified when it was made. */
  #resumedChain(socket: TLSSocket): readonly Uint8Array[] {
    const chain = this.#offered?.chain;
    const leaf = socket.getPeerCertificate(false)?.raw;
    const same = chain?.[0] !== undefined && (leaf === undefined || Buffer.compare(chain[0], leaf) === 0);
    if (chain !== undefined && same) return chain;
    throw new CertificateError('bad-certificate', 'the resumed session is not the one that was offered', {
      phase: 'verification',
    });
  }

  verified(core: EngineCore): void {
    this.#isVerified = true;
    const early = this.#early;
    this.#early = [];
    for (const session of early) this.#keep(core, session);
  }

  #keep(core: EngineCore, session: Buffer): void {
    if (!core.sink.alive || this.#settings.sessions === undefined) return;
    if (!this.#isVerified) {
      if (this.#early.length < core.host.limits.maxTickets + 1) this.#early.push(session);
      return;
    }
    const kept = this.#tickets++ < core.host.limits.maxTickets;
    if (kept && this.#proof !== undefined) this.#sessions.put(session, this.#proof.chain, this.#proof.firstVerifiedAt);
    if (core.sink.observed) core.sink.event({ type: 'ticket', direction: 'received', kept });
  }
}
