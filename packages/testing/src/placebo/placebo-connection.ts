import {
  type AlertDescription,
  AlertReceivedError,
  alertForError,
  alertName,
  CertificateError,
  contentType,
  contentTypeName,
  EngineFailureError,
  type EngineState,
  engineReadiness,
  type NegotiatedParameters,
  PeerMisbehavedError,
  TlsError,
  type TlsEngine,
  type TlsEngineSink,
  type TlsHost,
  type TlsPhase,
  type TlsRole,
} from '@rxtls/core/engine';
import { Gauges } from './gauges.ts';
import { HandshakeReader, type PlaceboMessage } from './handshake-reader.ts';
import { placeboExporter } from './placebo-exporter.ts';
import { PlaceboHandshake, unexpected } from './placebo-handshake.ts';
import type { PlaceboFailurePoint, ResolvedPlaceboOptions } from './placebo-options.ts';
import { placeboMessage, placeboRecords } from './placebo-records.ts';
import { type PlaceboRecord, RecordReader } from './record-reader.ts';
import { Renegotiation } from './renegotiation.ts';

const readinessOf: Partial<Record<EngineState, keyof typeof engineReadiness>> = {
  READY: 'ready',
  WANT_READ: 'wantRead',
  WANT_ASYNC: 'wantAsync',
};

/**
 * The placebo's one connection. It seals nothing, authenticates nothing and proves nothing; what it does have is a real
 * engine's behaviour towards whoever drives it.
 *
 * Inbound: `receiveCiphertext` → records → handshake messages → `#receive…`, one step at a time, each step consumed
 * when it is done. Outbound: every record leaves through `#send`, which numbers it. Three things stop the inbound road:
 * a pending `verify`, a pause in front of application data, and the peer's close_notify.
 */
export class PlaceboConnection implements TlsEngine {
  readonly #options: ResolvedPlaceboOptions;
  readonly #role: TlsRole;
  readonly #sink: TlsEngineSink;
  readonly #host: TlsHost;
  readonly #records = new RecordReader();
  readonly #messages: HandshakeReader;
  readonly #gauges: Gauges;
  readonly #handshake: PlaceboHandshake;
  readonly #renegotiation: Renegotiation;
  #phase: TlsPhase = 'handshake';
  #state: EngineState | undefined;
  #paused = false;
  #ended = false;
  #over = false;
  #closeSent = false;
  #closeReceived = false;
  #epoch = 0;
  #nextRecord = 0n;
  #responseDue = false;
  #updateRequested = false;
  #tickets = 0;

