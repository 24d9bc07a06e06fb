// A TLS 1.3 peer made of the package's own parts: by the book where a test says nothing, and at every step at the test's will.
import { KeyObject, sign } from 'node:crypto';
import { cipherSuite, type CipherSuite } from '../src/crypto/cipher-suite.ts';
import type { CryptoProvider, KeyShare } from '../src/crypto/crypto-provider.ts';
import { type GroupName, groupName, groupNumber } from '../src/crypto/named-group.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { binder } from '../src/handshake/client-hello-builder.ts';
import { encodeCookie } from '../src/handshake/extensions/cookie.ts';
import { extensionType } from '../src/handshake/extensions/extension-type.ts';
import {
  decodeKeyShareRetry,
  decodeKeyShareServer,
  encodeKeyShareClient,
  encodeKeyShareRetry,
  encodeKeyShareServer,
} from '../src/handshake/extensions/key-share.ts';
import {
  bindersLength,
  encodePreSharedKeyClient,
  encodePreSharedKeyServer,
} from '../src/handshake/extensions/offered-psks.ts';
import { encodePskKeyExchangeModes } from '../src/handshake/extensions/psk-key-exchange-modes.ts';
import { encodeServerName } from '../src/handshake/extensions/server-name.ts';
import { encodeSignatureAlgorithms } from '../src/handshake/extensions/signature-algorithms.ts';
import { encodeSupportedGroups } from '../src/handshake/extensions/supported-groups.ts';
import {
  encodeSupportedVersionsClient,
  encodeSupportedVersionsServer,
} from '../src/handshake/extensions/supported-versions.ts';
import { encodeCertificate } from '../src/handshake/messages/certificate.ts';
import { encodeCertificateRequest } from '../src/handshake/messages/certificate-request.ts';
import { encodeCertificateVerify, signedContent } from '../src/handshake/messages/certificate-verify.ts';
import { encodeClientHello } from '../src/handshake/messages/client-hello.ts';
import { encodeEncryptedExtensions } from '../src/handshake/messages/encrypted-extensions.ts';
import { encodeFinished } from '../src/handshake/messages/finished.ts';
import { handshakeType } from '../src/handshake/messages/handshake-type.ts';
import { helloRetryRequestRandom, isHelloRetryRequest } from '../src/handshake/messages/hello-random.ts';
import { encodeKeyUpdate } from '../src/handshake/messages/key-update.ts';
import { encodeNewSessionTicket, type NewSessionTicket } from '../src/handshake/messages/new-session-ticket.ts';
import { encodeServerHello } from '../src/handshake/messages/server-hello.ts';
import { splitExtensions } from '../src/handshake/extensions/extension.ts';
import { readClientHello, type ReadClientHello } from '../src/handshake/read-client-hello.ts';
import { KeySchedule, type TrafficSecrets } from '../src/key-schedule/key-schedule.ts';
import { nextTrafficSecret, ticketPsk, verifyData } from '../src/key-schedule/traffic-keys.ts';
import { RecordProtection } from '../src/record/record-protection.ts';
import type { Issued } from './certificate-pki.ts';
import { joined, seededBytes } from './ends.ts';

export const type = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

/** What a peer sends, in the order of the handshake. `keys` is the moment before it begins to send under new ones. */
export type Step =
  | 'ClientHello'
  | 'second ClientHello'
  | 'HelloRetryRequest'
  | 'ServerHello'
  | 'ChangeCipherSpec'
  | 'EncryptedExtensions'
  | 'CertificateRequest'
  | 'Certificate'
  | 'CertificateVerify'
  | 'Finished';

export interface RawPsk {
  readonly kind: 'external' | 'resumption';
  readonly identity: Uint8Array;
  readonly key: Uint8Array;
  readonly hash?: 'sha256' | 'sha384';
  readonly age?: number;
}

