import { ApiMisuseError, WriteLostError, WriteRefusedError } from './engine/index.ts';
import type { WriteIntent } from './write-intent.ts';

export function lostError(intent: WriteIntent): WriteLostError {
  const { cause, length, sealed, flushed, id } = intent;
  const error = new WriteLostError(
    `write ${id} was lost: of ${length} bytes ${sealed} were sealed and ${flushed} flushed`,
    { phase: cause!.phase, cause, retryable: cause!.retryable },
  );
  error.safeToReplay = cause!.safeToReplay;
  return error;
}

export function refusedError(intent: WriteIntent): WriteRefusedError {
  const why = {
    'queue-full': 'the queue is full (limits.maxQueuedBytes, maxQueuedWrites, maxQueuedBytesBeforeHandshake)',
    closing: 'our side is closing or closed',
    'peer-closed': 'the peer has closed, and this version of TLS has no half-close',
    'not-supported': 'neither the engine nor the version can do this',
  }[intent.why!];
  return new WriteRefusedError(`write ${intent.id} of ${intent.length} bytes was refused: ${why}`);
}

/** What a method of a connection that has ended answers. */
export const deadError = (cause: unknown): ApiMisuseError =>
  new ApiMisuseError('the connection has ended', { phase: 'closed', cause });
