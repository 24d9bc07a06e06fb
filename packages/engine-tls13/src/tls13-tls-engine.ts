import {
  type AlertDescription,
  AlertReceivedError,
  ApiMisuseError,
  CertificateError,
  alertForError,
  contentType,
  engineReadiness,
  type EngineTask,
  type TlsEngine,
  type TlsEngineSink,
  type TlsError,
  type TlsHost,
  type TlsPhase,
} from '@rxtls/core/engine';
import { LimitWatch, LiveSink } from '@rxtls/core/engine-parts';
import type { EngineRole, TicketsKept } from './engine-role.ts';
import type { Connected, Handshake, HandshakeConnection } from './handshake/handshake-connection.ts';
import { handshakeType } from './handshake/messages/handshake-type.ts';
import { exportKeyingMaterial } from './key-schedule/exporter.ts';
import { keylogLine } from './keylog-line.ts';
import { ConnectionKeys } from './post-handshake/connection-keys.ts';
import { TokenBucket } from './post-handshake/token-bucket.ts';
import { misbehaved } from './presentation/misbehaved.ts';
import { HandshakeDeframer, type HandshakeMessage } from './record/handshake-deframer.ts';
import { readAlert } from './record/read-alert.ts';
import { recordEvent } from './record/record-event.ts';
import { type ReceivedRecord, RecordReceiver } from './record/record-receiver.ts';
import { RecordSender } from './record/record-sender.ts';
import { sinkOutlet } from './record/sink-outlet.ts';
import { settledOnce } from './settled-once.ts';
import { thrownError } from './thrown-error.ts';

/**
 * One connection: `#step` is the inbound road, one record or handshake message at a time; `RecordSender` the outbound one.
 * The handshake is an object of its own, gone when it is done. tls13-engine.ts says why it looks like this.
 */
export class Tls13TlsEngine implements TlsEngine {
  readonly #sink: LiveSink;
  readonly #host: TlsHost;
  readonly #role: EngineRole;
  readonly #receiver: RecordReceiver;
  readonly #sender: RecordSender;
  readonly #messages: HandshakeDeframer;
  readonly #watch: LimitWatch;
  readonly #keys: ConnectionKeys;
  readonly #postHandshake: TokenBucket;
  readonly #tickets: TicketsKept;
  #handshake: Handshake | undefined;
  #connected: Connected | undefined;
  #phase: TlsPhase = 'handshake';
  /** A user's function is asked: nothing is received until it has answered. */
  #asking = false;
  #paused = false;
  #ended = false;
  /** Plaintext that came while paused, with its record's length on the wire. */
  #held: { readonly content: Uint8Array; readonly wireBytes: number } | undefined;
  #closeSent = false;
  #closeReceived = false;
  #handshakeBytes = 0;
  #emptyRecords = 0;
  #warnings = 0;