export interface RawOptions {
  /** What goes out in place of a message: others, several, none (`[]`); the message itself where nothing is answered. */
  readonly alter?: (step: Step, message: Uint8Array, peer: RawPeer) => Uint8Array | readonly Uint8Array[] | void;
  /** What goes out in place of a record, sealed already. */
  readonly wire?: (record: Uint8Array, step: Step | undefined) => readonly Uint8Array[];
  /** Content that one record of the handshake carries at most. */
  readonly fragment?: number;
  readonly suite?: CipherSuite;
  /** A server's choice, or the shares a client sends; the second ClientHello sends the one asked for. */
  readonly groups?: readonly GroupName[];
  /** A server asks for this group first. */
  readonly retry?: GroupName;
  /** A server's cookie in its HelloRetryRequest. */
  readonly cookie?: Uint8Array;
  /** Shown by a server always, by a client when it is asked. */
  readonly issued?: Issued;
  readonly chain?: readonly Uint8Array[];
  readonly requestCertificate?: boolean;
  /** Keys a client offers; a server uses the first and answers `selected`. */
  readonly psks?: readonly RawPsk[];
  readonly selected?: number;
  readonly serverName?: string;
  /** Extensions of a ClientHello, before pre_shared_key. */
  readonly extensions?: (extensions: [number, Uint8Array][], hello: 1 | 2) => Iterable<readonly [number, Uint8Array]>;
  readonly sessionId?: Uint8Array;
}

const none = new Uint8Array(0);

export class RawPeer {
  readonly role: 'client' | 'server';
  readonly crypto: CryptoProvider = nodeCrypto;
  readonly out: Uint8Array[] = [];
  /** Handshake messages received, whole. */
  readonly messages: Uint8Array[] = [];
  readonly alerts: { readonly level: number; readonly number: number }[] = [];
  /** Content types and lengths of what was received, opened. */
  readonly records: {
    readonly outer: number;
    readonly inner: number;
    readonly bytes: number;
    readonly wire: number;
  }[] = [];
  readonly plaintext: Uint8Array[] = [];
  transcript: Uint8Array[] = [];
  connected = false;
  suite: CipherSuite;
  sending: RecordProtection | undefined;
  receiving: RecordProtection | undefined;
  resumption: Uint8Array = none;
  keyUpdatesReceived = 0;
  readonly #options: RawOptions;
  readonly #random = seededBytes(77);
  #sendSecret: Uint8Array = none;
  #receiveSecret: Uint8Array = none;
  #schedule: KeySchedule | undefined;
  #handshake!: TrafficSecrets;
  #application!: TrafficSecrets;
  #share: KeyShare | undefined;
  #shares: KeyShare[] = [];
  #hello: ReadClientHello | undefined;
  #retried = false;
  #asked = false;
  #bytes: Uint8Array = none;
  #fragments: Uint8Array = none;
  #step: Step | undefined;

  constructor(role: 'client' | 'server', options: RawOptions = {}) {
    this.role = role;
    this.#options = options;
    this.suite = options.suite ?? cipherSuite.TLS_AES_128_GCM_SHA256;
  }

  /** A client's first flight. */
  start(): this {
    this.#clientHello(this.#options.groups ?? ['x25519'], undefined);
    return this;
  }

  take(): Uint8Array {
    return joined(this.out.splice(0));
  }

  /** A record under the keys in use, or in the clear; `padding` zeros behind its type. */
  record(inner: number, content: Uint8Array, padding = 0): this {
    if (this.sending === undefined) this.clear(inner, content);
    else this.#put(this.seal(inner, content, padding));
    return this;
  }

  /** A record in the clear, whatever the keys. */
  clear(outer: number, content: Uint8Array, minor = 3): this {
    this.#put(joined([Uint8Array.of(outer, 3, minor, content.length >> 8, content.length & 0xff), content]));
    return this;
  }

  seal(inner: number, content: Uint8Array, padding = 0): Uint8Array {
    const trailer = new Uint8Array(1 + padding);
    trailer[0] = inner;
    const sealed = new Uint8Array(5 + content.length + trailer.length + 16);
    this.sending!.seal(content, trailer, sealed, 0);
    return sealed;
  }

  data(text: string): this {
    return this.record(type.applicationData, Buffer.from(text, 'latin1'));
  }

  alert(level: number, number: number): this {
    return this.record(type.alert, Uint8Array.of(level, number));
  }

