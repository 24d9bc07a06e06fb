import {
  type AlertDescription,
  AlertReceivedError,
  ApiMisuseError,
  CertificateError,
  alertForError,
  alertName,
  contentType,
  contentTypeName,
  type Direction,
  engineReadiness,
  LimitExceededError,
  maxPlaintextRecordBytes,
  PeerMisbehavedError,
  recordHeaderBytes,
  type TlsEngine,
  type TlsEngineSink,
  type TlsError,
  type TlsHost,
  type TlsPhase,
} from '@rxtls/core/engine';
import { type Authenticated, LiveSink, RecordReader, verifyTask, type WireRecord } from '@rxtls/core/engine-parts';
import { type BinaryString, fromBinaryString, toBinaryString } from './binary-string.ts';
import { type ConnectionWatcher, DrivenConnection } from './driven-connection.ts';
import { thrownError } from './forge-error.ts';
import type { ForgeRole } from './forge-role.ts';
import { HandshakeReader, outOfOrder } from './handshake-reader.ts';
import { keylogLine } from './keylog-line.ts';
import { checkFraming } from './message-framing.ts';
import { negotiatedParameters } from './negotiated.ts';
import { RecordLimits } from './record-limits.ts';

/** A block of AES, and with it the shortest protected record: 20 bytes of MAC, one of padding, in whole blocks (RFC 4346 §6.2.3.2). */
const blockBytes = 16;
const shortestProtected = { 1: 32, 2: 48 } as const;

/**
 * One connection: records in front of node-forge, and order behind it. `#step` is the inbound road, one record at a time;
 * `#flush` the outbound one. forge-engine.ts says why it looks like this.
 */
export class ForgeTlsEngine implements TlsEngine {
  readonly #sink: LiveSink;
  readonly #role: ForgeRole;
  readonly #connection: DrivenConnection;
  readonly #records = new RecordReader();
  readonly #messages: HandshakeReader;
  readonly #limits: RecordLimits;
  #phase: TlsPhase = 'handshake';
  /** The peer's records are protected from now on. */
  #protected = false;
  #paused = false;
  #ended = false;
  /** A whole record of application data waits for `resume`. */
  #holding = false;
  #closeSent = false;
  #closeReceived = false;
  #alert: Uint8Array | undefined;
  #renegotiations = 0;

