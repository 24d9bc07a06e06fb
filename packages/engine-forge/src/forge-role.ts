import type { TlsRole } from '@rxtls/core/engine';
import type { Authenticated } from '@rxtls/core/engine-parts';
import type { BinaryString } from './binary-string.ts';
import type { DrivenConnection, RoleOptions } from './driven-connection.ts';
import { type ForgeCaStore, type ForgeCipherSuite, type ForgeSession, library } from './forge-library.ts';
import type { HandshakeMessage } from './handshake-reader.ts';
import type { ForgeSessionState } from './forge-sessions.ts';

/** The part of an engine that differs between client and server. One for each connection. */
export interface ForgeRole {
  readonly role: TlsRole;
  readonly keylog: boolean;
  readonly options: RoleOptions;
  /** The type of the handshake message by which the peer would begin anew. */
  readonly renegotiationMessage: number;
  /** Says the first word, if that is this side's. */
  start(connection: DrivenConnection): void;
  /** node-forge begins a handshake with this state. */
  session(session: ForgeSession): void;
  /** Sees each handshake record that comes in the clear, before the messages in it. Throws to refuse it. */
  record(record: Uint8Array): void;
  /** Sees each handshake message that comes in the clear, before node-forge does. Throws to refuse it. */
  message(message: HandshakeMessage): void;
  /** What goes on the wire instead of that. */
  outbound(ciphertext: BinaryString): BinaryString;
  /** Who the peer is, once node-forge is connected. */
  authenticated(connection: DrivenConnection): Authenticated;
  /** The peer is verified, by the user's function too. */
  verified(connection: DrivenConnection): void;
  /** The connection ended with a fatal alert, ours or the peer's: its session must not be resumed (RFC 4346 §7.2.2). */
  failed(): void;
}

/** Handshake messages (RFC 4346 §7.4). */
export const handshakeType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  certificate: 11,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** The two suites that node-forge knows, the shorter key first: it is no weaker here and faster. */
export const cipherSuites = (): readonly ForgeCipherSuite[] =>
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'TLS_RSA_WITH_AES_256_CBC_SHA'].flatMap(
    (name) => library.tls.CipherSuites[name] ?? [],
  );

/** The trust that node-forge is shown: everything, since whoever gets that far has been judged. */
export const judgedElsewhere = (certs: ForgeCaStore['certs']): ForgeCaStore => ({
  certs,
  getIssuer: () => null,
  hasCertificate: () => true,
});

/** What resumption needs of a handshake that is over. */
export function sessionState({ session, minorVersion }: DrivenConnection): ForgeSessionState | undefined {
  const masterSecret = session?.sp?.master_secret;
  const cipherSuite = session?.cipherSuite?.name;
  if (session === null || typeof masterSecret !== 'string' || cipherSuite === undefined) return undefined;
  return { id: session.id, minorVersion, cipherSuite, masterSecret };
}

/** A session as node-forge takes it from a cache: parameters of its own, since it writes to them. */
export const cachedSession = (
  { id, masterSecret }: ForgeSessionState,
  minorVersion: number,
): ReturnType<RoleOptions['sessionCache']['getSession']> => ({
  id,
  version: { major: 3, minor: minorVersion },
  sp: { master_secret: masterSecret, compression_algorithm: 0 },
});