  /** A KeyUpdate in a record of its own, and the key after it. */
  keyUpdate(updateRequested: boolean): this {
    this.record(type.handshake, encodeKeyUpdate({ updateRequested }));
    return this.nextSendingKey();
  }

  nextSendingKey(): this {
    this.#sendSecret = nextTrafficSecret(this.crypto, this.suite.hash, this.#sendSecret);
    this.sending = new RecordProtection(this.crypto, this.suite, this.#sendSecret, this.sending!.epoch + 1);
    return this;
  }

  ticket(fields: Partial<NewSessionTicket> = {}): this {
    const message = encodeNewSessionTicket({
      lifetime: 3_600,
      ageAdd: 1,
      nonce: Uint8Array.of(0),
      ticket: Uint8Array.of(1, 2, 3, 4),
      extensions: new Map(),
      ...fields,
    });
    return this.record(type.handshake, message);
  }

  /** The key of a ticket that was received or sent on this connection. */
  psk(nonce: Uint8Array): Uint8Array {
    return ticketPsk(this.crypto, this.suite.hash, this.resumption, nonce);
  }

  /** Takes what the engine has sent. */
  give(bytes: Uint8Array): void {
    this.#bytes = joined([this.#bytes, bytes]);
    while (this.#bytes.length >= 5) {
      const end = 5 + (this.#bytes[3]! << 8) + this.#bytes[4]!;
      if (this.#bytes.length < end) return;
      const record = this.#bytes.slice(0, end);
      this.#bytes = this.#bytes.slice(end);
      this.#record(record);
    }
  }

  #record(record: Uint8Array): void {
    const outer = record[0]!;
    let inner = outer;
    let content: Uint8Array = record.subarray(5);
    let length = content.length;
    if (outer === type.applicationData) {
      const opened = this.receiving?.open(record, 1 << 16);
      if (opened === undefined) throw new Error('the engine sent a record that its peer cannot open');
      inner = opened.type;
      content = opened.content.slice();
      length = content.length;
    }
    this.records.push({ outer, inner, bytes: length, wire: record.length });
    if (inner === type.alert) this.alerts.push({ level: content[0]!, number: content[1]! });
    else if (inner === type.applicationData) this.plaintext.push(content);
    else if (inner === type.handshake) this.#fragment(content);
  }

  #fragment(content: Uint8Array): void {
    this.#fragments = joined([this.#fragments, content]);
    while (this.#fragments.length >= 4) {
      const [, high = 0, middle = 0, low = 0] = this.#fragments;
      const end = 4 + (high << 16) + (middle << 8) + low;
      if (this.#fragments.length < end) return;
      const message = this.#fragments.slice(0, end);
      this.#fragments = this.#fragments.slice(end);
      this.messages.push(message);
      this.#message(message);
    }
  }

  #message(message: Uint8Array): void {
    const kind = message[0];
    if (this.connected) {
      if (kind === handshakeType.key_update) {
        this.keyUpdatesReceived++;
        this.#receiveSecret = nextTrafficSecret(this.crypto, this.suite.hash, this.#receiveSecret);
        this.#receive(this.#receiveSecret, this.receiving!.epoch + 1);
      }
      return;
    }
    if (kind === handshakeType.client_hello) this.#serve(message);
    else if (kind === handshakeType.server_hello) this.#serverHello(message);
    else {
      if (kind === handshakeType.certificate_request) this.#asked = true;
      this.transcript.push(message);
      if (kind === handshakeType.finished) this.#finished();
    }
  }

  // --- as a server ---

  #serve(message: Uint8Array): void {
    const { retry, cookie, groups = ['x25519'], psks = [], selected = 0 } = this.#options;
    this.#hello = readClientHello(message.subarray(4));
    const server = { legacyVersion: 0x0303, sessionIdEcho: this.#hello.sessionId, cipherSuite: this.suite.id } as const;
    this.transcript.push(message);
    if ((retry !== undefined || cookie !== undefined) && !this.#retried) {
      this.#retried = true;
      this.#beginAgain();
      const extensions = new Map<number, Uint8Array>([
        [extensionType.supported_versions, encodeSupportedVersionsServer()],
      ]);
      if (retry !== undefined) extensions.set(extensionType.key_share, encodeKeyShareRetry(groupNumber[retry]));
      if (cookie !== undefined) extensions.set(extensionType.cookie, encodeCookie(cookie));
      this.#send('HelloRetryRequest', encodeServerHello({ ...server, random: helloRetryRequestRandom(), extensions }));
      return;
    }
    const group = retry ?? groups[0]!;
    const share = this.#hello.shares.find((each) => each.group === groupNumber[group])!;
    const agreement = this.crypto.keyAgreement(group, share.keyExchange, this.#random)!;
    const extensions = new Map<number, Uint8Array>([
      [extensionType.supported_versions, encodeSupportedVersionsServer()],
      [extensionType.key_share, encodeKeyShareServer({ group: groupNumber[group], keyExchange: agreement.publicKey })],
    ]);
    if (psks.length > 0) extensions.set(extensionType.pre_shared_key, encodePreSharedKeyServer(selected));
    this.#send('ServerHello', encodeServerHello({ ...server, random: this.#random(32), extensions }));
    this.#ccs();
    this.#schedule = new KeySchedule(this.crypto, this.suite.hash, psks[0]?.key);
    this.#handshake = this.#schedule.handshake(agreement.secret, this.digest());
    this.#protectSending(this.#handshake.server, 0);
    this.#receive(this.#handshake.client, 0);
    this.#send('EncryptedExtensions', encodeEncryptedExtensions({ extensions: new Map() }));
    if (psks.length === 0) {
      if (this.#options.requestCertificate === true) {
        const schemes = encodeSignatureAlgorithms([0x0403, 0x0804, 0x0807]);
        this.#send(
          'CertificateRequest',
          encodeCertificateRequest({ extensions: new Map([[extensionType.signature_algorithms, schemes]]) }),
        );
      }
      this.#prove();
    }
    this.#send('Finished', this.finishedMessage());
    this.#application = this.#schedule.application(this.digest());
    this.#protectSending(this.#application.server, 1);
  }

  // --- as a client ---

  #clientHello(groups: readonly GroupName[], cookie: Uint8Array | undefined): void {
    const { psks = [], serverName = 'host.test', extensions: edit = (given) => given } = this.#options;
    this.#shares = groups.map((group) => this.crypto.keyShare(group, this.#random));
    const shares = this.#shares.map(({ group, publicKey }) => ({ group: groupNumber[group], keyExchange: publicKey }));
    const given: [number, Uint8Array][] = [
      [extensionType.server_name, encodeServerName(serverName)],
      [extensionType.supported_groups, encodeSupportedGroups([0x1d, 0x17, 0x18])],
      [extensionType.signature_algorithms, encodeSignatureAlgorithms([0x0403, 0x0804, 0x0807])],
      [extensionType.supported_versions, encodeSupportedVersionsClient([0x0304])],
      [extensionType.psk_key_exchange_modes, encodePskKeyExchangeModes([1])],
      ...(cookie === undefined ? [] : [[extensionType.cookie, encodeCookie(cookie)] as [number, Uint8Array]]),
      [extensionType.key_share, encodeKeyShareClient(shares)],
    ];
    const list = [...edit(given, this.#retried ? 2 : 1)].map(([each, data]) => ({ type: each, data }));
    const identities = psks.map(({ identity, age = 0 }) => ({ identity, obfuscatedTicketAge: age }));
    const build = (binders: readonly Uint8Array[]): Uint8Array =>
      encodeClientHello({
        legacyVersion: 0x0303,
        random: seededBytes(5)(32),
        sessionId: this.#options.sessionId ?? new Uint8Array(32).fill(9),
        cipherSuites: [this.suite.id],
        compressionMethods: Uint8Array.of(0),
        extensions:
          psks.length === 0
            ? list
            : [
                ...list,
                { type: extensionType.pre_shared_key, data: encodePreSharedKeyClient({ identities, binders }) },
              ],
      });
    const blanks = psks.map(({ hash }) => new Uint8Array(hash === 'sha384' ? 48 : 32));
    const blank = build(blanks);
    const truncated = blank.subarray(0, blank.length - (psks.length === 0 ? 0 : bindersLength({ binders: blanks })));
    const binders = psks.map(({ kind, key, hash = 'sha256' }) =>
      binder(this.crypto, { kind, key, hash }, this.#hash(hash, [...this.transcript, truncated])),
    );
    this.#send(this.#retried ? 'second ClientHello' : 'ClientHello', psks.length === 0 ? blank : build(binders));
  }

  #serverHello(message: Uint8Array): void {
    const { random, extensions } = this.#readServerHello(message);
    const share = extensions.get(extensionType.key_share);
    if (isHelloRetryRequest({ random })) {
      this.#retried = true;
      this.#beginAgain();
      this.transcript.push(message);
      this.#ccs();
      this.#clientHello([groupName(decodeKeyShareRetry(share!))!], extensions.get(extensionType.cookie)?.slice(2));
      return;
    }
    this.transcript.push(message);
    const { group, keyExchange } = decodeKeyShareServer(share!);
    this.#share = this.#shares.find((each) => groupNumber[each.group] === group)!;
    const selected = extensions.get(extensionType.pre_shared_key);
    const psk = selected === undefined ? undefined : this.#options.psks?.[selected[1]!];
    this.#schedule = new KeySchedule(this.crypto, this.suite.hash, psk?.key);
    this.#handshake = this.#schedule.handshake(this.#share.agree(keyExchange)!, this.digest());
    this.#receive(this.#handshake.server, 0);
  }

  #readServerHello(message: Uint8Array) {
    const sessionId = message[38]!;
    const at = 39 + sessionId + 3;
    return { random: message.subarray(6, 38), extensions: splitExtensions(message.subarray(at + 2), 'ServerHello') };
  }

  #finished(): void {
    if (this.role === 'server') {
      this.#receive(this.#application.client, 1);
      this.resumption = this.#schedule!.resumption(this.digest());
      this.connected = true;
      return;
    }
    this.#application = this.#schedule!.application(this.digest());
    this.#receive(this.#application.server, 1);
    this.connected = true;
    if (!this.#retried) this.#ccs();
    this.#protectSending(this.#handshake.client, 0);
    if (this.#asked) this.#prove();
    this.#send('Finished', this.finishedMessage());
    this.resumption = this.#schedule!.resumption(this.digest());
    this.#protectSending(this.#application.client, 1);
  }

  // --- both ---

  /** Of all messages so far. */
  digest(): Uint8Array {
    return this.#hash(this.suite.hash, this.transcript);
  }

  /** Our Finished over what was said so far. */
  finishedMessage(): Uint8Array {
    const secret = this.role === 'server' ? this.#handshake.server : this.#handshake.client;
    return encodeFinished({ verifyData: verifyData(this.crypto, this.suite.hash, secret, this.digest()) });
  }

  #hash(name: 'sha256' | 'sha384', messages: readonly Uint8Array[]): Uint8Array {
    const running = this.crypto.hash(name);
    for (const message of messages) running.update(message);
    return running.digest();
  }

  #beginAgain(): void {
    const digest = this.digest();
    this.transcript = [joined([Uint8Array.of(254, 0, 0, digest.length), digest])];
  }

