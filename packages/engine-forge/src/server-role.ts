import {
  type ClientHello,
  ClientHelloReader,
  PeerIncompatibleError,
  PeerMisbehavedError,
  type TlsHost,
} from '@rxtls/core/engine';
import type { Authenticated } from '@rxtls/core/engine-parts';
import { type BinaryString, toBinaryString } from './binary-string.ts';
import { ByteCursor } from './byte-cursor.ts';
import type { DrivenConnection, RoleOptions } from './driven-connection.ts';
import type { ForgeSession } from './forge-library.ts';
import {
  cachedSession,
  cipherSuites,
  type ForgeRole,
  handshakeType,
  judgedElsewhere,
  sessionState,
} from './forge-role.ts';
import type { HandshakeMessage } from './handshake-reader.ts';
import { hostRandom } from './host-entropy.ts';
import { checkJudgedKey } from './judged-key.ts';
import { pinRandom } from './pinned-random.ts';
import { holdPremasterLength } from './premaster-length.ts';
import {
  checkRenegotiationInfo,
  hashRenegotiationInfo,
  RenegotiationInfoWriter,
  renegotiationInfoType,
  renegotiationInfoScsv,
} from './renegotiation-info.ts';
import { readCertificates, readExtensions } from './server-hello.ts';
import type { ServerSettings } from './server-options.ts';
import type { ServerSession, ServerSessions } from './server-sessions.ts';
import type { TrustAnchors } from './trust-anchors.ts';
import { judgeChain } from './verification.ts';

/** RFC 7507 §2: sent by a client that tries an older version after a newer one failed. */
const fallbackScsv = 0x5600;
/** RFC 8446 §4.1.3: the last eight bytes of ServerHello.random where TLS 1.1 or below was negotiated. */
const downgradeSentinel = '\x44\x4f\x57\x4e\x47\x52\x44\x00';

/** A server's part of a connection: what it holds the ClientHello and the client's certificate against. */
export class ServerRole implements ForgeRole {
  readonly role = 'server';
  readonly renegotiationMessage: number = handshakeType.clientHello;
  readonly #settings: ServerSettings;
  readonly #sessions: ServerSessions;
  #sessionId: BinaryString | undefined;
  readonly #host: TlsHost;
  readonly #writer = new RenegotiationInfoWriter();
  #reader: ClientHelloReader | undefined;
  /** Until node-forge has its message: it may be long, and a connection too. */
  #hello: ClientHello | undefined;
  #serverName: string | undefined;
  #resumable: ServerSession | undefined;
  #chain: readonly Uint8Array[] = [];

  constructor(settings: ServerSettings, sessions: ServerSessions, host: TlsHost) {
    this.#settings = settings;
    this.#sessions = sessions;
    this.#host = host;
    this.#reader = new ClientHelloReader(host.limits);
  }

  get keylog(): boolean {
    return this.#settings.keylog;
  }

  get options(): RoleOptions {
    const { credentials, clientAuth, trust } = this.#settings;
    return {
      server: true,
      caStore: judgedElsewhere(namedAuthorities(trust)),
      cipherSuites: cipherSuites(),
      verifyClient: clientAuth === 'none' ? false : clientAuth === 'require' ? true : 'optional',
      sessionCache: {
        order: [],
        getSession: (id) => {
          const state = this.#resumable?.state;
          return state !== undefined && id === state.id ? cachedSession(state, state.minorVersion) : null;
        },
        setSession: () => {},
      },
      getCertificate: () => credentials.chainPem,
      getPrivateKey: () => credentials.keyPem,
    };
  }

  start(): void {}

