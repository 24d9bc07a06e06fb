import {
  type NegotiatedParameters,
  PeerIncompatibleError,
  PeerMisbehavedError,
  type TlsRole,
} from '@rxtls/core/engine';
import { decodePlaceboHello, offersVersion } from './placebo-client-hello.ts';
import type { ResolvedPlaceboOptions } from './placebo-options.ts';
import { placeboMessage, placeboRecords } from './placebo-records.ts';

/** What the handshake asks of the connection around it. */
export interface HandshakeSteps {
  send(record: Uint8Array): void;
  /** Runs the user's check, if any, and goes on when it passed. */
  verify(passed: () => void): void;
  negotiated(parameters: NegotiatedParameters): void;
}

/**
 * The first "handshake": n round trips that prove nothing.
 *
 *     client                              server
 *     ClientHello            ──────►
 *                            ◄──────      ServerHello(round 1, last if roundTrips = 1)
 *     ClientKeyExchange(2)   ──────►                                   for each further round
 *                            ◄──────      ServerHello(round 2, …)
 *     verify, Finished       ──────►      verify, tickets
 */
export class PlaceboHandshake {
  readonly #role: TlsRole;
  readonly #options: ResolvedPlaceboOptions;
  readonly #steps: HandshakeSteps;
  #round = 0;
  #serverName: string | undefined;
  #alpnProtocol: string | undefined;

  constructor(role: TlsRole, options: ResolvedPlaceboOptions, steps: HandshakeSteps) {
    this.#role = role;
    this.#options = options;
    this.#steps = steps;
  }

  start(): void {
    if (this.#role === 'server') return;
    this.#round = 1;
    this.#serverName = this.#options.serverName;
    this.#steps.send(placeboRecords.clientHello(this.#options));
  }

  message(type: number, body: Uint8Array): void {
    if (this.#role === 'client') this.#fromServer(type, body);
    else this.#fromClient(type, body);
  }

  #fromServer(type: number, body: Uint8Array): void {
    const [round, last] = body;
    if (type !== placeboMessage.serverHello || round !== this.#round || last === undefined) throw unexpected(type);
    if (last === 0) {
      this.#steps.send(placeboRecords.clientRound(++this.#round));
      return;
    }
    const alpnProtocol = String.fromCharCode(...body.subarray(2));
    if (alpnProtocol !== '') {
      // RFC 7301 §3.2: the server picks from what the client offered.
      if (!this.#options.alpnProtocols.includes(alpnProtocol))
        throw new PeerMisbehavedError('the server chose an application protocol that was not offered', {
          alert: 'illegal_parameter',
        });
      this.#alpnProtocol = alpnProtocol;
    }
    this.#steps.verify(() => {
      this.#steps.send(placeboRecords.finished());
      this.#done();
    });
  }

  #fromClient(type: number, body: Uint8Array): void {
    const { roundTrips } = this.#options;
    if (this.#round === 0 && type === placeboMessage.clientHello) this.#admit(body);
    else if (this.#round > 0 && this.#round < roundTrips && type === placeboMessage.clientKeyExchange) {
      if (body[0] !== this.#round + 1) throw unexpected(type);
    } else if (this.#round === roundTrips && type === placeboMessage.finished) {
      this.#steps.verify(() => this.#done());
      return;
    } else throw unexpected(type);
    this.#round += 1;
    const last = this.#round === roundTrips;
    this.#steps.send(placeboRecords.serverFlight(this.#round, last, last ? this.#alpnProtocol : undefined));
  }

  #admit(body: Uint8Array): void {
    const hello = decodePlaceboHello(body);
    const { version, alpnProtocols } = this.#options;
    if (!offersVersion(hello, version))
      throw new PeerIncompatibleError(`the client does not offer ${version}`, { alert: 'protocol_version' });
    this.#serverName = hello.serverName;
    if (alpnProtocols.length === 0 || hello.alpnProtocols.length === 0) return;
    this.#alpnProtocol = alpnProtocols.find((protocol) => hello.alpnProtocols.includes(protocol));
    if (this.#alpnProtocol === undefined)
      throw new PeerIncompatibleError('no application protocol in common', { alert: 'no_application_protocol' });
  }

  #done(): void {
    const { version, verification, peerChain = [], tickets } = this.#options;
    this.#steps.negotiated({
      version,
      cipherSuite: 'TLS_NULL_WITH_NULL_NULL',
      resumed: false,
      peer: { chain: peerChain, verification },
      ...(this.#alpnProtocol === undefined ? {} : { alpnProtocol: this.#alpnProtocol }),
      ...(this.#serverName === undefined ? {} : { serverName: this.#serverName }),
    });
    if (this.#role === 'client') return;
    for (let sent = 0; sent < tickets; sent++) this.#steps.send(placeboRecords.ticket());
  }
}

/** A handshake message where the protocol has no place for it. */
export const unexpected = (type: number): PeerMisbehavedError =>
  new PeerMisbehavedError(`a handshake message of type ${type} came where none may`, { alert: 'unexpected_message' });
