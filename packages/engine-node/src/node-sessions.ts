import { MemorySessions, type SessionStore, sessionLimit } from '@rxtls/core/engine-parts';

/** OpenSSL's sessions in Node's serialisation. A class of its own: no other engine's store is taken for one. */
export class NodeSessions extends MemorySessions<Buffer> {}

/**
 * Makes a store of client sessions to share between factories.
 * @param options `max`: sessions kept in all, 256 unless told; past it the oldest are forgotten.
 */
export function memorySessions(options: { readonly max?: number } = {}): SessionStore {
  return new NodeSessions(sessionLimit(options));
}
