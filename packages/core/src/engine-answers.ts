import {
  AlertReceivedError,
  AbortedError,
  EngineFailureError,
  type EngineTask,
  type NegotiatedParameters,
  type RecordRange,
  type TlsError,
  type TlsEvent,
} from './engine/index.ts';
import type { OutboxReader } from './outbox.ts';
import { runUserFunction } from './run-user-function.ts';
import type { Stage } from './stage.ts';
import { refusedParameters } from './verify-negotiated.ts';

/** What each of the engine's answers does to the connection. Called by the turn, one at a time, never from inside the engine. */
export class EngineAnswers implements OutboxReader {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  ciphertext(bytes: Uint8Array): void {
    this.#stage.outbound.ciphertext(bytes);
  }

  sealed(bytes: number, records: RecordRange | undefined): void {
    this.#stage.outbound.sealed(bytes, records);
  }

  plaintext(bytes: Uint8Array): void {
    const { inbound, closing, parameters, ending } = this.#stage;
    if (parameters === undefined) {
      ending.fail(new EngineFailureError('the engine gave plaintext before the handshake was done'));
      return;
    }
    if (closing.isDiscarding) inbound.plaintextWhileClosing(bytes);
    else inbound.plaintext(bytes);
  }

  task(task: EngineTask): void {
    const stage = this.#stage;
    stage.tasks++;
    const begunAt = stage.events.age;
    const settle = (call: () => void): void => {
      try {
        if (stage.mayCallEngine) call();
      } catch (cause) {
        this.engineThrew(cause);
      }
    };
    const run = runUserFunction<unknown>({
      name: task.name,
      alert: task.alert,
      scheduler: stage.scheduler,
      milliseconds: stage.limits.taskTimeout,
      run: () => task.run(),
      resolve: (value) => {
        stage.turn.enter();
        stage.tasks--;
        stage.events.task(task.name, 'answered', begunAt);
        settle(() => task.resolve(value));
        stage.turn.leave();
      },
      reject: (error) => {
        stage.turn.enter();
        stage.tasks--;
        stage.events.task(task.name, 'failed', begunAt);
        settle(() => task.reject(error));
        stage.ending.fail(error);
        stage.turn.leave();
      },
    });
    stage.add(run);
  }

  negotiated(parameters: NegotiatedParameters): void {
    const stage = this.#stage;
    if (stage.parameters !== undefined)
      return stage.ending.fail(new EngineFailureError('the engine negotiated the connection twice'));
    const refused = refusedParameters(parameters, stage.opening.hello);
    if (refused !== undefined) return stage.ending.fail(refused);
    stage.handshakeDone(parameters);
  }

  event(event: TlsEvent): void {
    this.#stage.events.next(event);
  }

  closeNotify(): void {
    const stage = this.#stage;
    const { inbound, outbound, closing } = stage;
    if (stage.parameters === undefined) {
      stage.ending.fail(new AlertReceivedError('the peer closed during the handshake', { alert: 'close_notify' }));
      return;
    }
    const after = inbound.closeNotify();
    stage.advance('peerClosed');
    if (!stage.may.halfClose) {
      outbound.loseUnsent(new AbortedError('the peer closed before this was sent', { phase: 'closing' }));
      stage.queueClose();
    }
    if (after > 0 && !closing.isUnwrapping && stage.observed) stage.events.next({ type: 'ignored', bytes: after });
    inbound.endReader(false);
  }

  failed(error: TlsError): void {
    this.#stage.ending.fail(error);
  }

  /** No engine may throw: one that does is broken, and is not called again. */
  engineThrew(cause: unknown): void {
    this.#stage.engineFailed();
    this.#stage.ending.engineThrew = true;
    this.#stage.fail(new EngineFailureError('the engine threw', { cause }));
  }
}
