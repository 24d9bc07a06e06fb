export { type ConnectOptions, connect, type TcpConnectOptions, type UnixConnectOptions } from './connect.ts';
export {
  type ListeningAddress,
  type ListenOptions,
  listen,
  type TcpListenOptions,
  type UnixListenOptions,
} from './listen.ts';
export type { SocketOptions } from './socket-options.ts';
