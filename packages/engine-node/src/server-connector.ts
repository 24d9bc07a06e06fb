import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import {
  alertNumber,
  ClientHelloReader,
  contentType,
  EngineFailureError,
  type Limits,
  offeredTickets,
  PeerIncompatibleError,
  PeerMisbehavedError,
} from '@rxtls/core/engine';
import type { Authenticated } from '@rxtls/core/engine-parts';
import type { Connector, EngineCore } from './connector.ts';
import type { NodeServer } from './node-server.ts';
import type { NodeServers } from './node-servers.ts';
import { opensslVerdict } from './openssl-verdict.ts';
import type { ServerSettings } from './server-options.ts';
import type { TrustAnchors } from './trust-anchors.ts';
import { type ChainRules, chainProblem, peerChain, provedChain } from './verification.ts';

/** Client chains proved in full handshakes, by their leaf; a ticket brings back the leaf alone. */
export type ProvedChains = Map<string, readonly Uint8Array[]>;

const maxProvedChains = 1_024;

/** A fatal alert in the clear: there is no OpenSSL yet that could send it. */
const unrecognizedName = [contentType.alert, 3, 3, 0, 2, 2, alertNumber.unrecognized_name];

/** The server's part of one connection: the judgement of the client. */
export class ServerConnector implements Connector {
  readonly role = 'server';
  readonly #settings: ServerSettings;
  readonly #servers: NodeServers;
  readonly #proved: ProvedChains;
  /** Until the ClientHello has been read: a connection lives longer. */
  #hello: ClientHelloReader | undefined;
  #nameSent: string | undefined;
  #tickets: readonly Uint8Array[] = [];
  #helloProblem: unknown;
  #server: NodeServer | undefined;
  /** Paths of the leaves in the client's tickets. */
  readonly #offered: ProvedChains = new Map();
  #authenticated = false;

  constructor(settings: ServerSettings, servers: NodeServers, proved: ProvedChains, limits: Limits) {
    this.#settings = settings;
    this.#servers = servers;
    this.#proved = proved;
    this.#hello = new ClientHelloReader(limits);
  }

