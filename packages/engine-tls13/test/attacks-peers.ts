// An engine with everything it says written down, and a server that sends what the test wants, with the right keys.
import { randomBytes, sign } from 'node:crypto';
import {
  type EngineReadiness,
  type EngineTask,
  type NegotiatedParameters,
  type RecordRange,
  resolveLimits,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsError,
  type TlsEvent,
  type TlsHost,
} from '@rxtls/core/engine';
import { LimitWatch } from '@rxtls/core/engine-parts';
import { cipherSuite } from '../src/crypto/cipher-suite.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { groupNumber } from '../src/crypto/named-group.ts';
import { encodeKeyShareServer } from '../src/handshake/extensions/key-share.ts';
import { extensionType } from '../src/handshake/extensions/extension-type.ts';
import { encodeSupportedVersionsServer } from '../src/handshake/extensions/supported-versions.ts';
import { encodeCertificate } from '../src/handshake/messages/certificate.ts';
import { encodeCertificateVerify, signedContent } from '../src/handshake/messages/certificate-verify.ts';
import { encodeEncryptedExtensions } from '../src/handshake/messages/encrypted-extensions.ts';
import { encodeFinished } from '../src/handshake/messages/finished.ts';
import { helloRetryRequestRandom } from '../src/handshake/messages/hello-random.ts';
import { encodeServerHello } from '../src/handshake/messages/server-hello.ts';
import { type ReadClientHello, readClientHello } from '../src/handshake/read-client-hello.ts';
import { TranscriptHash } from '../src/handshake/transcript-hash.ts';
import { KeySchedule, type TrafficSecrets } from '../src/key-schedule/key-schedule.ts';
import { verifyData } from '../src/key-schedule/traffic-keys.ts';
import { HandshakeDeframer } from '../src/record/handshake-deframer.ts';
import { RecordProtection } from '../src/record/record-protection.ts';
import { RecordReceiver } from '../src/record/record-receiver.ts';
import { RecordSender } from '../src/record/record-sender.ts';

export const host = (own: Partial<TlsHost> = {}): TlsHost => ({
  wallClock: () => Date.now(),
  monotonicClock: () => performance.now(),
  random: (length) => new Uint8Array(randomBytes(length)),
  limits: resolveLimits({}),
  ...own,
});

/** One engine, and what it has said. */
export class Side {
  readonly engine: TlsEngine;
  readonly out: Uint8Array[] = [];
  readonly plaintext: Uint8Array[] = [];
  readonly tasks: EngineTask[] = [];
  readonly events: TlsEvent[] = [];
  readonly sealed: RecordRange[] = [];
  readiness: EngineReadiness | undefined;
  negotiated: NegotiatedParameters | undefined;
  failed: TlsError | undefined;
  closed = false;
  /** Called inside the sink's ciphertext. */
  inside: () => void = () => {};
  consumed = 0;

  constructor(factory: TlsEngineFactory, own: Partial<TlsHost> = {}) {
    this.engine = factory(
      {
        observed: true,
        ciphertext: (bytes) => {
          this.out.push(bytes);
          this.inside();
        },
        sealed: (_bytes, records) => void (records && this.sealed.push(records)),
        consumed: (bytes) => void (this.consumed += bytes),
        plaintext: (bytes) => void this.plaintext.push(bytes),
        readiness: (state) => void (this.readiness = state),
        task: (task) => void this.tasks.push(task),
        negotiated: (parameters) => void (this.negotiated = parameters),
        event: (event) => void this.events.push(event),
        closeNotify: () => void (this.closed = true),
        failed: (error) => void (this.failed = error),
      },
      host(own),
    );
  }

  /** What was made since the last time. */
  take(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.out.splice(0)));
  }

  give(bytes: Uint8Array): void {
    if (bytes.length > 0 && this.failed === undefined) this.engine.receiveCiphertext(bytes);
  }
}

/** Moves bytes until there are none. */
export function exchange(one: Side, other: Side): void {
  while (one.out.length + other.out.length > 0) {
    other.give(one.take());
    one.give(other.take());
  }
}

/** A server by hand: knows every key, and keeps to no rule but those the test wants. AES-128-GCM and x25519. */
export class RogueServer {
  readonly transcript = new TranscriptHash(nodeCrypto);
  hello!: ReadClientHello;
  schedule!: KeySchedule;
  secrets!: TrafficSecrets;
  readonly #client: Side;
  readonly #sender: RecordSender;
  readonly #receiver: RecordReceiver;
  readonly #messages: HandshakeDeframer;

