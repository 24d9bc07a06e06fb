import { CertificateError, type PeerIdentity } from '@rxtls/core/engine';
import { judgeChain } from '../certificate/judge-chain.ts';
import { groupNumber } from '../crypto/named-group.ts';
import { hostRandom } from '../host-random.ts';
import { type ApplicationSecrets, KeySchedule, type TrafficSecrets } from '../key-schedule/key-schedule.ts';
import { verifyData } from '../key-schedule/traffic-keys.ts';
import type { HandshakeMessage } from '../record/handshake-deframer.ts';
import { maxInnerBytes } from '../record/inner-limit.ts';
import { scopeOf, type ServerSettings } from '../server-options.ts';
import { checkFinished } from './check-finished.ts';
import { askVerify } from './ask-verify.ts';
import { chainTooLong, checkProof, sendAndHash, sendProof } from './certificate-proof.ts';
import { encodeAlpn } from './extensions/alpn.ts';
import { encodeCookie } from './extensions/cookie.ts';
import { encodeEmpty } from './extensions/empty-extension.ts';
import type { Extensions } from './extensions/extension.ts';
import { extensionType } from './extensions/extension-type.ts';
import { encodeKeyShareRetry, encodeKeyShareServer } from './extensions/key-share.ts';
import { encodePreSharedKeyServer } from './extensions/offered-psks.ts';
import { pskKeyExchangeMode } from './extensions/psk-key-exchange-modes.ts';
import { encodeRecordSizeLimit } from './extensions/record-size-limit.ts';
import { encodeSignatureAlgorithms } from './extensions/signature-algorithms.ts';
import { encodeSupportedVersionsServer } from './extensions/supported-versions.ts';
import type { Handshake, HandshakeConnection } from './handshake-connection.ts';
import { illegal, missing, outOfOrder } from './handshake-checks.ts';
import { decodeCertificate } from './messages/certificate.ts';
import { encodeCertificateRequest } from './messages/certificate-request.ts';
import { encodeEncryptedExtensions } from './messages/encrypted-extensions.ts';
import { encodeFinished } from './messages/finished.ts';
import { handshakeTypeName } from './messages/handshake-type.ts';
import { helloRetryRequestRandom } from './messages/hello-random.ts';
import { encodeServerHello } from './messages/server-hello.ts';
import { checkSecondHello, readClientHello, type ReadClientHello } from './read-client-hello.ts';
import { isCookie, type RetryState, sealCookie } from './retry-cookie.ts';
import { checkBinder, selectPsk, type SelectedPsk } from './server-psk.ts';
import { selectCredentials, selectParameters, type ServerSelection } from './server-selection.ts';
import { type ServerState, serverStates, type ServerStep } from './server-states.ts';
import { TranscriptHash } from './transcript-hash.ts';

const none = new Uint8Array(0);
/** Tickets that follow a full handshake: clients open several connections at once and use each ticket once (RFC 8446 §C.4). */
const ticketsAfterFullHandshake = 2;

/**
 * The server's handshake (RFC 8446 §2, Appendix A.2): server-states.ts says which message is taken when, and each step
 * below takes one and goes to the next state. Reads from top to bottom as a handshake does.
 */
export class ServerHandshake implements Handshake {
  state: ServerState = 'START';
  readonly #connection: HandshakeConnection;
  readonly #settings: ServerSettings;
  readonly #transcript: TranscriptHash;
  #hello!: ReadClientHello;
  #retry: RetryState | undefined;
  #selection!: ServerSelection;
  #scope: Uint8Array = none;
  #psk: SelectedPsk | undefined;
  #schedule: KeySchedule | undefined;
  #handshakeSecrets!: TrafficSecrets;
  /** These two until they are handed over. */
  #applicationSecrets: ApplicationSecrets | undefined;
  #resumption: Uint8Array = none;
  #peer: PeerIdentity = { chain: [], verification: 'not-requested' };
  #leaf: Uint8Array = none;

  constructor(connection: HandshakeConnection, settings: ServerSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#transcript = new TranscriptHash(connection.crypto);
  }

  start(): void {}

  receive(message: HandshakeMessage): void {
    const name = handshakeTypeName(message.type);
    const steps = serverStates[this.state];
    // Own ones alone: a polluted prototype would add a step to every state, and Finished could come without a proof.
    const step: ServerStep | undefined = name !== undefined && Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (step === undefined) throw outOfOrder(message.type, this.state);
    this.#steps[step](message.bytes.subarray(4), message.bytes);
  }

