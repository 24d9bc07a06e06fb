import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { EngineCore } from './connector.ts';
import { inheritingNothing } from './openssl-options.ts';
import { contextOptions, contextRefused } from './secure-context.ts';
import type { ServerSettings } from './server-options.ts';
import { tellKeylog } from './tell-keylog.ts';
import type { TicketKey } from './ticket-key.ts';

/** The longest timer that Node can set, in milliseconds: 24 days. */
const longestTimeout = 0x7fff_ffff;

/**
 * A `tls.Server` that never listens: it gives a duplex what a bare server-side `TLSSocket` lacks. Node answers by events
 * of the shared server, which name no duplex: the engine whose call into OpenSSL is running, or ran last, is meant.
 */
export class NodeServer {
  readonly #server: Server;
  #current: EngineCore | undefined;

  /** @throws ApiMisuseError when OpenSSL refuses the options. */
  constructor(settings: ServerSettings, renegotiation: boolean, policy: string, ticketKey: TicketKey) {
    const ticketKeys = ticketKey.copy();
    try {
      this.#server = createServer(
        inheritingNothing({
          ...contextOptions(settings, renegotiation),
          ...(settings.alpnProtocols.length > 0 ? { ALPNProtocols: [...settings.alpnProtocols] } : {}),
          requestCert: settings.clientAuth !== 'none',
          // Ours is the judgement, so that its reason is known; Node would only cut.
          rejectUnauthorized: false,
          // Time belongs to core. 0 would be two minutes, behind which Node tells of no failure.
          handshakeTimeout: longestTimeout,
          sessionIdContext: policy.slice(0, 32),
          ticketKeys,
        }),
      );
    } catch (error) {
      throw contextRefused(error);
    } finally {
      // OpenSSL has them by now.
      ticketKeys.fill(0);
    }
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#current?.adopt(socket);
      this.#current?.secured();
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
      // Node's words for "closed before the handshake was over", said long after: the wire's own 'close' tells that.
      if (error.code !== 'ECONNRESET') this.#current?.broken(error);
    });
    const { ocspStaple, keylog } = settings;
    if (ocspStaple !== undefined)
      this.#server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, respond: Respond) =>
        respond(null, ocspStaple),
      );
    if (keylog) this.#server.on('keylog', (line: Buffer) => tellKeylog(this.#current?.sink, line));
  }

  connect(core: EngineCore): void {
    this.#server.emit('connection', core.wire);
  }

  /**
   * Node reports a failed handshake one tick after the call that failed. Ticks run in the order they were asked for: what
   * the call asks for runs between the two asked for here, whatever other connections do meanwhile.
   */
  enter(core: EngineCore, call: () => void): void {
    process.nextTick(() => {
      this.#current = core;
    });
    const outer = this.#current;
    this.#current = core;
    try {
      call();
    } finally {
      this.#current = outer;
      process.nextTick(() => {
        this.#current = undefined;
      });
    }
  }
}

type Respond = (error: Error | null, response: Buffer) => void;
