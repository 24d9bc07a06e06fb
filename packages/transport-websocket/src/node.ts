export {
  listenWebSocket,
  type WebSocketAddress,
  type WebSocketAttachOptions,
  type WebSocketListenOptions,
  type WebSocketPortOptions,
  type WebSocketServeOptions,
} from './node/listen-web-socket.ts';
export type { WebSocketByteDuplex } from './web-socket-duplex.ts';
export type { WebSocketOptions } from './web-socket-options.ts';