  wipe(): void {
    this.#schedule?.wipe();
    this.#handshakeSecrets?.client.fill(0);
    this.#handshakeSecrets?.server.fill(0);
    for (const secret of Object.values(this.#applicationSecrets ?? {})) secret.fill(0);
    this.#resumption.fill(0);
    this.#psk?.session?.psk.fill(0);
  }

  readonly #steps: Readonly<Record<ServerStep, (body: Uint8Array, message: Uint8Array) => void>> = {
    clientHello: (body, message) => this.#clientHello(body, message),
    secondClientHello: (body, message) => this.#secondClientHello(body, message),
    certificate: (body, message) => this.#certificate(body, message),
    certificateVerify: (body, message) => this.#certificateVerify(body, message),
    finished: (body, message) => this.#finished(body, message),
  };

  #clientHello(body: Uint8Array, message: Uint8Array): void {
    this.#hello = readClientHello(body);
    this.#selection = selectParameters(this.#settings, this.#hello);
    if (this.#hello.earlyData) this.#connection.skipEarlyData();
    const { share } = this.#selection;
    if (share === undefined) this.#helloRetryRequest(message);
    else this.#serverHello(share, message);
  }

  #helloRetryRequest(message: Uint8Array): void {
    const { suite, group } = this.#selection;
    const { crypto, host } = this.#connection;
    this.#transcript.add(message);
    this.#transcript.beginAgain(suite.hash);
    this.#retry = { hello: crypto.sha256(message), suite: suite.id, group: groupNumber[group] };
    const cookie = sealCookie(this.#settings.sealing, host, this.#retry);
    const extensions = new Map([
      [extensionType.supported_versions, encodeSupportedVersionsServer()],
      [extensionType.key_share, encodeKeyShareRetry(groupNumber[group])],
      [extensionType.cookie, encodeCookie(cookie)],
    ]);
    this.#sendHello(helloRetryRequestRandom(), extensions);
    this.#sendChangeCipherSpec();
    this.state = 'RETRY';
  }

  #secondClientHello(body: Uint8Array, message: Uint8Array): void {
    const first = this.#hello;
    const retry = this.#retry!;
    this.#hello = readClientHello(body);
    checkSecondHello(first, this.#hello);
    // RFC 8446 §4.2.10: after HelloRetryRequest early data are skipped up to this message; what fails to open behind it is "bad_record_mac".
    this.#connection.endEarlyData();
    // RFC 8446 §4.2.2: "When sending the new ClientHello, the client MUST copy the contents of the extension received in the HelloRetryRequest into a "cookie" extension".
    if (this.#hello.cookie === undefined) throw missing('cookie');
    if (!isCookie(this.#settings.sealing, this.#connection.host, this.#hello.cookie, retry))
      throw illegal('the cookie is not the one of this handshake, or too old');
    const [share, ...more] = this.#hello.shares;
    // RFC 8446 §4.1.2: the client replaces its shares "with a list containing a single KeyShareEntry from the indicated group".
    if (share === undefined || more.length > 0 || share.group !== retry.group)
      throw illegal('the second ClientHello does not hold the one key share that was asked for');
    this.#serverHello(share.keyExchange, message);
  }

  #serverHello(clientShare: Uint8Array, message: Uint8Array): void {
    const connection = this.#connection;
    const { crypto, host } = connection;
    const { suite, group } = this.#selection;
    this.#scope = scopeOf(this.#settings, this.#selection, this.#hello.serverName);
    this.#psk = selectPsk(this.#settings, host, this.#hello, { hash: suite.hash, scope: this.#scope });
    if (this.#psk !== undefined) checkBinder(crypto, suite.hash, this.#psk, this.#hello, message, this.#transcript);
    const agreement = crypto.keyAgreement(group, clientShare, (length, label) => host.random(length, label));
    // RFC 8446 §4.2.8.2, RFC 7748 §6.1: points not on the curve and all-zero secrets are refused.
    if (agreement === undefined) throw illegal("the client's key share is not valid");
    this.#transcript.add(message);
    this.#transcript.begin(suite.hash);
    const keyShare = encodeKeyShareServer({ group: groupNumber[group], keyExchange: agreement.publicKey });
    const extensions = new Map<number, Uint8Array>([
      [extensionType.supported_versions, encodeSupportedVersionsServer()],
      [extensionType.key_share, keyShare],
    ]);
    if (this.#psk !== undefined)
      extensions.set(extensionType.pre_shared_key, encodePreSharedKeyServer(this.#psk.index));
    this.#sendHello(hostRandom(host, 32, 'ServerHello.random'), extensions);
    if (this.#retry === undefined) this.#sendChangeCipherSpec();
    this.#schedule = new KeySchedule(crypto, suite.hash, this.#psk?.key);
    this.#handshakeSecrets = this.#schedule.handshake(agreement.secret, this.#transcript.digest());
    agreement.secret.fill(0);
    const { client, server } = this.#handshakeSecrets;
    connection.keylog('CLIENT_HANDSHAKE_TRAFFIC_SECRET', this.#hello.random, client);
    connection.keylog('SERVER_HANDSHAKE_TRAFFIC_SECRET', this.#hello.random, server);
    connection.protectReceiving(suite, client, 0);
    connection.protectSending(suite, server, 0);
    this.state = 'NEGOTIATED';
    this.#flight();
  }

  #sendHello(random: Uint8Array, extensions: Extensions): void {
    const message = encodeServerHello({
      legacyVersion: 0x0303,
      random,
      sessionIdEcho: this.#hello.sessionId,
      cipherSuite: this.#selection.suite.id,
      extensions,
    });
    sendAndHash(this.#connection, this.#transcript, message);
  }

  /** RFC 8446 §D.4: after our first message, for a client that sent a session id. */
  #sendChangeCipherSpec(): void {
    if (this.#hello.sessionId.length > 0) this.#connection.sendChangeCipherSpec();
  }

  #flight(): void {
    const { alpn } = this.#selection;
    const { recordSizeLimit, serverName } = this.#hello;
    const extensions = new Map<number, Uint8Array>();
    if (alpn !== undefined) extensions.set(extensionType.application_layer_protocol_negotiation, encodeAlpn([alpn]));
    // RFC 6066 §3: a server that used the name "SHALL include an extension of type "server_name"", empty.
    if (serverName !== undefined && this.#psk === undefined) extensions.set(extensionType.server_name, encodeEmpty());
    // RFC 8449 §4: "Endpoints SHOULD advertise the "record_size_limit" extension, even if they have no need to limit the size of records": the client's limit holds only then.
    const ours = this.#settings.recordSizeLimit ?? maxInnerBytes;
    if (recordSizeLimit !== undefined) {
      extensions.set(extensionType.record_size_limit, encodeRecordSizeLimit(ours));
      this.#connection.limitSending(recordSizeLimit);
      this.#connection.limitReceiving(ours);
    }
    this.#send(encodeEncryptedExtensions({ extensions }));
    if (this.#psk === undefined) this.#prove(() => this.#finishFlight());
    else this.#finishFlight();
  }

  #prove(then: () => void): void {
    const { schemes, clientAuth, credentials, ocspStaple } = this.#settings;
    if (clientAuth !== 'none')
      this.#send(
        encodeCertificateRequest({
          extensions: new Map([
            [extensionType.signature_algorithms, encodeSignatureAlgorithms(schemes.map(({ id }) => id))],
          ]),
        }),
      );
    // RFC 8446 §4.2.3: "Clients which desire the server to authenticate itself via a certificate MUST send the "signature_algorithms" extension"; "missing_extension".
    if (this.#hello.schemes === undefined) throw missing('signature_algorithms');
    const chosen = selectCredentials(this.#selection.credentials, this.#hello.schemes, schemes);
    // A virtual host's certificate is another one than the staple is about.
    const isStapled = this.#hello.wantsStaple && this.#selection.credentials === credentials;
    const staple = isStapled ? ocspStaple : undefined;
    sendProof(this.#connection, this.#transcript, { role: 'server', ...chosen, ocspStaple: staple }, then);
  }

  #finishFlight(): void {
    const connection = this.#connection;
    const { crypto } = connection;
    const { suite } = this.#selection;
    const data = verifyData(crypto, suite.hash, this.#handshakeSecrets.server, this.#transcript.digest());
    this.#send(encodeFinished({ verifyData: data }));
    this.#applicationSecrets = this.#schedule!.application(this.#transcript.digest());
    const { client, server, exporter } = this.#applicationSecrets;
    connection.keylog('CLIENT_TRAFFIC_SECRET_0', this.#hello.random, client);
    connection.keylog('SERVER_TRAFFIC_SECRET_0', this.#hello.random, server);
    connection.keylog('EXPORTER_SECRET', this.#hello.random, exporter);
    connection.protectSending(suite, server, 1);
    this.state = this.#psk === undefined && this.#settings.clientAuth !== 'none' ? 'WAIT_CERT' : 'WAIT_FINISHED';
  }

  #certificate(body: Uint8Array, message: Uint8Array): void {
    const { maxChainLength } = this.#connection.host.limits;
    const rule = { sender: 'client', offered: new Set<number>(), maxEntries: maxChainLength } as const;
    const { entries } = decodeCertificate(body, { ...rule, tooMany: () => chainTooLong(maxChainLength) });
    this.#transcript.add(message);
    if (entries.length === 0) {
      // RFC 8446 §4.4.2.4: "the server MAY ... abort the handshake with a "certificate_required" alert."
      if (this.#settings.clientAuth === 'require')
        throw new CertificateError('missing', 'the client showed no certificate', { alert: 'certificate_required' });
      this.state = 'WAIT_FINISHED';
      return;
    }
    const shown = entries.map(({ certificate }) => certificate);
    this.#leaf = shown[0]!;
    this.#peer = {
      chain: judgeChain(shown, this.#settings.clientRules(this.#connection.host)),
      verification: 'passed',
    };
    this.state = 'WAIT_CV';
  }

  #certificateVerify(body: Uint8Array, message: Uint8Array): void {
    checkProof(this.#settings.known, body, {
      role: 'client',
      leaf: this.#leaf,
      offered: this.#settings.schemes,
      digest: this.#transcript.digest(),
    });
    this.#transcript.add(message);
    this.state = 'WAIT_FINISHED';
  }

  #finished(body: Uint8Array, message: Uint8Array): void {
    const { suite } = this.#selection;
    checkFinished(this.#connection.crypto, body, {
      role: 'client',
      hash: suite.hash,
      secret: this.#handshakeSecrets.client,
      digest: this.#transcript.digest(),
    });
    this.#transcript.add(message);
    this.state = 'CONNECTED';
    this.#connection.protectReceiving(suite, this.#applicationSecrets!.client, 1);
    this.#resumption = this.#schedule!.resumption(this.#transcript.digest());
    if (this.#psk !== undefined) this.#peer = this.#resumedPeer(this.#psk);
    this.#verifyByUser(() => this.#done());
  }

  #resumedPeer({ kind, session }: SelectedPsk): PeerIdentity {
    const chain = session?.chain ?? [];
    return { chain, verification: kind === 'external' || chain.length > 0 ? 'passed' : 'not-requested' };
  }

  get #resumed(): boolean {
    return this.#psk?.session !== undefined;
  }

  #verifyByUser(then: () => void): void {
    const { serverName } = this.#hello;
    const peer = { chain: this.#peer.chain, resumed: this.#resumed, serverName };
    askVerify(this.#connection, this.#settings.verify, peer, then);
  }

  #done(): void {
    const connection = this.#connection;
    const { exporter } = this.#applicationSecrets!;
    const resumption = this.#resumption;
    const { host } = connection;
    const { suite, group, alpn } = this.#selection;
    const firstVerifiedAt = this.#psk?.session?.firstVerifiedAt ?? host.wallClock();
    const { serverName } = this.#hello;
    this.#sendTickets(resumption, firstVerifiedAt);
    this.#applicationSecrets = undefined;
    this.#resumption = none;
    this.wipe();
    connection.done({
      suite,
      parameters: {
        version: 'TLSv1.3',
        cipherSuite: suite.name,
        group,
        ...(alpn !== undefined && { alpnProtocol: alpn }),
        ...(serverName !== undefined && { serverName }),
        resumed: this.#resumed,
        peer: this.#peer,
      },
      exporter,
      resumption,
      firstVerifiedAt,
    });
  }

  /** Sessions of external keys are not continued: the key itself is there again. */
  #sendTickets(resumption: Uint8Array, firstVerifiedAt: number): void {
    const { tickets } = this.#settings;
    if (
      tickets === undefined ||
      this.#psk?.kind === 'external' ||
      !this.#hello.pskModes.includes(pskKeyExchangeMode.psk_dhe_ke)
    )
      return;
    const { hash } = this.#selection.suite;
    const session = { hash, scope: this.#scope, firstVerifiedAt, chain: this.#peer.chain };
    const count = this.#resumed ? 1 : ticketsAfterFullHandshake;
    for (let number = 0; number < count; number++) {
      const message = tickets.issue(this.#connection.host, session, resumption, number);
      if (message !== undefined) this.#connection.send(message);
    }
  }

  #send(message: Uint8Array): void {
    sendAndHash(this.#connection, this.#transcript, message);
  }
}
