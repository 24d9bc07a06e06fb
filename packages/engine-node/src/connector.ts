import type { TLSSocket } from 'node:tls';
import type { NegotiatedParameters, TlsError, TlsHost, TlsRole } from '@rxtls/core/engine';
import type { Authenticated, LiveSink } from '@rxtls/core/engine-parts';
import type { MemoryWire } from './memory-wire.ts';

/** What a role's part may ask of the engine it belongs to. */
export interface EngineCore {
  readonly sink: LiveSink;
  readonly host: TlsHost;
  readonly wire: MemoryWire;
  /** OpenSSL's side of the connection is known from now on. */
  adopt(socket: TLSSocket): void;
  /** The first handshake is over. */
  secured(): void;
  /** Node reported an error. */
  broken(error: unknown): void;
  /** Ends with an error of ours. */
  fail(error: TlsError): void;
  /** Runs a call whose exceptions end the connection and go no further: for listeners that Node calls. */
  guard(call: () => void): void;
}

/** The part of an engine that differs between client and server. One for each connection. */
export interface Connector {
  readonly role: TlsRole;
  /** Puts OpenSSL on the wire. Called once, when the engine is made. */
  start(core: EngineCore): void;
  /** OpenSSL begins with the whole ClientHello, and that is not there yet. */
  readonly awaitsHello?: boolean;
  /** Sees the ciphertext before OpenSSL does: for a choice that needs the ClientHello. */
  preview?(core: EngineCore, bytes: Uint8Array): void;
  /** Whether calls into OpenSSL have to go through {@link Connector.enter}. */
  readonly isShared: boolean;
  /** Runs a call into OpenSSL so that events of a shared `tls.Server` find their engine. */
  enter(core: EngineCore, call: () => void): void;
  /** Judges the peer of a finished handshake. @throws CertificateError when it is refused. */
  authenticate(core: EngineCore, socket: TLSSocket): Authenticated;
  /** The peer is verified, by the user's function too. */
  verified?(core: EngineCore, parameters: NegotiatedParameters): void;
}