  #prove(): void {
    const { issued, chain } = this.#options;
    const shown = chain ?? (issued === undefined ? [] : [issued.der]);
    this.#send('Certificate', encodeCertificate({ entries: shown.map((certificate) => ({ certificate })) }));
    if (issued === undefined) return;
    this.#send('CertificateVerify', certificateVerify(issued.keys.secret!, this.role, this.digest()));
  }

  #ccs(): void {
    const altered = this.#options.alter?.('ChangeCipherSpec', Uint8Array.of(1), this);
    const messages = altered === undefined ? [Uint8Array.of(1)] : altered instanceof Uint8Array ? [altered] : altered;
    for (const message of messages) this.clear(type.changeCipherSpec, message);
  }

  #send(step: Step, message: Uint8Array): void {
    this.#step = step;
    const altered = this.#options.alter?.(step, message, this);
    const messages = altered === undefined ? [message] : altered instanceof Uint8Array ? [altered] : altered;
    const { fragment = 16_384 } = this.#options;
    for (const each of messages) {
      this.transcript.push(each);
      for (let at = 0; at < each.length; at += fragment) this.record(type.handshake, each.slice(at, at + fragment));
    }
    this.#step = undefined;
  }

  #put(record: Uint8Array): void {
    this.out.push(...(this.#options.wire?.(record, this.#step) ?? [record]));
  }

  #protectSending(secret: Uint8Array, epoch: number): void {
    this.#sendSecret = secret.slice();
    this.sending = new RecordProtection(this.crypto, this.suite, secret, epoch);
  }

  #receive(secret: Uint8Array, epoch: number): void {
    this.#receiveSecret = secret.slice();
    this.receiving = new RecordProtection(this.crypto, this.suite, secret, epoch);
  }
}

