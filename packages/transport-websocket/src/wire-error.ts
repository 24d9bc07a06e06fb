import { AbortedError, PeerMisbehavedError, type TlsError, type TlsPhase } from '@rxtls/core/engine';
import { describeClose, mayRetry } from './close-code.ts';

/** A close that was no clean end, with what the WebSocket said before it as its cause. */
export function closeError(
  what: string,
  phase: TlsPhase,
  code: number,
  reason: string | Uint8Array,
  cause: unknown,
): AbortedError {
  const words = describeClose(code, reason);
  return new AbortedError(`${what}: ${words}`, {
    phase,
    retryable: mayRetry(code),
    ...(cause !== undefined && { cause }),
  });
}

/** A frame that breaks RFC 6455, which `ws` names and a standard WebSocket does not; undefined for everything else. */
export function frameError(what: string, error: unknown): TlsError | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new AbortedError(`${what}: a message was larger than maxMessageBytes`, { phase: 'open', cause: error });
  }
  return new PeerMisbehavedError(`${what}: a frame breaks RFC 6455 (${code})`, { phase: 'open', cause: error });
}

/** In one line, as far as the WebSocket says anything: browsers tell a page nothing of why. */
export function failureWords(error: unknown): string {
  const inner = detail(error);
  const text = inner instanceof AggregateError ? inner.errors.map(messageOf).join(', ') : messageOf(inner);
  return text === '' ? 'refused, unreachable or not a WebSocket (the WebSocket says no more)' : text;
}

/** Node's and Deno's events carry an error, and so does `ws` in place of an event. */
export function detail(error: unknown): unknown {
  if (error instanceof Error || typeof error !== 'object' || error === null) return error;
  const inner: unknown = Reflect.get(error, 'error');
  return inner instanceof Error ? inner : error;
}

function messageOf(error: unknown): string {
  const message: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : error;
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const words = typeof message === 'string' && message !== '' ? message : typeof code === 'string' ? code : '';
  return words.replaceAll(/\s+/g, ' ').slice(0, 200);
}