  constructor(role: EngineRole, sink: TlsEngineSink, host: TlsHost) {
    const { limits } = host;
    this.#sink = new LiveSink(sink);
    this.#host = host;
    this.#role = role;
    this.#watch = new LimitWatch(this.#sink);
    this.#receiver = new RecordReceiver(limits, this.#watch);
    this.#receiver.mayChangeCipherSpec = role.sendsFirst;
    this.#sender = new RecordSender(sinkOutlet(this.#sink), role.padding, role.sendsFirst);
    this.#messages = new HandshakeDeframer(limits, this.#watch);
    this.#keys = new ConnectionKeys({
      crypto: role.crypto,
      host,
      sender: this.#sender,
      receiver: this.#receiver,
      messages: this.#messages,
      watch: this.#watch,
      sink: this.#sink,
    });
    this.#postHandshake = new TokenBucket('postHandshakeMessages', host, this.#watch);
    this.#tickets = { kept: 0, max: limits.maxTickets, now: 0 };
    this.#sink.readiness(engineReadiness.wantRead);
    this.#enter(() => {
      this.#handshake = role.handshake(this.#connection());
      this.#handshake.start();
    });
  }

  receiveCiphertext(bytes: Uint8Array): void {
    if (this.#closeReceived) return;
    this.#enter(() => this.#receiver.push(bytes));
  }

  receiveEnd(): void {
    this.#enter(() => {
      this.#ended = true;
    });
  }

  /** @throws ApiMisuseError before `negotiated` and after close_notify. */
  sendPlaintext(bytes: Uint8Array): void {
    if (!this.#sink.alive) return;
    if (this.#phase !== 'open' || this.#closeSent)
      throw new ApiMisuseError('sendPlaintext was called while the engine may not send; nothing was sent');
    if (bytes.length === 0) return;
    try {
      this.#keys.beforeSending(bytes.length);
      const records = this.#sender.plaintext(bytes);
      this.#sink.sealed(bytes.length, records);
    } catch (thrown) {
      this.#fail(thrownError(thrown));
    }
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

  /** @throws ApiMisuseError before `negotiated` and after close_notify. */
  updateKeys({ requestPeer }: { readonly requestPeer: boolean }): void {
    if (!this.#sink.alive) return;
    if (this.#phase !== 'open' || this.#closeSent)
      throw new ApiMisuseError('updateKeys was called while the engine may not send');
    this.#enter(() => this.#keys.update(requestPeer));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#enter(() => {});
  }

  abort(alert: AlertDescription): void {
    this.#lastWord(alert);
    this.destroy();
  }

  destroy(): void {
    this.#sink.silence();
    this.#end();
  }

  /** @throws ApiMisuseError before `negotiated`, and for a label or length that cannot be. */
  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    if (this.#connected === undefined || !this.#sink.alive)
      throw new ApiMisuseError('exportKeyingMaterial needs a connection that is open');
    const { suite, exporter } = this.#connected;
    return exportKeyingMaterial(this.#role.crypto, suite.hash, exporter, label, context, length);
  }

  /** Every call in: does its part, goes on with what was received, and turns whatever is thrown into `failed`. */
  #enter(part: () => void): void {
    if (!this.#sink.alive) return;
    const handshake = this.#handshake;
    try {
      part();
      this.#sender.flush();
      while (this.#step()) this.#sender.flush();
    } catch (thrown) {
      this.#fail(thrownError(thrown));
    }
    if (this.#sink.alive) return;
    // Destroyed from inside a callback, perhaps in the middle of a step: what that has made since is wiped, too.
    handshake?.wipe();
    this.#end();
  }

  /** One handshake message or one record, if there is one to be had now. */
  #step(): boolean {
    if (!this.#sink.alive || this.#closeReceived || this.#asking) return false;
    if (this.#held !== undefined) {
      if (this.#paused) return false;
      const { content, wireBytes } = this.#held;
      this.#held = undefined;
      this.#sink.plaintext(content);
      this.#sink.consumed(wireBytes);
      return true;
    }
    const message = this.#messages.next();
    if (message !== undefined) {
      this.#receiveMessage(message);
      return true;
    }
    const record = this.#receiver.next();
    if (record !== undefined) {
      this.#receiveRecord(record);
      return true;
    }
    if (this.#ended) {
      const rest = this.#receiver.clear();
      if (rest > 0) this.#sink.consumed(rest);
    }
    return false;
  }

  #receiveRecord(record: ReceivedRecord): void {
    const { type, outerType, content, wireBytes } = record;
    if (this.#sink.observed) this.#sink.event(recordEvent(outerType, type, wireBytes));
    // RFC 8446 §5.1: "Handshake messages MUST NOT be interleaved with other record types."
    if (this.#messages.pending > 0 && type !== contentType.handshake)
      throw misbehaved('unexpected_message', 'a record between handshake fragments');
    if (type === contentType.applicationData) {
      this.#receivePlaintext(content, wireBytes);
      return;
    }
    if (type === contentType.handshake) this.#receiveFragment(content, wireBytes);
    else if (type === contentType.changeCipherSpec) this.#handshakeRecord(wireBytes);
    this.#sink.consumed(wireBytes);
    if (type === contentType.alert) this.#receiveAlert(content);
    // RFC 8446 §5: "If a TLS implementation receives an unexpected record type, it MUST terminate the connection with an "unexpected_message" alert."
    else if (type !== contentType.handshake && type !== contentType.changeCipherSpec)
      throw misbehaved('unexpected_message', `a record of content type ${type}`);
  }

  #receivePlaintext(content: Uint8Array, wireBytes: number): void {
    if (this.#phase !== 'open') throw misbehaved('unexpected_message', 'application data during the handshake');
    if (this.#keys.isPeersKeyOld() && !this.#closeSent) this.#keys.update(true);
    if (content.length === 0) {
      this.#watch.hold('maxEmptyRecords', ++this.#emptyRecords, this.#host.limits.maxEmptyRecords);
      this.#sink.consumed(wireBytes);
      return;
    }
    this.#emptyRecords = 0;
    if (this.#paused) {
      this.#held = { content, wireBytes };
      return;
    }
    this.#sink.plaintext(content);
    this.#sink.consumed(wireBytes);
  }

  #receiveFragment(content: Uint8Array, wireBytes: number): void {
    // RFC 8446 §5.1: "Implementations MUST NOT send zero-length fragments of Handshake types, even if those fragments contain padding."
    if (content.length === 0) throw misbehaved('unexpected_message', 'an empty handshake fragment');
    this.#handshakeRecord(wireBytes);
    this.#messages.push(content);
  }

  /** @throws LimitExceededError when all records of the handshake together are longer than allowed. */
  #handshakeRecord(wireBytes: number): void {
    if (this.#handshake === undefined) return;
    this.#handshakeBytes += wireBytes;
    this.#watch.hold('maxHandshakeBytes', this.#handshakeBytes, this.#host.limits.maxHandshakeBytes);
  }

  #receiveMessage(message: HandshakeMessage): void {
    if (this.#handshake !== undefined) {
      this.#receiver.mayChangeCipherSpec = true;
      this.#handshake.receive(message);
      return;
    }
    this.#postHandshake.take();
    if (message.type === handshakeType.key_update) {
      if (this.#keys.receive(message) && !this.#closeSent) this.#keys.update(false);
      return;
    }
    this.#tickets.now = this.#host.wallClock();
    const kept = this.#role.postHandshake(message, this.#connected!, this.#tickets);
    if (kept) this.#watch.hold('maxTickets', this.#tickets.kept, this.#tickets.max);
    if (this.#sink.observed) this.#sink.event({ type: 'ticket', direction: 'received', kept });
  }

  #receiveAlert(content: Uint8Array): void {
    const { level, description } = readAlert(content);
    if (this.#sink.observed) this.#sink.event({ type: 'alert', direction: 'received', level, description });
    if (description === 'close_notify' && this.#phase === 'open') {
      this.#closeReceived = true;
      this.#receiver.clear();
      this.#sink.closeNotify();
    } else if (description === 'user_canceled')
      this.#watch.hold('maxWarningAlerts', ++this.#warnings, this.#host.limits.maxWarningAlerts);
    // RFC 8446 §6: "All the alerts listed in Section 6.2 MUST be sent with AlertLevel=fatal and MUST be treated as error alerts when received regardless of the AlertLevel in the message. Unknown Alert types MUST be treated as error alerts."
    else
      throw new AlertReceivedError(
        `the peer sent the alert ${description}`,
        typeof description === 'number' ? {} : { alert: description },
      );
  }

  #connection(): HandshakeConnection {
    return {
      crypto: this.#role.crypto,
      host: this.#host,
      // RFC 8446 §6.1: "Each party MUST send a "close_notify" alert before closing its write side", and nothing behind it.
      send: (message) => {
        const out = this.#role.seam?.outgoing(message) ?? message;
        if (this.#closeSent) return out;
        if (out[0] === handshakeType.new_session_ticket && this.#sink.observed)
          this.#sink.event({ type: 'ticket', direction: 'sent' });
        return this.#sender.handshake(out);
      },
      sendChangeCipherSpec: () => {
        if (!this.#closeSent) this.#sender.changeCipherSpec();
      },
      protectSending: (suite, secret, epoch) => this.#keys.protectSending(suite, secret, epoch),
      protectReceiving: (suite, secret, epoch) => {
        if (epoch > 0) this.#receiver.mayChangeCipherSpec = false;
        this.#keys.protectReceiving(suite, secret, epoch);
      },
      limitSending: (bytes) => this.#sender.limitTo(bytes),
      limitReceiving: (bytes) => this.#receiver.limitTo(bytes),
      skipEarlyData: () => this.#receiver.skipEarlyData(),
      endEarlyData: () => this.#receiver.endEarlyData(),
      ask: (task, then) => this.#ask(task, then),
      keylog: (label, random, secret) => {
        if (this.#role.keylog && this.#sink.observed)
          this.#sink.event({ type: 'keylog', line: keylogLine(label, random, secret) });
      },
      done: (connected) => this.#done(connected),
    };
  }

  #ask<T>(task: Pick<EngineTask<T>, 'name' | 'alert' | 'run'>, then: (answer: T) => void): void {
    this.#sender.flush();
    this.#asking = true;
    if (task.name === 'verify') this.#phase = 'verification';
    this.#sink.readiness(engineReadiness.wantAsync);
    const settle = (part: () => void): void =>
      this.#enter(() => {
        this.#asking = false;
        part();
        if (this.#handshake !== undefined && !this.#asking) {
          this.#phase = 'handshake';
          this.#sink.readiness(engineReadiness.wantRead);
        }
      });
    this.#sink.task(settledOnce(task, then, settle));
  }

  #done(connected: Connected): void {
    this.#sender.flush();
    this.#connected = connected;
    this.#handshake = undefined;
    this.#phase = 'open';
    this.#sink.negotiated(connected.parameters);
    if (!this.#closeSent) this.#sink.readiness(engineReadiness.ready);
  }

  #sendAlert(level: 'warning' | 'fatal', description: AlertDescription): void {
    if (this.#closeSent) return;
    this.#sender.alert(level, description);
    if (this.#sink.observed) this.#sink.event({ type: 'alert', direction: 'sent', level, description });
  }

  /** A fatal alert, unless nothing can be sent any more. */
  #lastWord(alert: AlertDescription): void {
    if (!this.#sink.alive) return;
    try {
      this.#sendAlert('fatal', alert);
    } catch {
      // The user's padding is what failed: there is no alert then, and the connection is cut all the same.
    }
  }

  #fail(error: TlsError): void {
    if (!this.#sink.alive) return;
    // A chain is judged in the middle of the handshake.
    error.phase = error instanceof CertificateError && this.#phase === 'handshake' ? 'verification' : this.#phase;
    if (!(error instanceof AlertReceivedError)) this.#lastWord(alertForError(error));
    this.#end();
    this.#sink.failed(error);
  }

  /** Wipes what it can. */
  #end(): void {
    this.#phase = 'closed';
    this.#asking = false;
    this.#held = undefined;
    this.#handshake?.wipe();
    this.#handshake = undefined;
    this.#connected?.exporter.fill(0);
    this.#connected?.resumption.fill(0);
    this.#keys.wipe();
    this.#sender.wipe();
    this.#receiver.wipe();
    this.#messages.clear();
  }
}
