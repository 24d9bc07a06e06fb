import type { NegotiatedParameters, PeerIdentity } from '@rxtls/core/engine';
import { judgeChain } from '../certificate/judge-chain.ts';
import type { ClientSettings } from '../client-options.ts';
import type { CipherSuite } from '../crypto/cipher-suite.ts';
import type { KeyShare } from '../crypto/crypto-provider.ts';
import { groupName, groupNumber } from '../crypto/named-group.ts';
import { hostRandom } from '../host-random.ts';
import { type ApplicationSecrets, KeySchedule, type TrafficSecrets } from '../key-schedule/key-schedule.ts';
import { verifyData } from '../key-schedule/traffic-keys.ts';
import type { HandshakeMessage } from '../record/handshake-deframer.ts';
import type { ClientOffer } from '../session/client-sessions.ts';
import { askVerify } from './ask-verify.ts';
import { chainTooLong, checkProof, chooseScheme, sendAndHash, sendProof } from './certificate-proof.ts';
import { checkFinished } from './check-finished.ts';
import { buildClientHello } from './client-hello-builder.ts';
import { type ClientState, clientStates, type ClientStep } from './client-states.ts';
import { decodeAlpnServer } from './extensions/alpn.ts';
import { decodeCookie } from './extensions/cookie.ts';
import { decodeEmpty } from './extensions/empty-extension.ts';
import { extensionType } from './extensions/extension-type.ts';
import { decodeKeyShareRetry, decodeKeyShareServer } from './extensions/key-share.ts';
import { decodePreSharedKeyServer } from './extensions/offered-psks.ts';
import { decodeRecordSizeLimitServer } from './extensions/record-size-limit.ts';
import { decodeSignatureAlgorithms } from './extensions/signature-algorithms.ts';
import { checkUnusedExtensions } from './extensions/unused-extensions.ts';
import type { Handshake, HandshakeConnection } from './handshake-connection.ts';
import { illegal, missing, outOfOrder } from './handshake-checks.ts';
import { decodeCertificate, encodeCertificate } from './messages/certificate.ts';
import { decodeCertificateRequest } from './messages/certificate-request.ts';
import { decodeEncryptedExtensions } from './messages/encrypted-extensions.ts';
import { encodeFinished } from './messages/finished.ts';
import { handshakeTypeName } from './messages/handshake-type.ts';
import { isHelloRetryRequest } from './messages/hello-random.ts';
import { decodeServerHello, type ServerHello } from './messages/server-hello.ts';
import type { OfferedPsk } from './offered-psk.ts';
import { checkServerHello } from './server-hello-check.ts';
import { TranscriptHash } from './transcript-hash.ts';

const none = new Uint8Array(0);
const maxCookieBytes = 16_384;

/**
 * The client's handshake (RFC 8446 §2, Appendix A.1): client-states.ts says which message is taken when, and each step
 * below takes one and goes to the next state. Reads from top to bottom as a handshake does.
 */
export class ClientHandshake implements Handshake {
  state: ClientState = 'START';
  readonly #connection: HandshakeConnection;
  readonly #settings: ClientSettings;
  readonly #transcript: TranscriptHash;
  readonly #random: Uint8Array;
  readonly #sessionId: Uint8Array;
  /** A session that is offered for resumption. */
  readonly #offer: ClientOffer | undefined;
  #psks: readonly OfferedPsk[];
  #share: KeyShare;
  #offered: ReadonlySet<number> = new Set();
  /** The suite of a HelloRetryRequest, once there was one. */
  #retried: CipherSuite | undefined;
  #cookie: Uint8Array | undefined;
  #suite!: CipherSuite;
  #schedule!: KeySchedule;
  #secrets!: TrafficSecrets;
  /** Until they are handed over. */
  #applicationSecrets: ApplicationSecrets | undefined;
  #psk: OfferedPsk | undefined;
  #alpn: string | undefined;
  #peer: PeerIdentity = { chain: [], verification: 'passed' };
  #leaf: Uint8Array = none;
  /** The signature schemes of a CertificateRequest. */
  #requested: readonly number[] | undefined;

  constructor(connection: HandshakeConnection, settings: ClientSettings) {
    const { host, crypto } = connection;
    this.#connection = connection;
    this.#settings = settings;
    this.#transcript = new TranscriptHash(crypto);
    this.#random = hostRandom(host, 32, 'ClientHello.random');
    // RFC 8446 §D.4: "the client always provides a non-empty session ID in the ClientHello".
    this.#sessionId = settings.middleboxCompatibility ? hostRandom(host, 32, 'ClientHello.legacy_session_id') : none;
    this.#offer = settings.sessions.take(host);
    this.#psks = [...settings.externalPsks, ...(this.#offer === undefined ? [] : [this.#offer.psk])];
    this.#share = crypto.keyShare(settings.groups[0]!, (length, label) => host.random(length, label));
  }

