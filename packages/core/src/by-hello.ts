import { ApiMisuseError } from './engine/index.ts';
import type { EngineSelector } from './engine-source.ts';

/**
 * Chooses a server's engine from the ClientHello, before any engine exists; the engine chosen then gets every byte.
 * Answer with a factory, or with a promise or observable of exactly one; with `undefined` for a name that is not served
 * here (the client is told `unrecognized_name`). Throwing, nothing, two values (`internal_error`) and an answer later than
 * `limits.taskTimeout` (`handshake_failure`) close that connection and touch no other. Nothing in a ClientHello is
 * authenticated: what the engine then negotiates must equal it, or the connection fails.
 */
export function byHello(select: EngineSelector['select']): EngineSelector {
  if (typeof select !== 'function') throw new ApiMisuseError('byHello(select) takes a function of the ClientHello');
  return Object.freeze({ select });
}
