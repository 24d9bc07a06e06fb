import type { RecordRange, TlsError } from './engine/index.ts';
import type { WriteIntent } from './write-intent.ts';

/** Why a write was not accepted. */
export type RefusalReason =
  /** The queue is full: `limits.maxQueuedBytes`, `maxQueuedWrites` or `maxQueuedBytesBeforeHandshake`. */
  | 'queue-full'
  /** Our side is closing or closed. */
  | 'closing'
  /** TLS 1.2 and older: the peer has closed, and there is no half-close (RFC 5246 §7.2.1). */
  | 'peer-closed'
  /** `updateKeys` where the engine or the version cannot. */
  | 'not-supported';

/**
 * What became of a write intent (or of `updateKeys`, with 0 bytes). Each accepted intent goes `queued`, `sealed`,
 * `flushed`, or ends as `lost` on the way; a refused one is `refused` and nothing else.
 *
 * `flushed` means that the transport below took the ciphertext. It does not mean that the peer has read it: only the
 * peer's own answer can say that.
 */
export type WriteAck =
  | { readonly type: 'queued'; readonly intent: number; readonly bytes: number }
  | { readonly type: 'sealed'; readonly intent: number; readonly bytes: number; readonly records?: RecordRange }
  | { readonly type: 'flushed'; readonly intent: number; readonly bytes: number }
  | { readonly type: 'refused'; readonly intent: number; readonly bytes: number; readonly why: RefusalReason }
  | {
      readonly type: 'lost';
      readonly intent: number;
      readonly bytes: number;
      /** Of `bytes`, how many had become ciphertext. */
      readonly sealed: number;
      /** Of `bytes`, how many the transport had taken. */
      readonly flushed: number;
      readonly cause: TlsError;
    };

/** The ack for a step that an intent has taken. */
export function ackOf(intent: WriteIntent, type: WriteAck['type']): WriteAck {
  const { id, length: bytes, records, sealed, flushed } = intent;
  if (type === 'refused') return { type, intent: id, bytes, why: intent.why! };
  if (type === 'lost') return { type, intent: id, bytes, sealed, flushed, cause: intent.cause! };
  if (type === 'sealed' && records !== undefined) return { type, intent: id, bytes, records };
  return { type, intent: id, bytes };
}