  start(): void {
    this.#sendHello();
    this.state = 'WAIT_SH';
  }

  receive(message: HandshakeMessage): void {
    const name = handshakeTypeName(message.type);
    const steps = clientStates[this.state];
    // Own ones alone: a polluted prototype would add a step to every state, and Finished could come without a proof.
    const step: ClientStep | undefined = name !== undefined && Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (step === undefined) throw outOfOrder(message.type, this.state);
    this.#steps[step](message.bytes.subarray(4), message.bytes);
  }

  wipe(): void {
    this.#share.wipe();
    this.#schedule?.wipe();
    this.#secrets?.client.fill(0);
    this.#secrets?.server.fill(0);
    for (const secret of Object.values(this.#applicationSecrets ?? {})) secret.fill(0);
    this.#offer?.psk.key.fill(0);
  }

  readonly #steps: Readonly<Record<ClientStep, (body: Uint8Array, message: Uint8Array) => void>> = {
    serverHello: (body, message) => {
      const hello = decodeServerHello(body, this.#offered);
      if (isHelloRetryRequest(hello)) this.#helloRetryRequest(hello, message);
      else this.#serverHello(hello, message);
    },
    encryptedExtensions: (body, message) => this.#encryptedExtensions(body, message),
    certificateRequest: (body, message) => this.#certificateRequest(body, message),
    certificate: (body, message) => this.#certificate(body, message),
    certificateVerify: (body, message) => this.#certificateVerify(body, message),
    finished: (body, message) => this.#finished(body, message),
  };

  #sendHello(): void {
    const { message, offered } = buildClientHello(
      this.#settings,
      {
        random: this.#random,
        sessionId: this.#sessionId,
        share: this.#share,
        cookie: this.#cookie,
        psks: this.#psks,
      },
      this.#transcript,
    );
    this.#offered = offered;
    sendAndHash(this.#connection, this.#transcript, message);
  }

  #helloRetryRequest(hello: ServerHello, message: Uint8Array): void {
    // RFC 8446 §4.1.4: "If a client receives a second HelloRetryRequest in the same connection ... "unexpected_message"".
    if (this.#retried !== undefined) throw outOfOrder(message[0] ?? 0, 'WAIT_SH after HelloRetryRequest');
    const suite = checkServerHello(hello, { sessionId: this.#sessionId, suites: this.#settings.suites });
    const cookie = hello.extensions.get(extensionType.cookie);
    const share = hello.extensions.get(extensionType.key_share);
    // RFC 8446 §4.1.4: "if the HelloRetryRequest would not result in any change in the ClientHello ... "illegal_parameter"".
    if (cookie === undefined && share === undefined) throw illegal('HelloRetryRequest asks for no change');
    if (cookie !== undefined) this.#cookie = decodeCookie(cookie);
    // RFC 8446 §4.2.2 has cookies up to 2^16-1, which no ClientHello has room for beside its other extensions.
    if ((this.#cookie?.length ?? 0) > maxCookieBytes) throw illegal('a cookie too long to be sent back');
    if (share !== undefined) this.#shareAgain(decodeKeyShareRetry(share));
    this.#retried = suite;
    // RFC 8446 §4.1.4: pre-shared keys "incompatible with the server's indicated cipher suite" are left out.
    this.#psks = this.#psks.filter(({ hash }) => hash === suite.hash);
    this.#transcript.beginAgain(suite.hash);
    this.#transcript.add(message);
    this.#sendChangeCipherSpec();
    this.#sendHello();
  }

  #shareAgain(group: number): void {
    const name = groupName(group);
    // RFC 8446 §4.2.8: the group must be one of supported_groups, and no share of it have been sent; else "illegal_parameter".
    if (name === undefined || !this.#settings.groups.includes(name) || name === this.#share.group)
      throw illegal('HelloRetryRequest asks for a group that was not offered, or whose share was sent');
    const { host, crypto } = this.#connection;
    this.#share.wipe();
    this.#share = crypto.keyShare(name, (length, label) => host.random(length, label));
  }

  /** RFC 8446 §D.4: once, before our first protected record or our second ClientHello. */
  #sendChangeCipherSpec(): void {
    if (this.#settings.middleboxCompatibility) this.#connection.sendChangeCipherSpec();
  }

  #serverHello(hello: ServerHello, message: Uint8Array): void {
    const { extensions } = hello;
    const suite = checkServerHello(hello, { sessionId: this.#sessionId, suites: this.#settings.suites });
    // RFC 8446 §4.1.4: the suite of the ServerHello must be "the same" as in the HelloRetryRequest, else "illegal_parameter".
    if (this.#retried !== undefined && this.#retried !== suite)
      throw illegal('the server changed the cipher suite after HelloRetryRequest');
    this.#suite = suite;
    this.#psk = this.#selectedPsk(extensions.get(extensionType.pre_shared_key));
    const share = extensions.get(extensionType.key_share);
    if (share === undefined) throw missing('ServerHello.key_share');
    const { group, keyExchange } = decodeKeyShareServer(share);
    // RFC 8446 §4.2.8: "this value MUST be in the same group as the KeyShareEntry value offered by the client".
    if (group !== groupNumber[this.#share.group]) throw illegal('the server answers with a key share of another group');
    const shared = this.#share.agree(keyExchange);
    // RFC 8446 §4.2.8.2, RFC 7748 §6.1: points not on the curve and all-zero secrets are refused.
    if (shared === undefined) throw illegal("the server's key share is not valid");
    const { crypto } = this.#connection;
    this.#schedule = new KeySchedule(crypto, suite.hash, this.#psk?.key);
    this.#transcript.begin(suite.hash);
    this.#transcript.add(message);
    this.#secrets = this.#schedule.handshake(shared, this.#transcript.digest());
    shared.fill(0);
    this.#share.wipe();
    const { client, server } = this.#secrets;
    this.#connection.keylog('CLIENT_HANDSHAKE_TRAFFIC_SECRET', this.#random, client);
    this.#connection.keylog('SERVER_HANDSHAKE_TRAFFIC_SECRET', this.#random, server);
    this.#connection.protectReceiving(suite, server, 0);
    if (this.#retried === undefined) this.#sendChangeCipherSpec();
    this.#connection.protectSending(suite, client, 0);
    this.state = 'WAIT_EE';
  }

  #selectedPsk(selected: Uint8Array | undefined): OfferedPsk | undefined {
    if (selected === undefined) return undefined;
    // RFC 8446 §4.2.11: clients verify that "selected_identity is within the range supplied by the client" and that the suite's hash is the PSK's.
    const psk = this.#psks[decodePreSharedKeyServer(selected)];
    if (psk === undefined) throw illegal('the server selected a pre-shared key that was not offered');
    if (psk.hash !== this.#suite.hash) throw illegal("the cipher suite's hash is not the pre-shared key's");
    if (psk === this.#offer?.psk) this.#peer = { chain: this.#offer.chain, verification: 'passed' };
    return psk;
  }

  get #resumed(): boolean {
    return this.#psk !== undefined && this.#psk === this.#offer?.psk;
  }

  #encryptedExtensions(body: Uint8Array, message: Uint8Array): void {
    const { extensions } = decodeEncryptedExtensions(body, this.#offered);
    checkUnusedExtensions(extensions, 'EncryptedExtensions');
    const serverName = extensions.get(extensionType.server_name);
    if (serverName !== undefined) decodeEmpty(serverName, 'EncryptedExtensions.server_name');
    const alpn = extensions.get(extensionType.application_layer_protocol_negotiation);
    if (alpn !== undefined) {
      this.#alpn = decodeAlpnServer(alpn);
      // RFC 7301 §3.1: the ServerHello's list "MUST contain exactly one ProtocolName", one that the client offered.
      if (!this.#settings.alpnProtocols.includes(this.#alpn))
        throw illegal('the server chose an application protocol that was not offered');
    }
    const limit = extensions.get(extensionType.record_size_limit);
    if (limit !== undefined) {
      this.#connection.limitSending(decodeRecordSizeLimitServer(limit));
      this.#connection.limitReceiving(this.#settings.recordSizeLimit ?? 0);
    }
    this.#transcript.add(message);
    // RFC 8446 §4.4.2, §4.3.2: with a pre-shared key the server sends neither CertificateRequest nor Certificate.
    this.state = this.#psk === undefined ? 'WAIT_CERT_CR' : 'WAIT_FINISHED';
  }

  #certificateRequest(body: Uint8Array, message: Uint8Array): void {
    const { extensions } = decodeCertificateRequest(body);
    checkUnusedExtensions(extensions, 'CertificateRequest');
    const schemes = extensions.get(extensionType.signature_algorithms);
    this.#requested = schemes === undefined ? [] : decodeSignatureAlgorithms(schemes);
    this.#transcript.add(message);
    this.state = 'WAIT_CERT';
  }

  #certificate(body: Uint8Array, message: Uint8Array): void {
    const { host, crypto } = this.#connection;
    const { maxChainLength } = host.limits;
    const rule = { sender: 'server', offered: this.#offered, maxEntries: maxChainLength } as const;
    const { entries } = decodeCertificate(body, { ...rule, tooMany: () => chainTooLong(maxChainLength) });
    const shown = entries.map(({ certificate }) => certificate);
    const staple = entries[0]?.ocspResponse;
    this.#leaf = shown[0]!;
    const { identity, trust, known, replaceVerification } = this.#settings;
    const rules = {
      usage: 'serverAuth',
      identity,
      trust,
      now: host.wallClock(),
      limits: host.limits,
      crypto,
      known,
    } as const;
    this.#peer = {
      chain: replaceVerification === undefined ? judgeChain(shown, rules) : shown,
      verification: 'passed',
      ...(staple !== undefined && { ocspStaple: staple }),
    };
    this.#transcript.add(message);
    this.state = 'WAIT_CV';
  }

  #certificateVerify(body: Uint8Array, message: Uint8Array): void {
    checkProof(this.#settings.known, body, {
      role: 'server',
      leaf: this.#leaf,
      offered: this.#settings.schemes,
      digest: this.#transcript.digest(),
    });
    this.#transcript.add(message);
    this.state = 'WAIT_FINISHED';
  }

  #finished(body: Uint8Array, message: Uint8Array): void {
    checkFinished(this.#connection.crypto, body, {
      role: 'server',
      hash: this.#suite.hash,
      secret: this.#secrets.server,
      digest: this.#transcript.digest(),
    });
    this.#transcript.add(message);
    this.state = 'CONNECTED';
    this.#applicationSecrets = this.#schedule.application(this.#transcript.digest());
    // Here, before anything is waited for: bytes behind Finished in its record are refused (RFC 8446 §5.1).
    this.#connection.protectReceiving(this.#suite, this.#applicationSecrets.server, 1);
    this.#verifyByUser(() => this.#answer());
  }

  #verifyByUser(then: () => void): void {
    const { verify, replaceVerification, identity } = this.#settings;
    const serverName = identity.kind === 'dns' ? identity.name : undefined;
    const peer = { chain: this.#peer.chain, resumed: this.#resumed, serverName };
    askVerify(this.#connection, verify ?? replaceVerification, peer, then);
  }

  /** Our Certificate and CertificateVerify where they were asked for. */
  #answer(): void {
    const connection = this.#connection;
    const finish = (): void => this.#finish();
    if (this.#requested === undefined) {
      finish();
      return;
    }
    const { credentials } = this.#settings;
    const scheme =
      credentials === undefined ? undefined : chooseScheme(credentials, this.#requested, this.#settings.schemes);
    if (credentials === undefined || scheme === undefined) {
      // RFC 8446 §4.4.2: "If the client has no suitable certificate ... the Certificate message MUST have an empty certificate_list".
      sendAndHash(connection, this.#transcript, encodeCertificate({ entries: [] }));
      finish();
      return;
    }
    const proof = { role: 'client', credentials, scheme } as const;
    sendProof(connection, this.#transcript, proof, finish);
  }

  #finish(): void {
    const connection = this.#connection;
    const secrets = this.#applicationSecrets!;
    const { crypto, host } = connection;
    const hash = this.#suite.hash;
    const data = verifyData(crypto, hash, this.#secrets.client, this.#transcript.digest());
    sendAndHash(connection, this.#transcript, encodeFinished({ verifyData: data }));
    connection.protectSending(this.#suite, secrets.client, 1);
    connection.keylog('CLIENT_TRAFFIC_SECRET_0', this.#random, secrets.client);
    connection.keylog('SERVER_TRAFFIC_SECRET_0', this.#random, secrets.server);
    connection.keylog('EXPORTER_SECRET', this.#random, secrets.exporter);
    const resumption = this.#schedule.resumption(this.#transcript.digest());
    this.#applicationSecrets = undefined;
    this.wipe();
    connection.done({
      suite: this.#suite,
      parameters: this.#parameters(),
      exporter: secrets.exporter,
      resumption,
      firstVerifiedAt: this.#resumed ? this.#offer!.firstVerifiedAt : host.wallClock(),
    });
  }

  #parameters(): NegotiatedParameters {
    const { identity } = this.#settings;
    return {
      version: 'TLSv1.3',
      cipherSuite: this.#suite.name,
      group: this.#share.group,
      ...(this.#alpn !== undefined && { alpnProtocol: this.#alpn }),
      ...(identity.kind === 'dns' && { serverName: identity.name }),
      resumed: this.#resumed,
      peer: this.#peer,
    };
  }
}
