import type { TLSSocket } from 'node:tls';
import {
  type AlertDescription,
  AlertReceivedError,
  ApiMisuseError,
  alertName,
  contentType,
  contentTypeName,
  type Direction,
  EngineFailureError,
  engineReadiness,
  LimitExceededError,
  type TlsEngine,
  type TlsEngineSink,
  TlsError,
  type TlsHost,
} from '@rxtls/core/engine';
import { type Authenticated, LiveSink, type RecordBound, verifyTask, type WireRecord } from '@rxtls/core/engine-parts';
import type { Connector, EngineCore } from './connector.ts';
import { InboundGate } from './inbound-gate.ts';
import { MemoryWire } from './memory-wire.ts';
import { negotiatedParameters } from './negotiated.ts';
import { nodeTlsError } from './node-tls-error.ts';
import { RecordFeed, type RecordFeedOwner } from './record-feed.ts';
import { RecordLimits } from './record-limits.ts';
import { Renegotiation } from './renegotiation.ts';
import { SentRecords, type SentRecordsReader } from './sent-records.ts';
import { SocketWriter, type SocketWriterOwner } from './socket-writer.ts';

/** One connection: records in one at a time, plaintext out through the gate, writes one at a time. See node-engine.ts. */
export class TlsSocketEngine implements TlsEngine, EngineCore, RecordFeedOwner, SentRecordsReader, SocketWriterOwner {
  readonly sink: LiveSink;
  readonly host: TlsHost;
  readonly wire: MemoryWire;
  readonly #connector: Connector;
  readonly #gate: InboundGate;
  readonly #feed: RecordFeed;
  readonly #limits: RecordLimits;
  readonly #renegotiation: Renegotiation;
  readonly #sent = new SentRecords(this);
  readonly #writer = new SocketWriter(this);
  #socket: TLSSocket | undefined;
  #secured = false;
  #negotiated = false;
  #tls13 = false;
  #clear = true;
  #taskRuns = false;
  #closeSent = false;
  #peerClosed = false;
  #peerLeaf: Uint8Array | undefined;

