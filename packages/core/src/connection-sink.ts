import type { Observable } from 'rxjs';
import type { ByteSink } from './duplex.ts';
import { AbortedError, LimitExceededError, TlsError } from './engine/index.ts';
import { Level } from './level.ts';
import { mayWrite } from './session-state.ts';
import type { Stage } from './stage.ts';
import type { StageFollower } from './stage-roles.ts';

/**
 * A TLS connection as what the next layer writes to. Its demand is the write high-water mark less what the transport has yet
 * to take; demand and taken complete when it has taken our close_notify too.
 */
export class ConnectionSink implements ByteSink, StageFollower {
  readonly isWriting = false;
  readonly demand: Observable<number>;
  readonly taken: Observable<number>;
  readonly #stage: Stage;
  readonly #demand: Level;
  readonly #taken: Level;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#demand = new Level(this.#room);
    this.#taken = new Level(stage.outbound.ledger.flushed);
    this.demand = this.#demand.changes;
    this.taken = this.#taken.changes;
    if (stage.end === 'no') stage.follow(this);
    else this.ended(stage.error);
  }

  write(bytes: Uint8Array): void {
    if (this.#stage.end !== 'no') return;
    const intent = this.#stage.write(bytes, true);
    if (intent.why === 'queue-full')
      this.#stage.fail(
        new LimitExceededError('maxQueuedBytes', 'the layer above wrote past demand and past limits.maxQueuedBytes'),
      );
    else this.turned();
  }

  end(): void {
    this.#stage.queueClose();
  }

  abort(reason?: unknown): void {
    const error = reason instanceof TlsError ? reason : new AbortedError('the layer above aborted', { cause: reason });
    this.#stage.ending.fail(error, true);
  }

  turned(): void {
    this.#demand.set(this.#room);
    this.#taken.set(this.#stage.outbound.ledger.flushed);
    if (!this.#stage.closing.isWriteClosed) return;
    this.#taken.complete();
    this.#demand.complete();
  }

  ended(error: TlsError | undefined): void {
    this.#taken.set(this.#stage.outbound.ledger.flushed);
    this.#taken.complete();
    this.#demand.set(0);
    if (error === undefined) this.#demand.complete();
    else this.#demand.fail(error);
  }

  get #room(): number {
    const { outbound, limits, state } = this.#stage;
    return mayWrite(state)
      ? Math.max(0, Math.min(outbound.room, limits.writeHighWater - outbound.ledger.outstanding))
      : 0;
  }
}
