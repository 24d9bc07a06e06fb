import { PeerIncompatibleError, PeerMisbehavedError, type TlsHost } from '@rxtls/core/engine';
import type { Authenticated, SessionEnvelope } from '@rxtls/core/engine-parts';
import type { BinaryString } from './binary-string.ts';
import type { ClientSettings } from './client-options.ts';
import type { ClientSessions } from './client-sessions.ts';
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
import type { ForgeSessionState } from './forge-sessions.ts';
import { type HandshakeMessage, outOfOrder } from './handshake-reader.ts';
import { hostRandom } from './host-entropy.ts';
import { checkJudgedKey } from './judged-key.ts';
import { pinRandom } from './pinned-random.ts';
import { checkRenegotiationInfo, emptyRenegotiationInfoScsv, renegotiationInfoType } from './renegotiation-info.ts';
import { readCertificates, readServerHello } from './server-hello.ts';
import { boundChain, judgeChain } from './verification.ts';

const minorVersions = { TLSv1: 1, 'TLSv1.1': 2 } as const;
const serverNameType = 0;

/** A client's part of a connection: what it offers, and what it holds the server's answers against. */
export class ClientRole implements ForgeRole {
  readonly role = 'client';
  readonly renegotiationMessage: number = handshakeType.helloRequest;
  readonly #settings: ClientSettings;
  readonly #sessions: ClientSessions;
  #kept: SessionEnvelope<ForgeSessionState> | undefined;
  readonly #host: TlsHost;
  readonly #offered: SessionEnvelope<ForgeSessionState> | undefined;
  #resumed = false;
  #chain: readonly Uint8Array[] = [];

  constructor(settings: ClientSettings, sessions: ClientSessions, host: TlsHost) {
    this.#settings = settings;
    this.#sessions = sessions;
    this.#host = host;
    this.#offered = sessions.take(host);
  }

  get keylog(): boolean {
    return this.#settings.keylog;
  }

  get options(): RoleOptions {
    const { identity, credentials } = this.#settings;
    const offered = this.#offered?.session;
    return {
      server: false,
      caStore: judgedElsewhere({}),
      cipherSuites: [...cipherSuites(), emptyRenegotiationInfoScsv],
      sessionCache: {
        order: [],
        getSession: (id) => (offered !== undefined && id === offered.id ? cachedSession(offered, this.#newest) : null),
        setSession: () => {},
      },
      ...(identity.kind === 'dns' && { virtualHost: identity.name }),
      ...(credentials !== undefined && {
        getCertificate: () => credentials.chainPem,
        getSignature: (connection, bytes, done) => done(connection, credentials.key.sign(bytes, null)),
      }),
    };
  }

  start(connection: DrivenConnection): void {
    connection.handshake(this.#newest, this.#offered?.session.id);
  }

  session(session: ForgeSession): void {
    pinRandom(session, 'client_random', hostRandom(this.#host, 32, 'ClientHello.random'));
  }

  record(): void {}

  message({ type, bytes }: HandshakeMessage): void {
    if (type === handshakeType.serverHello) this.#serverHello(bytes);
    else if (type === handshakeType.certificate) this.#certificate(bytes);
    // RFC 4346 §7.3: behind the Certificate. node-forge takes a CertificateRequest without one, and notices later.
    else if (type === handshakeType.certificateRequest || type === handshakeType.serverHelloDone)
      this.#behindCertificate();
  }

  outbound(ciphertext: BinaryString): BinaryString {
    return ciphertext;
  }

  authenticated({ session }: DrivenConnection): Authenticated {
    const { identity, verify, replaceVerification } = this.#settings;
    if (!this.#resumed) checkJudgedKey(session?.serverCertificate, this.#chain);
    const asked = verify ?? replaceVerification;
    return {
      peer: { chain: this.#chain, verification: 'passed' },
      resumed: this.#resumed,
      ...(identity.kind === 'dns' && { serverName: identity.name }),
      ...(asked !== undefined && { verify: asked }),
    };
  }

  verified(connection: DrivenConnection): void {
    // A session that was resumed is not kept again: each is offered once.
    const state = this.#resumed ? undefined : sessionState(connection);
    if (state !== undefined) this.#kept = this.#sessions.put(state, this.#chain, this.#host.wallClock());
  }

  failed(): void {
    if (this.#kept !== undefined) this.#sessions.forget(this.#kept);
  }

  #behindCertificate(): void {
    if (this.#chain.length === 0) throw outOfOrder('a message behind the Certificate');
  }

  get #newest(): number {
    return minorVersions[this.#settings.versions[0] ?? 'TLSv1'];
  }

  #serverHello(message: Uint8Array): void {
    const { version, sessionId, cipherSuite, extensions } = readServerHello(message);
    const minor = version - 0x0300;
    if (!this.#settings.versions.some((allowed) => minorVersions[allowed] === minor))
      throw new PeerIncompatibleError('the server chose a version that is not allowed here', {
        alert: 'protocol_version',
      });
    const suite = cipherSuites().find(({ id: [high, low] }) => ((high << 8) | low) === cipherSuite);
    if (suite === undefined) throw illegal('the server chose a cipher suite that was not offered');
    for (const [type, data] of extensions)
      if (type === renegotiationInfoType) checkRenegotiationInfo(data);
      // RFC 4366 §2.3: an extension in the ServerHello that was not asked for: "unsupported_extension".
      else if (type !== serverNameType || this.#settings.identity.kind !== 'dns')
        throw new PeerMisbehavedError('the server sent an extension that was not asked for', {
          alert: 'unsupported_extension',
        });
    const offered = this.#offered;
    if (offered === undefined || sessionId === '' || sessionId !== offered.session.id) return;
    // RFC 4346 §7.4.1.3: a resumed session has the cipher suite, and so the version, that it began with.
    if (offered.session.cipherSuite !== suite.name || offered.session.minorVersion !== minor)
      throw illegal('the server resumed a session with other parameters');
    this.#resumed = true;
    this.#chain = offered.chain;
  }

  #certificate(message: Uint8Array): void {
    const shown = readCertificates(message);
    const { identity, trust, allowSha1, replaceVerification } = this.#settings;
    const { limits } = this.#host;
    this.#chain =
      replaceVerification === undefined
        ? judgeChain(shown, { usage: 'serverAuth', identity, trust, allowSha1, now: this.#host.wallClock(), limits })
        : boundChain(shown, limits);
  }
}

const illegal = (message: string): PeerMisbehavedError =>
  new PeerMisbehavedError(message, { alert: 'illegal_parameter' });
