// A peer made of the engine's own parts, that says what a plan says: it hashes and protects what it has changed, so that the
// other side's parsers and states behind the decryption are reached.
import { contentType, resolveLimits, type TlsHost } from '@rxtls/core/engine';
import { LimitWatch } from '@rxtls/core/engine-parts';
import type { CipherSuite } from '../../packages/engine-tls13/src/crypto/cipher-suite.ts';
import type { CryptoProvider } from '../../packages/engine-tls13/src/crypto/crypto-provider.ts';
import { nodeCrypto } from '../../packages/engine-tls13/src/crypto/node/node-crypto.ts';
import type {
  Connected,
  Handshake,
  HandshakeConnection,
} from '../../packages/engine-tls13/src/handshake/handshake-connection.ts';
import { nextTrafficSecret } from '../../packages/engine-tls13/src/key-schedule/traffic-keys.ts';
import { HandshakeDeframer } from '../../packages/engine-tls13/src/record/handshake-deframer.ts';
import { RecordProtection } from '../../packages/engine-tls13/src/record/record-protection.ts';
import { RecordReceiver } from '../../packages/engine-tls13/src/record/record-receiver.ts';
import { type ByteChange, changedBytes, joined } from './byte-change.ts';
import { type Edit, edited, withHeader } from './tls13-edits.ts';

/** A record that nobody expects. */
export type Stray =
  /** As protected as the records around it. */
  | { readonly kind: 'inner'; readonly type: number; readonly content: Uint8Array; readonly padding: number }
  | { readonly kind: 'clear'; readonly type: number; readonly minor: number; readonly content: Uint8Array }
  /** Of another connection; `which` as a part of all. */
  | { readonly kind: 'foreign'; readonly which: number }
  /** `follow`: new keys afterwards, as the protocol has it. */
  | { readonly kind: 'keyUpdate'; readonly request: number; readonly follow: boolean }
  | { readonly kind: 'plain data'; readonly bytes: number };

/** What a forger does otherwise than the protocol has it. Numbers count its messages and its records from 0. */
export interface Forgery {
  readonly edits: readonly { readonly message: number; readonly edit: Edit }[];
  /** The edited messages are in the forger's own transcript: its signature and its Finished are right. */
  readonly hashed: boolean;
  readonly strays: readonly { readonly record: number; readonly stray: Stray }[];
  readonly inner: readonly { readonly record: number; readonly change: ByteChange }[];
  /** Records that leave without the protection that they should have. */
  readonly naked: readonly number[];
  /** The first keys come too late: what should be under them leaves with the message before. */
  readonly lateKeys: boolean;
  /** The most of a handshake flight in one record. */
  readonly fragment: number;
  readonly padding: number;
}

/** A record on the wire. */
export interface SentRecord {
  readonly bytes: Uint8Array;
  readonly isProtected: boolean;
}

const limits = resolveLimits({});

export class Forger {
  readonly #forgery: Forgery;
  readonly #foreign: readonly Uint8Array[];
  readonly #handshake: Handshake;
  readonly #crypto: CryptoProvider;
  readonly #receiver = new RecordReceiver(limits, new LimitWatch({ observed: false, event: () => undefined }));
  readonly #messages = new HandshakeDeframer(limits, new LimitWatch({ observed: false, event: () => undefined }));
  readonly #received = new WeakSet<Uint8Array>();
  readonly #edits = new Map<Uint8Array, readonly Uint8Array[]>();
  #late: readonly Uint8Array[] = [];
  #lateFlight = false;
  #flight: Uint8Array[] = [];
  #sending: { suite: CipherSuite; secret: Uint8Array; protection: RecordProtection } | undefined;
  #receiving: { suite: CipherSuite; secret: Uint8Array } | undefined;
  #mostInner = 16_384;
  #records = 0;
  #wire: SentRecord[] = [];
  /** Handshake messages as its own code made them, whatever left. */
  readonly made: Uint8Array[] = [];
  connected: Connected | undefined;
  /** What it sent as if it were early data. */
  plainBytes = 0;
  /** A record has left without its protection. */
  wasNaked = false;
  /** It has come to its own end: it says no more. */
  isDone = false;
  /** Application data that it has protected. */
  readonly sentData: Uint8Array[] = [];

