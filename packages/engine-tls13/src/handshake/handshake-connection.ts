import type { EngineTask, NegotiatedParameters, TlsHost } from '@rxtls/core/engine';
import type { CipherSuite } from '../crypto/cipher-suite.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import type { HandshakeMessage } from '../record/handshake-deframer.ts';

/** What a handshake asks of the connection it runs on. */
export interface HandshakeConnection {
  readonly crypto: CryptoProvider;
  readonly host: TlsHost;
  /** Adds a message to the flight. The answer is the message as it goes out: what the transcript is made of. */
  send(message: Uint8Array): Uint8Array;
  sendChangeCipherSpec(): void;
  /** What is sent from now on is protected by this secret, which the connection keeps and wipes. */
  protectSending(suite: CipherSuite, secret: Uint8Array, epoch: number): void;
  /** What is received from now on. @throws PeerMisbehavedError for handshake bytes left over from before (RFC 8446 §5.1). */
  protectReceiving(suite: CipherSuite, secret: Uint8Array, epoch: number): void;
  /** The peer's record_size_limit, and ours once the peer has heard of it (RFC 8449 §4). */
  limitSending(bytes: number): void;
  limitReceiving(bytes: number): void;
  /** Early data may come, which is skipped (RFC 8446 §4.2.10) until a record opens, or `endEarlyData`: a second ClientHello. */
  skipEarlyData(): void;
  endEarlyData(): void;
  /** A user's function: nothing is received until it is settled, and `then` goes on with its answer. */
  ask<T>(task: Pick<EngineTask<T>, 'name' | 'alert' | 'run'>, then: (answer: T) => void): void;
  /** A line of NSS key log format, where the option is on (RFC 9850). */
  keylog(label: string, clientRandom: Uint8Array, secret: Uint8Array): void;
  /** The peer is proved and its Finished verified: `connected` is what the connection needs from now on. */
  done(connected: Connected): void;
}

/** What a handshake leaves behind. */
export interface Connected {
  readonly suite: CipherSuite;
  readonly parameters: NegotiatedParameters;
  /** exporter_secret (RFC 8446 §7.5). */
  readonly exporter: Uint8Array;
  /** resumption_secret (RFC 8446 §7.1). */
  readonly resumption: Uint8Array;
  /** When the peer's chain was first verified, in milliseconds since 1970: now, or what the resumed session says. */
  readonly firstVerifiedAt: number;
}

/** One side's handshake: a table of states, and after it what still may come. */
export interface Handshake {
  /** The state's name in RFC 8446 Appendix A. */
  readonly state: string;
  start(): void;
  /** @throws PeerMisbehavedError `unexpected_message` for a message that the state does not know. */
  receive(message: HandshakeMessage): void;
  wipe(): void;
}
