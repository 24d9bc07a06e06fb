import { asyncScheduler, type SchedulerLike } from 'rxjs';
import type { OptionRules } from '@rxtls/core/engine-parts';
import { rules } from './rules.ts';

/** What `connectWebSocket` and `listenWebSocket` both take for their connections. */
export interface WebSocketOptions {
  /** Bytes that may wait to be sent before `demand` is 0 (default 256 KiB). */
  readonly writeHighWater?: number;
  /** Bytes of the largest message that is sent; a larger write goes out as several (default 64 KiB). */
  readonly messageBytes?: number;
  /** Bytes of the largest message that is taken; a larger one ends the connection (default 1 MiB). */
  readonly maxMessageBytes?: number;
  /**
   * Bytes that may wait for a reader that does not read, each message counted with 128 more; past it the connection is
   * aborted (default 16 MiB). For a WebSocket that cannot be paused, as a browser's, it is the only bound.
   */
  readonly maxHeldBytes?: number;
  /** Milliseconds without progress that a connection lives on after `end()` (default 5 000). */
  readonly lingerTimeout?: number;
  /** The clock of every timer (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/** `WebSocketOptions` with their defaults. */
export type WebSocketSettings = Required<WebSocketOptions>;

export const settingRules: OptionRules<keyof WebSocketOptions> = {
  writeHighWater: rules.bytes,
  messageBytes: rules.bytes,
  maxMessageBytes: rules.bytes,
  maxHeldBytes: rules.bytes,
  lingerTimeout: rules.milliseconds,
  scheduler: rules.scheduler,
};

const kibibyte = 1024;

export function webSocketSettings(options: WebSocketOptions): WebSocketSettings {
  return {
    writeHighWater: options.writeHighWater ?? 256 * kibibyte,
    messageBytes: options.messageBytes ?? 64 * kibibyte,
    maxMessageBytes: options.maxMessageBytes ?? 1024 * kibibyte,
    maxHeldBytes: options.maxHeldBytes ?? 16 * 1024 * kibibyte,
    lingerTimeout: options.lingerTimeout ?? 5_000,
    scheduler: options.scheduler ?? asyncScheduler,
  };
}

/** What `ws` is told beside: no compression, which would cost memory and tell lengths of plaintext; its bound; our time after `end()`. */
export function constructorSettings({ maxMessageBytes }: WebSocketSettings): {
  readonly perMessageDeflate: false;
  readonly maxPayload: number;
  readonly closeTimeout: number;
} {
  return { perMessageDeflate: false, maxPayload: maxMessageBytes, closeTimeout: 2 ** 31 - 1 };
}
