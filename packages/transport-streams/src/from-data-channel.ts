import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { Observable } from 'rxjs';
import { ChannelLink } from './channel-link.ts';
import { checkOptions } from '@rxtls/core/engine-parts';
import { checkShape } from './check-shape.ts';
import { rules } from './rules.ts';
import { defaultHighWater, named } from './duplex-options.ts';
import { type MessageDuplexOptions, messageDuplex, messageRules } from './message-duplex.ts';

/** An `RTCDataChannel`, as far as it is needed. */
export interface DataChannelLike {
  readonly readyState: string;
  readonly ordered?: boolean;
  readonly maxRetransmits?: number | null;
  readonly maxPacketLifeTime?: number | null;
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  binaryType: string;
  send(data: Uint8Array | string): void;
  close(): void;
  addEventListener(type: string, listener: (event: unknown) => void): void;
  removeEventListener(type: string, listener: (event: unknown) => void): void;
}

export interface DataChannelOptions extends MessageDuplexOptions {
  /** The most bytes one message has (default 16 KiB, which every implementation takes, RFC 8831 §6.6). */
  readonly maxMessageBytes?: number;
  /** `bufferedAmount` from which on bytes wait here, for `bufferedamountlow` at half of it (default 256 KiB). */
  readonly sendHighWater?: number;
}

/**
 * A duplex over a data channel, when subscribed; the other end is this function too. The channel must be ordered and reliable,
 * which is the default. Emits when it is open and the other end is there, and lives as long as the connection, as
 * `fromMessagePort` does; the channel is closed at the end.
 *
 * @throws ApiMisuseError for what is no such channel, and for options that cannot be
 */
export function fromDataChannel(channel: DataChannelLike, options: DataChannelOptions = {}): Observable<ByteDuplex> {
  const own = checkOptions('fromDataChannel', options, {
    ...messageRules,
    maxMessageBytes: rules.bytes,
    sendHighWater: rules.bytes,
  });
  checkShape('fromDataChannel', channel, 'an RTCDataChannel', ['send', 'close', 'addEventListener']);
  const isReliable = (channel.maxRetransmits ?? null) === null && (channel.maxPacketLifeTime ?? null) === null;
  if (channel.ordered === false || !isReliable)
    throw new ApiMisuseError('fromDataChannel takes a channel that is ordered and reliable: leave those options out');
  const { maxMessageBytes = 16 * 1024, sendHighWater = defaultHighWater } = own;
  const what = named('data channel', own.info);
  const link = (): ChannelLink => new ChannelLink(channel, what, maxMessageBytes, sendHighWater);
  return messageDuplex('fromDataChannel', what, own, link);
}