  constructor(role: TlsRole, options: ResolvedPlaceboOptions, sink: TlsEngineSink, host: TlsHost) {
    this.#role = role;
    this.#options = options;
    this.#sink = sink;
    this.#host = host;
    const send = (record: Uint8Array): void => this.#send(record);
    const event: TlsEngineSink['event'] = (fact) => this.#emit(() => sink.event(fact));
    this.#messages = new HandshakeReader(host.limits);
    this.#gauges = new Gauges(host, event);
    this.#handshake = new PlaceboHandshake(role, options, {
      send,
      verify: (passed) => this.#verify(passed),
      negotiated: (parameters) => this.#negotiated(parameters),
    });
    this.#renegotiation = new Renegotiation(role, options, host.limits, {
      send,
      event,
      rekeyed: () => this.#nextEpoch(),
    });
  }

  start(): void {
    this.#run(() => {
      this.#failHere('start');
      this.#handshake.start();
    });
  }

  receiveCiphertext(bytes: Uint8Array): void {
    if (this.#closeReceived) return;
    this.#run(() => this.#records.push(bytes));
  }

  receiveEnd(): void {
    this.#run(() => {
      this.#ended = true;
    });
  }

  sendPlaintext(bytes: Uint8Array): void {
    this.#run(() => {
      this.#failHere('send');
      if (bytes.length === 0) return;
      this.#respond();
      const first = this.#nextRecord;
      const epoch = this.#epoch;
      const { maxRecordBytes } = this.#options;
      for (let at = 0; at < bytes.length; at += maxRecordBytes)
        this.#send(placeboRecords.applicationData(bytes.subarray(at, at + maxRecordBytes)));
      const last = this.#nextRecord - 1n;
      this.#emit(() => this.#sink.sealed(bytes.length, { epoch, first, last }));
    });
  }

  sendCloseNotify(): void {
    this.#run(() => {
      this.#respond();
      this.#alert('close_notify', 'warning');
      this.#closeSent = true;
      this.#emit(() => this.#sink.sealed(0));
    });
  }

  updateKeys(options: { readonly requestPeer: boolean }): void {
    this.#run(() => {
      if (this.#options.version === 'TLSv1.2') this.#renegotiation.start();
      else {
        // RFC 8446 §4.6.3: until a KeyUpdate of the peer's has come, no second one with update_requested may be sent.
        this.#keyUpdate(options.requestPeer && !this.#updateRequested);
        this.#updateRequested ||= options.requestPeer;
      }
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#run(() => {});
  }

  abort(alert: AlertDescription): void {
    this.#alert(alert);
    this.destroy();
  }

  destroy(): void {
    this.#over = true;
    this.#records.clear();
    this.#messages.clear();
  }

  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    if (this.#epoch === 0) throw new Error('exportKeyingMaterial was called before negotiated');
    return placeboExporter(label, context, length);
  }

  /** Every call in: does its part, goes on with what was received, and turns a thrown `TlsError` into `failed`. */
  #run(part: () => void): void {
    if (this.#over) return;
    try {
      this.#report();
      part();
      this.#report();
      while (this.#step()) this.#report();
      if (this.#options.keyUpdateResponse !== 'with-next-write') this.#respond();
      this.#report();
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      this.#fail(error);
    }
  }

  /** One handshake message or one record, if there is one to be had now. */
  #step(): boolean {
    if (this.#over || this.#closeReceived || this.#phase === 'verification') return false;
    const message = this.#messages.next();
    if (message !== undefined) {
      this.#receiveMessage(message);
      return true;
    }
    const record = this.#records.peek();
    if (record === undefined) return this.#ended && this.#dropRest();
    const isData = record.type === contentType.applicationData;
    if (isData && this.#paused && this.#phase === 'open' && record.body.length > 0) return false;
    this.#records.drop(record);
    const name = contentTypeName(record.type);
    const { length: bytes } = record.body;
    if (this.#sink.observed && name !== undefined)
      this.#emit(() =>
        this.#sink.event({ type: 'record', direction: 'received', contentType: name, bytes, inner: name }),
      );
    if (isData) this.#receiveData(record);
    this.#emit(() => this.#sink.consumed(record.wireBytes));
    if (!isData && !this.#over) this.#receiveControl(record);
    return true;
  }

  /** What is left when the wire has ended is a part of a record. */
  #dropRest(): false {
    const rest = this.#records.clear();
    if (rest > 0) this.#emit(() => this.#sink.consumed(rest));
    return false;
  }

  #receiveData(record: PlaceboRecord): void {
    // RFC 8446 §5.1: handshake messages MUST NOT be interleaved with other record types.
    if (this.#phase !== 'open' || this.#messages.pending > 0) throw outOfPlace('application data');
    this.#failHere('receive');
    if (record.body.length === 0) {
      this.#gauges.count('maxEmptyRecords');
      return;
    }
    this.#gauges.reset('maxEmptyRecords');
    this.#emit(() => this.#sink.plaintext(new Uint8Array(record.body)));
  }

  #receiveControl({ type, body }: PlaceboRecord): void {
    if (type === contentType.handshake) {
      // RFC 8446 §5.1: "Implementations MUST NOT send zero-length fragments of Handshake types".
      if (body.length === 0) throw outOfPlace('an empty handshake record');
      this.#messages.push(body, this.#phase !== 'open');
      return;
    }
    if (this.#messages.pending > 0) throw outOfPlace('a record between handshake fragments');
    if (type === contentType.alert) this.#receiveAlert(body);
    else if (type !== contentType.changeCipherSpec || this.#phase === 'open' || body.length !== 1 || body[0] !== 1)
      throw outOfPlace(contentTypeName(type) ?? 'a record');
  }

  #receiveMessage({ type, body }: PlaceboMessage): void {
    this.#failHere('handshake');
    if (this.#phase === 'handshake') this.#handshake.message(type, body);
    else if (type === placeboMessage.newSessionTicket && this.#role === 'client') {
      this.#gauges.meter('postHandshakeMessages');
      const kept = ++this.#tickets <= this.#host.limits.maxTickets;
      this.#emit(() => this.#sink.event({ type: 'ticket', direction: 'received', kept }));
    } else if (this.#options.version === 'TLSv1.2') {
      if (!this.#renegotiation.message(type)) throw unexpected(type);
    } else this.#receiveKeyUpdate(type, body);
  }

  #receiveKeyUpdate(type: number, body: Uint8Array): void {
    if (type !== placeboMessage.keyUpdate) throw unexpected(type);
    const [request] = body;
    if (body.length !== 1 || request === undefined || request > 1)
      throw new PeerMisbehavedError('a KeyUpdate is malformed', { alert: 'illegal_parameter' });
    this.#gauges.meter('keyUpdates');
    // RFC 8446 §5.1: messages before a key change must end where a record ends.
    if (this.#messages.pending > 0) throw outOfPlace('a handshake message across a key change');
    this.#emit(() => this.#sink.event({ type: 'key-update', direction: 'received' }));
    this.#updateRequested = false;
    this.#responseDue ||= request === 1;
  }

  #receiveAlert(body: Uint8Array): void {
    const [level, number] = body;
    if (body.length !== 2 || number === undefined || (level !== 1 && level !== 2))
      throw new PeerMisbehavedError('an alert is malformed', { alert: 'decode_error' });
    const description = alertName(number);
    const older = this.#options.version === 'TLSv1.2';
    // RFC 8446 §6: but for close_notify and user_canceled every alert is an error, whatever its level says.
    const isWarning = number === 0 || description === 'user_canceled' || (older && level === 1);
    this.#emit(() =>
      this.#sink.event({
        type: 'alert',
        direction: 'received',
        level: isWarning ? 'warning' : 'fatal',
        description: description ?? number,
      }),
    );
    if (!isWarning || (number === 0 && this.#phase !== 'open'))
      throw new AlertReceivedError(
        `the peer sent alert ${description ?? number}`,
        description === undefined ? {} : { alert: description },
      );
    if (number === 0) {
      this.#closeReceived = true;
      this.#records.clear();
      this.#emit(() => this.#sink.closeNotify());
    } else if (!(description === 'no_renegotiation' && this.#renegotiation.refusedByPeer()))
      this.#gauges.count('maxWarningAlerts');
  }

  #verify(passed: () => void): void {
    const { verify } = this.#options;
    if (verify === undefined) {
      passed();
      return;
    }
    this.#phase = 'verification';
    this.#report();
    const settle = (part: () => void): void => {
      if (this.#phase === 'verification') this.#run(part);
    };
    this.#emit(() =>
      this.#sink.task({
        name: 'verify',
        alert: 'certificate_unknown',
        run: verify,
        resolve: (answer) =>
          settle(() => {
            if (answer !== true) throw new CertificateError('refused-by-verify', 'verify refused the peer');
            passed();
          }),
        reject: (error) =>
          settle(() => {
            throw error;
          }),
      }),
    );
  }

  #negotiated(parameters: NegotiatedParameters): void {
    this.#phase = 'open';
    this.#nextEpoch();
    this.#emit(() => this.#sink.negotiated(Object.freeze(parameters)));
    this.#failHere('negotiated');
  }

  #keyUpdate(requestPeer: boolean): void {
    this.#send(placeboRecords.keyUpdate(requestPeer));
    this.#nextEpoch();
    this.#emit(() => this.#sink.event({ type: 'key-update', direction: 'sent' }));
  }

  /** The KeyUpdate that is owed: at most one, however many were asked for. */
  #respond(): void {
    if (!this.#responseDue || this.#closeSent) return;
    this.#responseDue = false;
    this.#keyUpdate(false);
  }

  #nextEpoch(): void {
    this.#epoch += 1;
    this.#nextRecord = 0n;
  }

  #send(record: Uint8Array): void {
    if (this.#over || this.#closeSent) return;
    this.#nextRecord += 1n;
    const name = contentTypeName(record[0]!);
    const bytes = record.length - 5;
    this.#sink.ciphertext(record);
    if (this.#sink.observed && name !== undefined)
      this.#emit(() => this.#sink.event({ type: 'record', direction: 'sent', contentType: name, bytes, inner: name }));
  }

  #alert(description: AlertDescription, level: 'warning' | 'fatal' = 'fatal'): void {
    if (this.#over || this.#closeSent) return;
    this.#send(placeboRecords.alert(level, description));
    this.#emit(() => this.#sink.event({ type: 'alert', direction: 'sent', level, description }));
  }

  #fail(error: TlsError): void {
    if (this.#over) return;
    error.phase = this.#phase;
    if (!(error instanceof AlertReceivedError)) this.#alert(alertForError(error));
    this.#emit(() => {
      this.destroy();
      this.#sink.failed(error);
    });
  }

  #failHere(point: PlaceboFailurePoint): void {
    if (this.#options.failAt !== point) return;
    throw this.#options.failWith?.() ?? new EngineFailureError(`the placebo was told to fail at ${point}`);
  }

  /** Reports the readiness if it has changed. */
  #report(): void {
    if (this.#over) return;
    const state = this.#readiness();
    if (state === this.#state) return;
    this.#state = state;
    this.#sink.readiness(engineReadiness[readinessOf[state] ?? 'wantRead']);
  }

  #readiness(): EngineState {
    if (this.#phase === 'verification') return 'WANT_ASYNC';
    return this.#phase !== 'open' || this.#closeSent || this.#renegotiation.active ? 'WANT_READ' : 'READY';
  }

  #emit(call: () => void): void {
    if (!this.#over) call();
  }
}

const outOfPlace = (what: string): PeerMisbehavedError =>
  new PeerMisbehavedError(`${what} came where it may not`, { alert: 'unexpected_message' });
