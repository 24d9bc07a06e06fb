import { MemorySessions, type SessionStore, sessionLimit } from '@rxtls/core/engine-parts';
import type { BinaryString } from './binary-string.ts';

/** What resumption by session identifier needs (RFC 4346 §7.3). A secret. */
export interface ForgeSessionState {
  readonly id: BinaryString;
  /** 1 for TLS 1.0, 2 for TLS 1.1. */
  readonly minorVersion: number;
  /** The IANA name. */
  readonly cipherSuite: string;
  readonly masterSecret: BinaryString;
}

/** A class of its own: no other engine's store is taken for one. */
export class ForgeSessions extends MemorySessions<ForgeSessionState> {}

/**
 * Makes a store of client sessions to share between factories.
 * @param options `max`: sessions kept in all, 256 unless told; past it the oldest are forgotten.
 */
export function memorySessions(options: { readonly max?: number } = {}): SessionStore {
  return new ForgeSessions(sessionLimit(options));
}