  start(core: EngineCore): void {
    if (!this.#servers.chooseByName && !this.#servers.chooseByTicket) this.#connect(core);
  }

  /**
   * Reads the client's name: OpenSSL chooses no virtual host by it, and forgets it in resumptions of TLS 1.2. And its tickets:
   * OpenSSL has one key for them.
   */
  preview(core: EngineCore, bytes: Uint8Array): void {
    if (this.#hello === undefined) return;
    try {
      const hello = this.#hello.receive(bytes);
      if (hello === undefined) return;
      this.#nameSent = hello.serverName;
      if (this.#servers.chooseByTicket)
        this.#tickets = offeredTickets(hello, Math.max(1, core.host.limits.maxPskIdentities));
    } catch (error) {
      // OpenSSL may refuse such a hello with its own alert; if it does not, we do. By name it cannot be chosen any more.
      if (this.#servers.chooseByName) throw error;
      this.#helloProblem = error;
    }
    this.#hello = undefined;
    if (this.#server === undefined) this.#connect(core);
    this.#tickets = [];
  }

  get awaitsHello(): boolean {
    return this.#server === undefined && this.#hello !== undefined;
  }

  #connect(core: EngineCore): void {
    const servers = this.#servers.serversFor(this.#nameSent, core.host.limits);
    const { clientAuth } = this.#settings;
    this.#server = servers?.serverFor(
      this.#tickets,
      clientAuth === 'none' ? undefined : (leaf) => this.#mayResume(core, leaf),
    );
    this.#tickets = []; // parts of the ClientHello
    if (this.#server === undefined) {
      core.sink.ciphertext(Uint8Array.from(unrecognizedName));
      throw new PeerIncompatibleError('the client asks for no name that is served here', {
        alert: 'unrecognized_name',
      });
    }
    this.enter(core, () => this.#server?.connect(core));
  }

  /**
   * A ticket holds no intermediates: of whom it brings back there has to be a path, that would pass now, or there is no use
   * in resuming. A client may have a new certificate beside the session of its old one.
   */
  #mayResume(core: EngineCore, leaf: Uint8Array | undefined): boolean {
    const { clientAuth, trust } = this.#settings;
    if (leaf === undefined || trust === undefined) return clientAuth === 'request';
    const rules = clientRules(core, trust);
    try {
      const path = this.#path(leaf, trust, rules);
      if (chainProblem(path, rules) !== undefined) return false;
      this.#offered.set(leafKey(leaf), path);
      return true;
    } catch {
      // Whatever it is that speaks against it: a full handshake will say it.
      return false;
    }
  }

  /** Once Node has given its socket away, events of the connection are the socket's own. */
  get isShared(): boolean {
    return this.#server !== undefined && !this.#authenticated;
  }

  enter(core: EngineCore, call: () => void): void {
    if (this.#server === undefined || this.#authenticated) call();
    else this.#server.enter(core, call);
  }

  authenticate(core: EngineCore, socket: TLSSocket): Authenticated {
    this.#authenticated = true;
    // A name that cannot be read is not the same as no name.
    if (this.#helloProblem !== undefined) throw this.#helloProblem;
    const resumed = socket.isSessionReused();
    if (resumed && !this.#settings.resumption)
      throw new PeerMisbehavedError('a session was resumed where resumption is switched off');
    const peer = this.#judge(core, socket, resumed);
    const { verify } = this.#settings;
    const serverName = this.#nameSent;
    return {
      peer,
      resumed,
      ...(serverName === undefined ? {} : { serverName }),
      ...(verify === undefined ? {} : { verify }),
    };
  }

  #judge(core: EngineCore, socket: TLSSocket, resumed: boolean): Authenticated['peer'] {
    const { clientAuth, trust } = this.#settings;
    if (clientAuth === 'none') return { chain: [], verification: 'not-requested' };
    if (trust === undefined) throw new EngineFailureError('client authentication without trust anchors');
    const shown = peerChain(socket);
    if (shown.length === 0 && clientAuth === 'request') return { chain: [], verification: 'not-requested' };
    const rules = clientRules(core, trust);
    const chain = resumed ? this.#resumedChain(shown, trust, rules) : this.#fullChain(socket, shown, trust, rules);
    const problem = chainProblem(chain, rules);
    if (problem !== undefined) throw problem;
    if (!resumed) this.#remember(chain);
    // Copies: what is remembered is for other connections, too.
    return { chain: chain.map((der) => new Uint8Array(der)), verification: 'passed' };
  }

  #fullChain(socket: TLSSocket, shown: Chain, trust: TrustAnchors, rules: ChainRules): Chain {
    // OpenSSL has nothing to say of a certificate that is missing.
    if (shown.length === 0) return shown;
    const verdict = opensslVerdict(socket);
    if (verdict !== undefined) throw verdict;
    // Some versions of Node show a server the leaf alone.
    return provedChain(shown, trust, shown.length > 1, rules);
  }

  /** A resumed chain was proved by this factory, or it is proved now: see {@link ServerConnector.#mayResume}. */
  #resumedChain(shown: Chain, trust: TrustAnchors, rules: ChainRules): Chain {
    const [leaf] = shown;
    if (leaf === undefined) return shown;
    return this.#offered.get(leafKey(leaf)) ?? this.#path(leaf, trust, rules);
  }

  /** @throws CertificateError when the leaf alone leads to no anchor, and this factory knows no more of it */
  #path(leaf: Uint8Array, trust: TrustAnchors, rules: Pick<ChainRules, 'now' | 'limits'>): Chain {
    return this.#proved.get(leafKey(leaf)) ?? provedChain([leaf], trust, true, rules);
  }

  #remember(chain: readonly Uint8Array[]): void {
    if (chain[0] === undefined) return;
    const key = leafKey(chain[0]);
    this.#proved.delete(key);
    this.#proved.set(key, chain);
    const oldest = this.#proved.size > maxProvedChains ? this.#proved.keys().next().value : undefined;
    if (oldest !== undefined) this.#proved.delete(oldest);
  }
}

type Chain = readonly Uint8Array[];

const clientRules = ({ host }: EngineCore, { known }: TrustAnchors): ChainRules => ({
  usage: 'clientAuth',
  now: host.wallClock(),
  limits: host.limits,
  known,
});

const leafKey = (leaf: Uint8Array): string => createHash('sha256').update(leaf).digest('base64url');
