import { createServer, type Socket } from 'node:net';
import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { Observable } from 'rxjs';
import { checkOptions, type OptionRules, optionRules } from '@rxtls/core/engine-parts';
import { endpoint } from './endpoint.ts';
import { SocketDuplex } from './socket-duplex.ts';
import { applySettings, type SocketOptions, socketRules, socketSettings } from './socket-options.ts';
import { wireError } from './wire-error.ts';

/** Where a TCP listener listens: fits into `connect` as it is. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
}

/** At a TCP port. */
export interface TcpListenOptions extends SocketOptions {
  /** 0 takes a free one, which `listening` tells. */
  readonly port: number;
  /** The local address (default: every address of this machine, as Node has it). */
  readonly host?: string;
  readonly path?: never;
  /** Connections the system may hold before they are accepted. */
  readonly backlog?: number;
  /** Connections open at once; more are closed as they come. */
  readonly maxConnections?: number;
  /** Called once, when connections can come. What it throws errors the observable. */
  readonly listening?: (address: ListeningAddress) => void;
}

/** At a Unix socket, or a named pipe on Windows. */
export interface UnixListenOptions extends SocketOptions {
  readonly path: string;
  readonly port?: never;
  readonly host?: never;
  readonly backlog?: number;
  readonly maxConnections?: number;
  readonly listening?: (address: { readonly path: string }) => void;
}

export type ListenOptions = TcpListenOptions | UnixListenOptions;

const commonRules: OptionRules<string> = {
  ...socketRules,
  backlog: optionRules.count,
  maxConnections: optionRules.count,
  listening: optionRules.callback,
};
const tcpRules: OptionRules<string> = {
  ...commonRules,
  port: optionRules.port,
  host: optionRules.text,
};
const unixRules: OptionRules<string> = { ...commonRules, path: optionRules.text };

/**
 * Connections as they come, from subscribe on. Owns the listener only: unsubscribing closes it and leaves the emitted
 * connections to those who have them, who end them with `sink.end()` or `sink.abort()`. A connection is not read, and
 * its peer is held up, until somebody subscribes to its bytes and asks for them; nobody closes it for you.
 * Never completes; errors when it cannot listen (`AbortedError`). Wrong options throw `ApiMisuseError` at once.
 */
export function listen(options: ListenOptions): Observable<ByteDuplex> {
  const own = checkOptions('listen', options, options?.path === undefined ? tcpRules : unixRules);
  if (own.path === undefined && own.port === undefined) {
    throw new ApiMisuseError('listen: port is missing (or path, for a Unix socket)');
  }
  const settings = socketSettings(own);
  const where = own.path ?? endpoint(own.host ?? '*', own.port ?? 0);
  const unix = own.path !== undefined;
  return new Observable((subscriber) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    if (own.maxConnections !== undefined) server.maxConnections = own.maxConnections;
    subscriber.add(() => void server.close());
    server.on('error', (error) => subscriber.error(wireError(`cannot listen on ${where}`, 'setup', error)));
    server.on('listening', () => {
      try {
        announce(own, server.address());
      } catch (cause) {
        const message = `listen: the listening callback threw: ${cause instanceof Error ? cause.message : String(cause)}`;
        subscriber.error(new AbortedError(message, { phase: 'setup', cause }));
      }
    });
    server.on('connection', (socket: Socket) => {
      if (subscriber.closed) {
        socket.destroy();
        return;
      }
      applySettings(socket, settings);
      const info = accepted(socket, unix ? where : undefined);
      const what = `connection from ${info.remote ?? where}`;
      subscriber.next(new SocketDuplex(socket, { ...settings, what, info, canReset: !unix }));
    });
    const { backlog } = own;
    const common = { ...(backlog !== undefined && { backlog }) };
    if (own.path !== undefined) server.listen({ ...common, path: own.path });
    else server.listen({ ...common, port: own.port, ...(own.host !== undefined && { host: own.host }) });
  });
}

function announce(options: ListenOptions, address: ReturnType<ReturnType<typeof createServer>['address']>): void {
  if (options.path !== undefined) options.listening?.({ path: options.path });
  else if (address !== null && typeof address === 'object') {
    options.listening?.({ host: address.address, port: address.port });
  }
}

function accepted(socket: Socket, path: string | undefined): ByteDuplex['info'] {
  if (path !== undefined) return { local: path };
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  return {
    ...(localAddress !== undefined && localPort !== undefined && { local: endpoint(localAddress, localPort) }),
    ...(remoteAddress !== undefined && remotePort !== undefined && { remote: endpoint(remoteAddress, remotePort) }),
  };
}