/** A CertificateVerify of that key; `algorithm` and `context` are what an honest one has unless they are given. */
export function certificateVerify(
  key: KeyObject,
  role: 'client' | 'server',
  digest: Uint8Array,
  algorithm?: number,
): Uint8Array {
  const content = signedContent(role, digest);
  const made = {
    ec: [0x0403, () => sign('sha256', content, key)],
    rsa: [0x0804, () => sign('sha256', content, { key, padding: 6, saltLength: 32 })],
    ed25519: [0x0807, () => sign(null, content, key)],
  } as const;
  const [honest, make] = made[key.asymmetricKeyType as keyof typeof made];
  return encodeCertificateVerify({ algorithm: algorithm ?? honest, signature: new Uint8Array(make()) });
}

/** A handshake message of any type and body. */
export const handshake = (kind: number, body: Uint8Array = none): Uint8Array =>
  joined([Uint8Array.of(kind, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff), body]);

/** A copy with some bytes changed. */
export function patched(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at < 0 ? copy.length + at : at);
  return copy;
}

/** The message with its block of extensions edited; every length around it follows. */
export function withExtensions(
  message: Uint8Array,
  edit: (extensions: [number, Uint8Array][]) => Iterable<readonly [number, Uint8Array]>,
): Uint8Array {
  const at = extensionsAt(message);
  const found: [number, Uint8Array][] = [];
  for (let from = at + 2; from < message.length; ) {
    const end = from + 4 + (message[from + 2]! << 8) + message[from + 3]!;
    found.push([(message[from]! << 8) + message[from + 1]!, message.slice(from + 4, end)]);
    from = end;
  }
  const block = joined(
    [...edit(found)].map(([each, data]) =>
      joined([Uint8Array.of(each >> 8, each & 0xff, data.length >> 8, data.length & 0xff), data]),
    ),
  );
  const length = Uint8Array.of(block.length >> 8, block.length & 0xff);
  return handshake(message[0]!, joined([message.subarray(4, at), length, block]));
}