  constructor(
    make: (connection: HandshakeConnection) => Handshake,
    host: TlsHost,
    forgery: Forgery,
    foreign: readonly Uint8Array[],
  ) {
    this.#forgery = forgery;
    this.#foreign = foreign;
    this.#crypto = { ...nodeCrypto, hash: (name) => this.#transcript(nodeCrypto.hash(name)) };
    this.#receiver.mayChangeCipherSpec = true;
    this.#handshake = make(this.#connection(host));
    this.#guard(() => this.#handshake.start());
  }

  /** The records it has made. */
  take(): SentRecord[] {
    return this.#wire.splice(0);
  }

  receive(bytes: Uint8Array): void {
    this.#guard(() => {
      this.#receiver.push(bytes);
      for (let record = this.#receiver.next(); record !== undefined; record = this.#receiver.next()) {
        if (record.type === contentType.alert) this.isDone = true;
        if (record.type !== contentType.handshake) continue;
        this.#messages.push(record.content);
        for (let message = this.#messages.next(); message !== undefined; message = this.#messages.next()) {
          this.#received.add(message.bytes);
          if (this.connected === undefined) this.#handshake.receive(message);
          else if (message.type === 24) this.#nextReceiving();
        }
      }
    });
  }

  send(data: Uint8Array): void {
    const most = this.#mostInner;
    this.#guard(() => {
      for (let at = 0; at === 0 || at < data.length; at += most)
        this.#emit(contentType.applicationData, data.subarray(at, at + most));
    });
  }

  closeNotify(): void {
    this.#guard(() => this.#emit(contentType.alert, Uint8Array.of(1, 0)));
  }

  /** Its own code may not bear what the other side answers to a forgery: that is its end. */
  #guard(part: () => void): void {
    if (this.isDone) return;
    try {
      part();
      this.#flush();
    } catch {
      this.isDone = true;
    }
  }

  #connection(host: TlsHost): HandshakeConnection {
    return {
      crypto: this.#crypto,
      host,
      send: (message) => {
        this.#flight.push(...this.#edited(message));
        return message;
      },
      sendChangeCipherSpec: () => {
        this.#flush();
        this.#put(Uint8Array.of(20, 3, 3, 0, 1, 1), false);
      },
      protectSending: (suite, secret) => {
        if (this.#forgery.lateKeys && this.#sending === undefined && this.#flight.length > 0) this.#lateFlight = true;
        if (!this.#lateFlight) this.#flush();
        const copy = secret.slice();
        this.#sending = { suite, secret: copy, protection: new RecordProtection(nodeCrypto, suite, copy, 0) };
      },
      protectReceiving: (suite, secret, epoch) => {
        this.#receiving = { suite, secret: secret.slice() };
        this.#receiver.protect(new RecordProtection(nodeCrypto, suite, secret, epoch));
      },
      limitSending: (bytes) => {
        this.#mostInner = Math.min(16_384, bytes - 1);
      },
      limitReceiving: () => undefined,
      skipEarlyData: () => undefined,
      endEarlyData: () => undefined,
      ask: ({ run }, then) => then(run() as never),
      keylog: () => undefined,
      done: (connected) => {
        this.connected = connected;
      },
    };
  }

  /** The transcript hash of what left, where the plan says so. */
  #transcript(running: ReturnType<CryptoProvider['hash']>): ReturnType<CryptoProvider['hash']> {
    return {
      update: (bytes) => {
        const isWhole = bytes.length - 4 === (((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0));
        const isOwn = isWhole && bytes[0] !== 254 && !this.#received.has(bytes);
        if (!isOwn) running.update(bytes);
        else for (const message of this.#edited(bytes)) running.update(this.#forgery.hashed ? message : bytes);
      },
      digest: () => running.digest(),
    };
  }

  #edited(message: Uint8Array): readonly Uint8Array[] {
    const known = this.#edits.get(message);
    if (known !== undefined) return known;
    const number = this.made.length;
    this.made.push(message);
    let messages: readonly Uint8Array[] = [message];
    let isLate = false;
    for (const { message: which, edit } of this.#forgery.edits) {
      if (which !== number) continue;
      isLate ||= edit.kind === 'late';
      messages = messages.flatMap((one) => edited(one, edit));
    }
    const before = this.#late;
    this.#late = isLate ? messages : [];
    const all = isLate ? before : [...messages, ...before];
    this.#edits.set(message, all);
    return all;
  }

  #flush(): void {
    const isLate = this.#lateFlight && this.#flight.length > 0;
    this.#lateFlight = false;
    const flight = joined(this.#flight.splice(0));
    if (isLate) {
      this.wasNaked = true;
      this.#clear(contentType.handshake, flight.subarray(0, 16_384));
      return;
    }
    const most = Math.min(this.#forgery.fragment, this.#mostInner);
    for (let at = 0; at < flight.length; at += most) this.#emit(contentType.handshake, flight.subarray(at, at + most));
  }

  #emit(type: number, content: Uint8Array): void {
    const number = this.#records++;
    for (const { record, stray } of this.#forgery.strays) if (record === number) this.#stray(stray);
    let changed = content;
    for (const { record, change } of this.#forgery.inner)
      if (record === number) changed = changedBytes(changed, change);
    const isNaked = this.#sending !== undefined && this.#forgery.naked.includes(number);
    if (isNaked) this.#clear(type, changed);
    else this.#protect(type, changed, this.#forgery.padding);
    this.wasNaked ||= isNaked;
  }

  #clear(type: number, content: Uint8Array): void {
    this.#put(joined([Uint8Array.of(type, 3, 3, content.length >> 8, content.length), content]), false);
  }

  #protect(type: number, content: Uint8Array, padding: number): void {
    const length = Math.min(content.length, 16_640);
    if (this.#sending === undefined) {
      this.#clear(type, content.subarray(0, length));
      return;
    }
    const trailer = new Uint8Array(1 + Math.max(0, Math.min(padding, this.#mostInner - length)));
    trailer[0] = type;
    const out = new Uint8Array(5 + length + trailer.length + 16);
    this.#sending.protection.seal(content.subarray(0, length), trailer, out, 0);
    // A type of 0 is padding: the type is then the last byte of the content that is not 0.
    let end = length;
    if (type === 0) while (content[--end] === 0);
    const isData = (type === 0 ? content[end] : type) === contentType.applicationData;
    if (isData) this.sentData.push(content.slice(0, end));
    this.#put(out, true);
  }

  #stray(stray: Stray): void {
    switch (stray.kind) {
      case 'inner':
        this.#protect(stray.type, stray.content, stray.padding);
        break;
      case 'clear': {
        const { type, minor, content } = stray;
        this.#put(joined([Uint8Array.of(type, 3, minor, content.length >> 8, content.length), content]), false);
        break;
      }
      case 'foreign': {
        const bytes = this.#foreign[Math.min(this.#foreign.length - 1, Math.floor(stray.which * this.#foreign.length))];
        if (bytes !== undefined) this.#put(bytes, false);
        break;
      }
      case 'keyUpdate':
        this.#protect(contentType.handshake, withHeader(24, Uint8Array.of(stray.request)), 0);
        if (stray.follow) this.#nextSending();
        break;
      case 'plain data':
        this.plainBytes += 5 + stray.bytes;
        this.#put(joined([Uint8Array.of(23, 3, 3, stray.bytes >> 8, stray.bytes), new Uint8Array(stray.bytes)]), false);
    }
  }

  #nextSending(): void {
    if (this.#sending === undefined) return;
    const { suite } = this.#sending;
    const secret = nextTrafficSecret(nodeCrypto, suite.hash, this.#sending.secret);
    this.#sending = { suite, secret, protection: new RecordProtection(nodeCrypto, suite, secret, 1) };
  }

  #nextReceiving(): void {
    if (this.#receiving === undefined) return;
    const { suite } = this.#receiving;
    const secret = nextTrafficSecret(nodeCrypto, suite.hash, this.#receiving.secret);
    this.#receiving = { suite, secret };
    this.#receiver.protect(new RecordProtection(nodeCrypto, suite, secret, 1));
  }

  #put(bytes: Uint8Array, isProtected: boolean): void {
    this.#wire.push({ bytes, isProtected });
  }
}