  constructor(role: ForgeRole, sink: TlsEngineSink, host: TlsHost) {
    this.#sink = new LiveSink(sink);
    this.#role = role;
    this.#messages = new HandshakeReader(host.limits);
    this.#limits = new RecordLimits(host.limits, this.#sink);
    const watcher: ConnectionWatcher = {
      session: (session) => role.session(session),
      opened: (type, plaintext) => this.#opened(type, plaintext),
    };
    this.#connection = new DrivenConnection(role.options, watcher, host);
    this.#sink.readiness(engineReadiness.wantRead);
    this.#enter(() => {
      role.start(this.#connection);
      this.#flush();
    });
  }

  receiveCiphertext(bytes: Uint8Array): void {
    if (this.#closeReceived) return;
    this.#enter(() => this.#records.push(bytes));
  }

  receiveEnd(): void {
    this.#enter(() => {
      this.#ended = true;
    });
  }

  /** @throws ApiMisuseError before `negotiated`: node-forge would send the bytes in clear text. */
  sendPlaintext(bytes: Uint8Array): void {
    if (!this.#sink.alive) return;
    if (this.#phase !== 'open' || this.#closeSent)
      throw new ApiMisuseError('sendPlaintext was called while the engine may not send; nothing was sent');
    this.#enter(() => {
      if (bytes.length === 0) return;
      this.#connection.seal(bytes);
      this.#flush();
      this.#sink.sealed(bytes.length);
    });
  }

  sendCloseNotify(): void {
    this.#enter(() => {
      if (this.#closeSent) return;
      this.#sendAlert('warning', 'close_notify');
      this.#closeSent = true;
      this.#sink.sealed(0);
      this.#sink.readiness(engineReadiness.wantRead);
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#enter(() => {});
  }

  abort(alert: AlertDescription): void {
    if (this.#sink.alive) this.#role.failed();
    this.#lastWord(alert);
    this.destroy();
  }

  destroy(): void {
    this.#sink.silence();
    this.#phase = 'closed';
    this.#connection.wipe();
    this.#records.clear();
    this.#messages.clear();
  }

  /** Every call in: does its part, goes on with what was received, and turns whatever is thrown into `failed`. */
  #enter(part: () => void): void {
    if (!this.#sink.alive) return;
    try {
      part();
      while (this.#step());
    } catch (thrown) {
      this.#fail(thrownError(thrown));
    }
  }

  /** One record, if there is one to be had now. */
  #step(): boolean {
    if (!this.#sink.alive || this.#closeReceived || this.#phase === 'verification') return false;
    this.#holding = false;
    const record = this.#records.next(this.#protected ? 'older' : 'clear', (type, length) => {
      this.#holding = this.#paused && this.#phase === 'open' && type === contentType.applicationData && length > 0;
      return this.#holding;
    });
    if (record === undefined) {
      if (this.#ended && !this.#holding) this.#dropRest();
      return false;
    }
    this.#recordEvent('received', record.type, record.length);
    if (this.#protected) this.#receiveProtected(record);
    else this.#receiveClear(record);
    this.#flush();
    for (const bytes of this.#connection.takePlaintext()) this.#sink.plaintext(bytes);
    this.#sink.consumed(record.bytes.length);
    this.#receiveAlert();
    if (this.#sink.alive && this.#phase === 'handshake' && this.#connection.connected) this.#handshakeDone();
    return true;
  }

  /** What is left when the wire has ended is a part of a record. */
  #dropRest(): void {
    const rest = this.#records.clear();
    if (rest > 0) this.#sink.consumed(rest);
  }

  #receiveClear({ type, length, bytes }: WireRecord): void {
    const body = bytes.subarray(recordHeaderBytes);
    // RFC 8446 §5.1: "Implementations MUST NOT send zero-length fragments of Handshake types"; older versions say it of all but data.
    if (length === 0 || type === contentType.applicationData || type === contentType.heartbeat)
      throw outOfOrder(length === 0 ? 'an empty record' : (contentTypeName(type) ?? 'a record'));
    if (type === contentType.handshake) {
      this.#limits.handshakeRecord(bytes.length);
      this.#role.record(bytes);
      this.#messages.push(body);
      for (let message = this.#messages.next(); message !== undefined; message = this.#messages.next()) {
        checkFraming(message);
        this.#role.message(message);
        this.#connection.receiveMessage(message.bytes, bytes[2] ?? 0);
      }
      return;
    }
    if (this.#messages.pending > 0) throw outOfOrder('a record between handshake fragments');
    if (type === contentType.alert) {
      this.#alert = body;
      return;
    }
    // RFC 4346 §7.1: "The message consists of a single byte of value 1."
    if (length !== 1 || body[0] !== 1)
      throw new PeerMisbehavedError('a ChangeCipherSpec is malformed', { alert: 'illegal_parameter' });
    this.#connection.receiveRecord(bytes);
    this.#protected = true;
  }

  #receiveProtected({ type, length, bytes }: WireRecord): void {
    if (type === contentType.changeCipherSpec || type === contentType.heartbeat)
      throw outOfOrder(contentTypeName(type) ?? 'a record');
    const shortest = shortestProtected[this.#connection.minorVersion === 1 ? 1 : 2];
    // As a MAC that does not fit: which of both it was is nobody's business.
    if (length < shortest || length % blockBytes !== 0)
      throw new PeerMisbehavedError('a record does not authenticate', { alert: 'bad_record_mac' });
    if (type === contentType.handshake && this.#phase === 'handshake') this.#limits.handshakeRecord(bytes.length);
    this.#connection.receiveRecord(bytes);
  }

  /** A record has been decrypted; node-forge goes on with what is answered. */
  #opened(type: number, plaintext: BinaryString): ReturnType<ConnectionWatcher['opened']> {
    // RFC 4346 §6.2.1: "The length should not exceed 2^14."
    if (plaintext.length > maxPlaintextRecordBytes)
      throw new PeerMisbehavedError('a record holds more than 2^14 bytes', { alert: 'record_overflow' });
    if (type === contentType.handshake) return this.#openedHandshake(plaintext);
    if (this.#messages.pending > 0) throw outOfOrder('a record between handshake fragments');
    if (type === contentType.alert) {
      this.#alert = fromBinaryString(plaintext);
      return 'nothing';
    }
    if (plaintext.length === 0) this.#limits.emptyRecord();
    else this.#limits.recordWithPlaintext();
    return 'as it is';
  }

  #openedHandshake(plaintext: BinaryString): ReturnType<ConnectionWatcher['opened']> {
    if (plaintext.length === 0) throw outOfOrder('an empty handshake record');
    this.#messages.push(fromBinaryString(plaintext));
    let message = this.#messages.next();
    if (this.#phase === 'handshake') {
      if (message === undefined) return 'nothing';
      checkFraming(message);
      // The Finished message ends the peer's flight; what comes behind it in the same record belongs to no handshake.
      if (this.#messages.pending > 0) throw outOfOrder('handshake bytes behind Finished');
      return { handshake: toBinaryString(message.bytes) };
    }
    for (; message !== undefined; message = this.#messages.next()) {
      if (message.type !== this.#role.renegotiationMessage) throw outOfOrder('a handshake message');
      if (++this.#renegotiations > 1)
        throw new LimitExceededError('renegotiation', 'the peer asked again for a renegotiation that was refused', {
          alert: 'unexpected_message',
        });
    }
    return 'nothing';
  }

  /** An alert that came in the record just consumed, or a renegotiation that it asked for. */
  #receiveAlert(): void {
    const alert = this.#alert;
    this.#alert = undefined;
    if (alert !== undefined && this.#sink.alive) this.#actOnAlert(alert);
    if (this.#renegotiations !== 1 || !this.#sink.alive) return;
    this.#renegotiations = 2;
    if (this.#sink.observed) this.#sink.event({ type: 'renegotiation', direction: 'received', outcome: 'refused' });
    this.#sendAlert('warning', 'no_renegotiation');
  }

  #actOnAlert(body: Uint8Array): void {
    const [level, number] = body;
    if (body.length !== 2 || number === undefined || (level !== 1 && level !== 2))
      throw new PeerMisbehavedError('an alert is malformed', { alert: 'decode_error' });
    const description = alertName(number);
    const isClose = description === 'close_notify';
    this.#alertEvent('received', level === 1 ? 'warning' : 'fatal', description ?? number);
    if (isClose && this.#phase === 'open') {
      this.#closeReceived = true;
      this.#records.clear();
      this.#sink.closeNotify();
    } else if (level === 2 || isClose)
      throw new AlertReceivedError(
        `the peer sent the alert ${description ?? number}`,
        description === undefined ? {} : { alert: description },
      );
    else this.#limits.warning();
  }

  #handshakeDone(): void {
    const authenticated = this.#role.authenticated(this.#connection);
    if (authenticated.verify === undefined) {
      this.#negotiated(authenticated);
      return;
    }
    this.#phase = 'verification';
    this.#sink.readiness(engineReadiness.wantAsync);
    const settled = (error?: TlsError): void =>
      this.#enter(() => {
        if (error !== undefined) throw error;
        this.#negotiated(authenticated);
      });
    this.#sink.task(verifyTask(authenticated, settled));
  }

  #negotiated(authenticated: Authenticated): void {
    const connection = this.#connection;
    const parameters = negotiatedParameters(connection, authenticated);
    this.#role.verified(connection);
    const line = this.#role.keylog && this.#sink.observed ? keylogLine(connection) : undefined;
    this.#phase = 'open';
    if (line !== undefined) this.#sink.event({ type: 'keylog', line });
    this.#sink.negotiated(parameters);
    if (!this.#closeSent) this.#sink.readiness(engineReadiness.ready);
  }

  /** Hands over the ciphertext that node-forge has made. */
  #flush(): void {
    for (const made of this.#connection.takeCiphertext()) {
      if (this.#closeSent) continue;
      const ciphertext = fromBinaryString(this.#role.outbound(made));
      const headers = this.#sink.observed ? sentRecords(ciphertext) : [];
      this.#sink.ciphertext(ciphertext);
      for (const { type, length } of headers) this.#recordEvent('sent', type, length);
    }
  }

  #sendAlert(level: 'warning' | 'fatal', description: AlertDescription): void {
    if (this.#closeSent) return;
    this.#connection.sendAlert(level, description);
    this.#flush();
    this.#alertEvent('sent', level, description);
  }

  /** A fatal alert, unless node-forge has sent one or nothing can be sent any more. */
  #lastWord(alert: AlertDescription): void {
    if (!this.#sink.alive) return;
    try {
      if (this.#connection.alertSent) {
        this.#flush();
        this.#alertEvent('sent', 'fatal', alert);
      } else this.#sendAlert('fatal', alert);
    } catch {
      // Without a working host there is no alert under TLS 1.1: it needs an initialisation vector.
    }
  }

  #fail(error: TlsError): void {
    if (!this.#sink.alive) return;
    // A chain is judged in the middle of the handshake.
    error.phase = error instanceof CertificateError && this.#phase === 'handshake' ? 'verification' : this.#phase;
    this.#role.failed();
    if (!(error instanceof AlertReceivedError)) this.#lastWord(alertForError(error));
    this.#phase = 'closed';
    this.#connection.wipe();
    this.#records.clear();
    this.#messages.clear();
    this.#sink.failed(error);
  }

  #alertEvent(direction: Direction, level: 'warning' | 'fatal', description: AlertDescription | number): void {
    if (this.#sink.observed) this.#sink.event({ type: 'alert', direction, level, description });
  }

  #recordEvent(direction: Direction, type: number, bytes: number): void {
    const name = contentTypeName(type);
    if (name !== undefined && this.#sink.observed)
      this.#sink.event({ type: 'record', direction, contentType: name, bytes, inner: name });
  }
}

/** The records in what is sent at once, for observers: read before the array is handed over. */
function sentRecords(ciphertext: Uint8Array): readonly { readonly type: number; readonly length: number }[] {
  const records: { readonly type: number; readonly length: number }[] = [];
  for (let at = 0; at + recordHeaderBytes <= ciphertext.length; ) {
    const [type = 0, , , high = 0, low = 0] = ciphertext.subarray(at, at + recordHeaderBytes);
    const length = (high << 8) | low;
    records.push({ type, length });
    at += recordHeaderBytes + length;
  }
  return records;
}