  constructor(client: Side) {
    const { limits } = host();
    this.#client = client;
    const outlet = { observed: false, ciphertext: (bytes: Uint8Array) => client.give(bytes), sent: () => {} };
    this.#sender = new RecordSender(outlet, undefined, false);
    this.#receiver = new RecordReceiver(limits, new LimitWatch({ observed: false, event: () => undefined }));
    this.#receiver.mayChangeCipherSpec = true;
    this.#messages = new HandshakeDeframer(limits, new LimitWatch({ observed: false, event: () => undefined }));
  }

  /** The client's next handshake message. */
  read(): Uint8Array {
    this.#receiver.push(this.#client.take());
    for (;;) {
      const message = this.#messages.next();
      if (message !== undefined) return message.bytes;
      const record = this.#receiver.next();
      if (record === undefined) throw new Error(`nothing to read: ${String(this.#client.failed)}`);
      if (record.type === 22) this.#messages.push(record.content);
    }
  }

  readHello(): void {
    const message = this.read();
    this.hello = readClientHello(message.subarray(4));
    this.transcript.add(message);
  }

  /** ServerHello, and handshake keys on both roads. */
  sendHello(): void {
    const share = this.hello.shares.find(({ group }) => group === groupNumber.x25519)!;
    const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
    const { publicKey, secret } = nodeCrypto.keyAgreement('x25519', share.keyExchange, random)!;
    this.transcript.begin('sha256');
    this.send(
      encodeServerHello({
        legacyVersion: 0x0303,
        random: random(32),
        sessionIdEcho: this.hello.sessionId,
        cipherSuite: cipherSuite.TLS_AES_128_GCM_SHA256.id,
        extensions: new Map([
          [extensionType.supported_versions, encodeSupportedVersionsServer()],
          [extensionType.key_share, encodeKeyShareServer({ group: groupNumber.x25519, keyExchange: publicKey })],
        ]),
      }),
    );
    this.schedule = new KeySchedule(nodeCrypto, 'sha256');
    this.secrets = this.schedule.handshake(secret, this.transcript.digest());
    const suite = cipherSuite.TLS_AES_128_GCM_SHA256;
    this.#sender.protect(new RecordProtection(nodeCrypto, suite, this.secrets.server, 0));
    this.#receiver.protect(new RecordProtection(nodeCrypto, suite, this.secrets.client, 0));
  }

  sendEncryptedExtensions(): void {
    this.send(encodeEncryptedExtensions({ extensions: new Map() }));
  }

  /** Finished over whatever was sent; our application keys. */
  sendFinished(): void {
    this.send(
      encodeFinished({ verifyData: verifyData(nodeCrypto, 'sha256', this.secrets.server, this.transcript.digest()) }),
    );
  }

  /** A HelloRetryRequest, for another group where the extensions say so. */
  sendRetry(extensions: ReadonlyMap<number, Uint8Array>): void {
    this.transcript.beginAgain('sha256');
    this.send(
      encodeServerHello({
        legacyVersion: 0x0303,
        random: helloRetryRequestRandom(),
        sessionIdEcho: this.hello.sessionId,
        cipherSuite: cipherSuite.TLS_AES_128_GCM_SHA256.id,
        extensions: new Map([[extensionType.supported_versions, encodeSupportedVersionsServer()], ...extensions]),
      }),
    );
  }

  sendCertificate(...chain: readonly Uint8Array[]): void {
    this.send(encodeCertificate({ entries: chain.map((certificate) => ({ certificate })) }));
  }

  /** Signed by any key, as whom and over what the test says. */
  sendProof(key: string, role: 'client' | 'server' = 'server', digest: Uint8Array = this.transcript.digest()): void {
    const signature = sign('sha256', signedContent(role, digest), { key, dsaEncoding: 'der' });
    this.send(encodeCertificateVerify({ algorithm: 0x0403, signature: new Uint8Array(signature) }));
  }

  /** A handshake as it should be, and then our application keys. */
  open({ chainDer, keyPem }: { readonly chainDer: readonly Uint8Array[]; readonly keyPem: string }): void {
    this.readHello();
    this.sendHello();
    this.sendEncryptedExtensions();
    this.sendCertificate(...chainDer);
    this.sendProof(keyPem);
    this.sendFinished();
    const { server } = this.schedule.application(this.transcript.digest());
    this.#sender.protect(new RecordProtection(nodeCrypto, cipherSuite.TLS_AES_128_GCM_SHA256, server, 1));
  }

  sendData(bytes: Uint8Array): void {
    this.#sender.plaintext(bytes);
  }

  send(message: Uint8Array): void {
    this.transcript.add(message);
    this.#sender.handshake(message);
    this.#sender.flush();
  }
}
