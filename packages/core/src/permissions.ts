import type { TlsEngineFactory } from './engine/index.ts';
import { hasPeerClosed, mayWrite } from './session-state.ts';
import type { Stage } from './stage.ts';
import type { RefusalReason } from './write-ack.ts';

/** What the state, the negotiated version and the engine's capabilities allow. */
export class Permissions {
  /** The factory whose engine this connection has. */
  factory: TlsEngineFactory | undefined;
  /** TLS 1.2 renegotiations we began, or have in the queue. */
  renegotiations = 0;
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Our side may write on after the peer's close_notify. */
  get halfClose(): boolean {
    const version = this.#stage.parameters?.version;
    return version !== undefined && this.factory?.capabilities.halfClose.includes(version) === true;
  }

  /** `updateKeys` may be accepted: there is one left, where they are counted. */
  get updateKeys(): boolean {
    const { limits, parameters } = this.#stage;
    if (!this.canUpdateKeys) return false;
    if (parameters?.version === 'TLSv1.3' || limits.renegotiation === false) return true;
    return this.renegotiations < limits.renegotiation.max;
  }

  /** Engine, version and limits have something for `updateKeys` to do. */
  get canUpdateKeys(): boolean {
    const { parameters, engine, limits } = this.#stage;
    if (parameters === undefined || engine?.updateKeys === undefined) return false;
    if (!this.factory?.capabilities.keyUpdate.includes(parameters.version)) return false;
    return parameters.version === 'TLSv1.3' || limits.renegotiation !== false;
  }

  /** The engine sends whatever alert a failure asks for. */
  get sendsAlerts(): boolean {
    return this.factory?.capabilities.alerts === 'any';
  }

  /** Why a write is refused now, if it is. */
  get refusal(): RefusalReason | undefined {
    const { state, closing } = this.#stage;
    if (hasPeerClosed(state) && !this.halfClose) return 'peer-closed';
    return mayWrite(state) && !closing.isQueued ? undefined : 'closing';
  }
}
