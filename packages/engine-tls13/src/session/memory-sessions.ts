import { type SessionStore, sessionLimit } from '@rxtls/core/engine-parts';
import { Tls13Sessions } from './client-sessions.ts';

/** Keeps a client's sessions in memory, at most `max` (default 256): give one to several factories and they share it. @throws ApiMisuseError */
export const memorySessions = (options: { readonly max?: number } = {}): SessionStore =>
  new Tls13Sessions(sessionLimit(options));