function extensionsAt(message: Uint8Array): number {
  const uint16 = (at: number): number => (message[at]! << 8) + message[at + 1]!;
  switch (message[0]) {
    case handshakeType.client_hello: {
      const suites = 39 + message[38]!;
      const compression = suites + 2 + uint16(suites);
      return compression + 1 + message[compression]!;
    }
    case handshakeType.server_hello:
      return 39 + message[38]! + 3;
    case handshakeType.encrypted_extensions:
      return 4;
    case handshakeType.certificate_request:
      return 5 + message[4]!;
    case handshakeType.new_session_ticket: {
      const ticket = 13 + message[12]!;
      return ticket + 2 + uint16(ticket);
    }
    default:
      throw new Error(`no extensions in a message of type ${message[0]}`);
  }
}

/** An edit: that extension set to other data, put at the end where it was not. */
export const put =
  (kind: number, data: Uint8Array) =>
  (extensions: [number, Uint8Array][]): [number, Uint8Array][] =>
    extensions.some(([each]) => each === kind)
      ? extensions.map(([each, old]) => [each, each === kind ? data : old])
      : [...extensions, [kind, data]];

/** An edit: without those. */
export const without =
  (...kinds: readonly number[]) =>
  (extensions: [number, Uint8Array][]): [number, Uint8Array][] =>
    extensions.filter(([each]) => !kinds.includes(each));
