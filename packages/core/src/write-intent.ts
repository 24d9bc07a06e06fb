import type { RecordRange, TlsError } from './engine/index.ts';
import type { RefusalReason } from './write-ack.ts';

export type ActionKind = 'data' | 'key-update' | 'close';

/** Told when an intent has gone a step; `intent.state` says which. */
export interface IntentListener {
  intentChanged(intent: WriteIntent): void;
}

/** One action in the queue, and how far it has come. */
export class WriteIntent {
  readonly id: number;
  readonly kind: ActionKind;
  /** Bytes of plaintext in all. */
  readonly length: number;
  state: 'queued' | 'sealed' | 'flushed' | 'lost' | 'refused' = 'queued';
  /** It has been `sealed`, whatever came after. */
  wasSealed = false;
  /** Why it was refused. */
  why: RefusalReason | undefined;
  /** What it was lost to. */
  cause: TlsError | undefined;
  /** What has not been given to the engine; `undefined` when all has. */
  rest: Uint8Array | undefined;
  sealed = 0;
  flushed = 0;
  records: RecordRange | undefined;
  listener: IntentListener | undefined;
  /** The next one in the queue. */
  next: WriteIntent | undefined;

  constructor(id: number, kind: ActionKind, length: number) {
    this.id = id;
    this.kind = kind;
    this.length = length;
  }
}