  constructor(connector: Connector, sink: TlsEngineSink, host: TlsHost) {
    this.#connector = connector;
    this.sink = new LiveSink(sink);
    this.host = host;
    this.#gate = new InboundGate(this.sink);
    this.#limits = new RecordLimits(host.limits, () => host.monotonicClock(), this.sink);
    this.#renegotiation = new Renegotiation(host.limits.renegotiation, this.sink);
    this.#feed = new RecordFeed(this);
    this.wire = new MemoryWire({
      written: (bytes) => this.#written(bytes),
      // Only from the next turn on does a push reach OpenSSL inside the call.
      reading: () => process.nextTick(() => this.#feed.goOn()),
    });
    this.wire.on('close', () => this.#closedByNode());
    this.#tellReadiness();
    this.guard(() => connector.enter(this, () => connector.start(this)));
  }

  // --- The road in ---

  receiveCiphertext(bytes: Uint8Array): void {
    if (!this.mayFeed()) return;
    this.#feed.push(bytes);
    if (!this.#secured) this.guard(() => this.#connector.preview?.(this, bytes));
    this.#feed.pump();
  }

  /** OpenSSL is not told: it would show the end as if it were a close_notify. Core decides what it means. */
  receiveEnd(): void {
    this.#feed.end(!this.#connector.awaitsHello);
  }

  drained(rest: number): void {
    if (rest > 0) this.#gate.consumed(rest);
  }

  mayFeed(): boolean {
    return this.sink.alive && !this.#peerClosed;
  }

  feed(bytes: Uint8Array): boolean {
    if (!this.#connector.isShared) return this.wire.feed(bytes);
    let isThrough = false;
    this.#enter(() => {
      isThrough = this.wire.feed(bytes);
    });
    return isThrough;
  }

  /** Runs a call into OpenSSL. */
  #enter(call: () => void): void {
    this.#connector.enter(this, call);
  }

  recordBound(): RecordBound {
    if (this.#secured) return this.#tls13 ? 'tls13' : 'older';
    return this.#clear ? 'clear' : 'older';
  }

  admit(record: WireRecord): void {
    const contentTypeSeen = contentTypeName(record.type);
    if (contentTypeSeen !== undefined && this.sink.observed)
      this.sink.event({ type: 'record', direction: 'received', contentType: contentTypeSeen, bytes: record.length });
    if (record.type === contentType.changeCipherSpec || record.type === contentType.applicationData)
      this.#clear = false;
    const inRenegotiation = this.#secured && !this.#tls13 && record.type === contentType.handshake;
    if (inRenegotiation) this.#beginRenegotiation('received');
    if (!this.#secured || inRenegotiation) this.#limits.handshakeRecord(record.bytes.length);
    else this.#limits.protectedRecord();
    if (!this.#secured && record.length === 0) this.#limits.recordWithoutPlaintext(record.type);
  }

  settled(record: WireRecord, gavePlaintext: boolean): void {
    if (!this.sink.alive) return;
    const alert = this.#clearAlert(record);
    this.#gate.consumed(record.bytes.length);
    if (this.#peerClosed || (alert === 'close_notify' && !this.#secured)) {
      this.#peerClosed = true;
      this.#feed.clear();
      if (alert === undefined) this.#alertEvent('received', 'warning', 'close_notify');
      this.#gate.closeNotify();
    } else if (gavePlaintext) this.#limits.recordWithPlaintext();
    else if (this.#secured && record.type !== contentType.handshake) this.#withoutPlaintext(record.type);
  }

  #withoutPlaintext(type: number): void {
    this.#limits.recordWithoutPlaintext(type);
    if (this.#tls13) this.#limits.postHandshakeRecord();
  }

  /** An alert in the clear: two bytes, where a protected one is never that short. */
  #clearAlert({ type, length, bytes }: WireRecord): AlertDescription | undefined {
    if (type !== contentType.alert || length !== 2) return undefined;
    const level = bytes[5] === 1 ? 'warning' : 'fatal';
    const number = bytes[6] ?? 0;
    const description = alertName(number);
    this.#alertEvent('received', level, description ?? number);
    if (this.#secured || description === 'close_notify') return description;
    // Node tells of it some ticks later, when the wire may have broken already.
    if (level === 'fatal')
      this.fail(new AlertReceivedError(`the peer sent ${description ?? number}`, alertOf(description)));
    else this.#limits.warning();
    return description;
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  // --- The road out ---

  sendPlaintext(bytes: Uint8Array): void {
    if (!this.sink.alive || bytes.length === 0) return;
    try {
      this.#limits.beforeSending(this.#writer.unsealed + bytes.length);
      this.#writer.write(bytes);
    } catch (error) {
      this.#caught(error);
    }
    this.#tellReadiness();
  }

  /** Only after the handshake: there is nothing to `enter`. */
  write(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#socket?.write(bytes, done);
  }

  sealed(bytes: number): boolean {
    this.sink.sealed(bytes);
    return this.sink.alive;
  }

  changed(): void {
    this.#tellReadiness();
  }

  sendCloseNotify(): void {
    if (!this.sink.alive || this.#closeSent) return;
    this.#closeSent = true;
    this.#tellReadiness();
    this.guard(() => this.#writer.end(() => this.#enter(() => this.#socket?.end(() => this.sink.sealed(0)))));
  }

  /** Renegotiates (RFC 5246 §7.4.1.2): for clients of TLS 1.2 where the limits allow it. */
  updateKeys(): void {
    if (!this.sink.alive) return;
    if (this.#connector.role === 'server' || this.#tls13)
      throw new ApiMisuseError('Node can renegotiate as a client of TLS 1.2, and can start no TLS 1.3 KeyUpdate');
    this.guard(() => {
      if (this.host.limits.renegotiation === false)
        throw new LimitExceededError('renegotiation', 'limits.renegotiation: renegotiation is switched off');
      this.#beginRenegotiation('sent');
      this.#enter(() => {
        this.#socket?.renegotiate({}, (error) => {
          if (error !== null) this.broken(error);
        });
      });
    });
  }

  #beginRenegotiation(direction: Direction): void {
    if (this.#renegotiation.isRunning) return;
    this.#renegotiation.begin(direction);
    this.#limits.startHandshake();
    this.#tellReadiness();
  }

  #written(bytes: Uint8Array): void {
    if (!this.sink.alive || bytes.length === 0) return;
    this.#sent.push(bytes);
    this.sink.ciphertext(bytes);
  }

  recordSent(type: number, length: number): void {
    this.#limits.recordSent();
    const name = contentTypeName(type);
    if (name !== undefined && this.sink.observed)
      this.sink.event({ type: 'record', direction: 'sent', contentType: name, bytes: length });
    // Nothing else is as short as a protected alert once all data is out.
    if (!this.#closeSent || this.#writer.unsealed > 0) return;
    if (type === contentType.alert || (this.#tls13 && length <= 19))
      this.#alertEvent('sent', 'warning', 'close_notify');
  }

  clearAlertSent(level: number, number: number): void {
    this.#alertEvent('sent', level === 1 ? 'warning' : 'fatal', alertName(number) ?? number);
  }

  // --- OpenSSL's side ---

  adopt(socket: TLSSocket): void {
    this.#socket = socket;
    socket.on('error', (error) => this.broken(error));
    socket.on('close', () => this.#closedByNode());
    socket.on('data', (bytes: Buffer) => {
      this.#feed.sawPlaintext();
      this.#gate.plaintext(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    });
    socket.on('end', () => {
      this.#peerClosed = true;
    });
    socket.on('secure', () => this.guard(() => this.#renegotiated(socket)));
  }

  secured(): void {
    const socket = this.#socket;
    if (!this.sink.alive || socket === undefined || this.#secured) return;
    this.guard(() => {
      this.#secured = true;
      this.#gate.await();
      this.#tls13 = socket.getProtocol() === 'TLSv1.3';
      this.#limits.startKeys(socket.getCipher().standardName);
      if (this.#tls13 || this.host.limits.renegotiation === false) this.#writer.gather();
      const authenticated = this.#connector.authenticate(this, socket);
      this.#peerLeaf = authenticated.peer.chain[0];
      if (authenticated.verify === undefined) this.#conclude(socket, authenticated);
      else this.#ask(socket, authenticated);
    });
  }

  #ask(socket: TLSSocket, authenticated: Authenticated): void {
    this.#taskRuns = true;
    this.#tellReadiness();
    const task = verifyTask(authenticated, (error) => {
      this.#taskRuns = false;
      if (error === undefined) this.guard(() => this.#conclude(socket, authenticated));
      else this.fail(error);
    });
    this.sink.task(task);
  }

  #conclude(socket: TLSSocket, { peer, resumed, serverName }: Authenticated): void {
    if (!this.sink.alive) return;
    const parameters = negotiatedParameters(socket, peer, resumed, serverName);
    this.#negotiated = true;
    this.sink.negotiated(parameters);
    this.#connector.verified?.(this, parameters);
    this.#gate.open();
    this.#tellReadiness();
  }

  #renegotiated(socket: TLSSocket): void {
    if (!this.#renegotiation.isRunning) return;
    const after = socket.getPeerCertificate(false)?.raw;
    this.#renegotiation.end(this.#peerLeaf, after);
    this.#limits.startKeys(socket.getCipher().standardName);
    this.#tellReadiness();
  }

  broken(error: unknown): void {
    // Node's words for a close_notify in the middle of a handshake.
    if (!this.#secured && (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      this.#peerClosed = true;
      return;
    }
    const normalised = nodeTlsError(error);
    // A protected alert is seen only by what OpenSSL made of it, and one in the clear where Node tells inside the call.
    if (normalised instanceof AlertReceivedError && normalised.alert !== undefined)
      this.#alertEvent('received', 'fatal', normalised.alert);
    this.fail(normalised);
  }

  #alertEvent(direction: Direction, level: 'warning' | 'fatal', description: AlertDescription | number): void {
    if (this.sink.observed) this.sink.event({ type: 'alert', direction, level, description });
  }

  // --- The end ---

  abort(_alert: AlertDescription): void {
    // Node has no call that sends an alert: the peer sees a cut (capabilities.alerts is 'own').
    this.destroy();
  }

  destroy(): void {
    this.sink.silence();
    this.#tearDown();
  }

  fail(error: TlsError): void {
    this.sink.failed(error);
    this.#tearDown();
  }

  #tearDown(): void {
    this.#gate.close();
    this.#feed.clear();
    this.#writer.clear();
    // Later: this may be a callback out of OpenSSL.
    process.nextTick(() => {
      this.#socket?.destroy();
      this.wire.destroy();
    });
  }

  #closedByNode(): void {
    // An error costs a stack trace, and most connections end here without one.
    if (this.#peerClosed || !this.sink.alive) return;
    this.fail(new EngineFailureError('Node closed its TLS socket without an error'));
  }

  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    if (!this.#negotiated || this.#socket === undefined)
      throw new ApiMisuseError('keying material can be exported once the handshake is over');
    try {
      // Node takes no context for "no context", which TLS 1.2 tells from an empty one (RFC 5705 §4); its types do not say so.
      return new Uint8Array(this.#socket.exportKeyingMaterial(length, label, context as Buffer));
    } catch {
      throw new ApiMisuseError(
        'keying material cannot be exported with this label and length, or the connection is over',
      );
    }
  }

  #tellReadiness(): void {
    if (!this.#negotiated) this.sink.readiness(this.#taskRuns ? engineReadiness.wantAsync : engineReadiness.wantRead);
    else if (this.#renegotiation.isRunning) this.sink.readiness(engineReadiness.wantRead);
    else if (this.#closeSent || !this.#writer.mayWrite) this.sink.readiness(engineReadiness.wantWrite);
    else this.sink.readiness(engineReadiness.ready);
  }

  /** Nothing that is thrown in here, by Node or by us, leaves the engine but as `failed`. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#caught(error);
    }
  }

  #caught(error: unknown): void {
    this.fail(error instanceof TlsError ? error : nodeTlsError(error));
  }
}

const alertOf = (alert: AlertDescription | undefined): { readonly alert?: AlertDescription } =>
  alert === undefined ? {} : { alert };
