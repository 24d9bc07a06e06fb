export { connectWebSocket, type WebSocketConnectOptions } from './connect-web-socket.ts';
export type { WebSocketByteDuplex } from './web-socket-duplex.ts';
export type { WebSocketConstructor, WebSocketLike } from './web-socket-like.ts';
export type { WebSocketOptions } from './web-socket-options.ts';
