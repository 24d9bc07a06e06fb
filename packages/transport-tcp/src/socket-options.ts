import type { Socket } from 'node:net';
import { type OptionRules, optionRules } from '@rxtls/core/engine-parts';

/** What `connect` and `listen` both take for their sockets. */
export interface SocketOptions {
  /** Sends small writes at once (default true): a handshake waits for them. */
  readonly noDelay?: boolean;
  /** Probes an idle connection, so that a peer that vanished is noticed (default false; the system sets the times). */
  readonly keepAlive?: boolean;
  /** Bytes that may wait for the system to take them before `demand` is 0 (default 256 KiB). */
  readonly writeHighWater?: number;
  /**
   * Milliseconds (default 5 000) a socket lives on after `end()` with nobody subscribed to `bytes`, while nothing
   * moves: what was written goes out, what still arrives is discarded, so that no reset destroys it on its way.
   */
  readonly lingerTimeout?: number;
}

/** `SocketOptions` with their defaults. */
export interface SocketSettings {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly writeHighWater: number;
  readonly lingerTimeout: number;
}

export const socketRules: OptionRules<keyof SocketOptions> = {
  noDelay: optionRules.flag,
  keepAlive: optionRules.flag,
  writeHighWater: optionRules.bytes,
  lingerTimeout: optionRules.milliseconds,
};

export function socketSettings(options: SocketOptions): SocketSettings {
  const { noDelay = true, keepAlive = false, writeHighWater = 256 * 1024, lingerTimeout = 5_000 } = options;
  return { noDelay, keepAlive, writeHighWater, lingerTimeout };
}

/** Tells the system; a socket without TCP below takes these calls and ignores them. */
export function applySettings(socket: Socket, settings: SocketSettings): void {
  socket.setNoDelay(settings.noDelay);
  if (settings.keepAlive) socket.setKeepAlive(true);
}