  session(session: ForgeSession): void {
    const sentinel = this.#settings.allowFallback ? '' : downgradeSentinel;
    const random = hostRandom(this.#host, 32 - sentinel.length, 'ServerHello.random') + sentinel;
    pinRandom(session, 'server_random', random, (parameters) =>
      holdPremasterLength(parameters, () => hostRandom(this.#host, 48, 'premaster secret')),
    );
    if (this.#writer.active) hashRenegotiationInfo(session);
  }

  record(record: Uint8Array): void {
    this.#hello = this.#reader?.receive(record) ?? this.#hello;
    if (this.#hello !== undefined) this.#reader = undefined;
  }

  message({ type, bytes }: HandshakeMessage): void {
    if (type === handshakeType.clientHello && this.#hello !== undefined) {
      this.#clientHello(this.#hello);
      this.#serverName = this.#hello.serverName;
      this.#hello = undefined;
    } else if (type === handshakeType.certificate) this.#certificate(bytes);
  }

  outbound(ciphertext: BinaryString): BinaryString {
    return this.#writer.rewrite(ciphertext);
  }

  authenticated({ session }: DrivenConnection): Authenticated {
    const { verify } = this.#settings;
    const resumed = session?.resuming === true;
    const chain = resumed ? (this.#resumable?.chain ?? []) : this.#chain;
    if (!resumed) checkJudgedKey(session?.clientCertificate, chain);
    const serverName = this.#serverName;
    return {
      // Copies: what the session has is for other connections, too.
      peer: {
        chain: chain.map((der) => new Uint8Array(der)),
        verification: chain.length > 0 ? 'passed' : 'not-requested',
      },
      resumed,
      ...(serverName !== undefined && { serverName }),
      ...(verify !== undefined && { verify }),
    };
  }

  verified(connection: DrivenConnection): void {
    const state = connection.session?.resuming === true ? undefined : sessionState(connection);
    if (state === undefined) return;
    const firstVerifiedAt = this.#host.wallClock();
    this.#sessions.put({ state, serverName: this.#serverName, chain: this.#chain, firstVerifiedAt });
    this.#sessionId = state.id;
  }

  failed(): void {
    const id = this.#sessionId ?? this.#resumable?.state.id;
    if (id !== undefined) this.#sessions.forget(id);
  }

  #clientHello(hello: ClientHello): void {
    if (hello.legacyVersion < 0x0301)
      throw new PeerIncompatibleError('the client offers nothing newer than SSL 3', { alert: 'protocol_version' });
    if (hello.cipherSuites.includes(fallbackScsv) && !this.#settings.allowFallback)
      throw new PeerIncompatibleError('the client came here after a newer version failed', {
        alert: 'inappropriate_fallback',
      });
    const known = cipherSuites();
    const suite = hello.cipherSuites
      .map((offered) => known.find(({ id: [high, low] }) => ((high << 8) | low) === offered))
      .find((each) => each !== undefined);
    if (suite === undefined)
      throw new PeerIncompatibleError('the client offers no cipher suite that node-forge knows', {
        alert: 'handshake_failure',
      });
    const { sessionId, extensions } = helloDetails(hello.message);
    const renegotiationInfo = extensions.get(renegotiationInfoType);
    if (renegotiationInfo !== undefined) checkRenegotiationInfo(renegotiationInfo);
    this.#writer.active = renegotiationInfo !== undefined || hello.cipherSuites.includes(renegotiationInfoScsv);
    const session = this.#sessions.find(sessionId, hello.serverName, this.#host);
    // node-forge takes the client's first suite, whatever the session had.
    if (session?.state.cipherSuite === suite.name) this.#resumable = session;
  }

  #certificate(message: Uint8Array): void {
    const shown = readCertificates(message);
    const { clientAuth, trust, allowSha1 } = this.#settings;
    if (trust === undefined || (shown.length === 0 && clientAuth === 'request')) return;
    const { limits } = this.#host;
    this.#chain = judgeChain(shown, { usage: 'clientAuth', trust, allowSha1, now: this.#host.wallClock(), limits });
  }
}

/** What the engine contract's ClientHello leaves out. @throws PeerMisbehavedError */
function helloDetails(message: Uint8Array): {
  readonly sessionId: BinaryString;
  readonly extensions: ReadonlyMap<number, Uint8Array>;
} {
  const hello = new ByteCursor(message, 'ClientHello', 4);
  hello.take(34);
  const sessionId = hello.vector(1);
  hello.vector(2);
  // RFC 4346 §7.4.1.2: "This vector MUST contain, and all implementations MUST support, CompressionMethod.null."
  if (!hello.vector(1).includes(0))
    throw new PeerMisbehavedError('the client does not offer to leave out compression', { alert: 'illegal_parameter' });
  const extensions = hello.isAtEnd ? new Map<number, Uint8Array>() : readExtensions(hello.vector(2));
  return { sessionId: toBinaryString(sessionId), extensions };
}

/** As node-forge reads a store when it names authorities in a CertificateRequest. */
const namedAuthorities = (trust: TrustAnchors | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries((trust?.anchors ?? []).map(({ certificate }, index) => [`${index}`, certificate]));
