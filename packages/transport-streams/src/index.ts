// From what a runtime offers to a ByteDuplex.
export { fromWebStreams, type WebStreamPair, type WebStreamsOptions } from './from-web-streams.ts';
export { fromMessagePort, type MessagePortLike } from './from-message-port.ts';
export { type DataChannelLike, type DataChannelOptions, fromDataChannel } from './from-data-channel.ts';
// And back.
export { type RuntimeStreams, toWebStreams, type ToWebStreamsOptions } from './to-web-streams.ts';
export { toAsyncIterable } from './to-async-iterable.ts';
export type { DuplexOptions } from './duplex-options.ts';
export type { MessageDuplexOptions } from './message-duplex.ts';
export type { WebReadable, WebWritable } from './web-stream-shapes.ts';
