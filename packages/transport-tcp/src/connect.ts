import { isIP, type LookupFunction, Socket, type SocketConnectOpts } from 'node:net';
import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { Observable } from 'rxjs';
import { checkOptions, type OptionRules, optionRules } from '@rxtls/core/engine-parts';
import { endpoint } from './endpoint.ts';
import { SocketDuplex } from './socket-duplex.ts';
import { applySettings, type SocketOptions, socketRules, socketSettings } from './socket-options.ts';
import { wireError } from './wire-error.ts';

/** To a TCP port. */
export interface TcpConnectOptions extends SocketOptions {
  readonly host: string;
  readonly port: number;
  readonly path?: never;
  /** The local IP address to connect from. */
  readonly localAddress?: string;
  /** Only addresses of this family. */
  readonly family?: 4 | 6;
  /** Happy eyeballs: tries a name's addresses of both families (default: as Node is configured). */
  readonly autoSelectFamily?: boolean;
  /** Milliseconds happy eyeballs gives an address before it tries the next (default: as Node is configured). */
  readonly autoSelectFamilyAttemptTimeout?: number;
  /** Looks the host up in place of `dns.lookup`. */
  readonly lookup?: LookupFunction;
  /** Milliseconds that looking up and connecting may take in all (default: as the system has it). */
  readonly connectTimeout?: number;
}

/** To a Unix socket, or a named pipe on Windows. */
export interface UnixConnectOptions extends SocketOptions {
  readonly path: string;
  readonly host?: never;
  readonly port?: never;
  readonly connectTimeout?: number;
}

export type ConnectOptions = TcpConnectOptions | UnixConnectOptions;

const unixRules: OptionRules<string> = {
  ...socketRules,
  path: optionRules.text,
  connectTimeout: optionRules.milliseconds,
};

const tcpRules: OptionRules<string> = {
  ...socketRules,
  host: optionRules.text,
  port: optionRules.port,
  localAddress: { must: 'be an IP address', holds: (value) => typeof value === 'string' && isIP(value) !== 0 },
  family: { must: 'be 4 or 6', holds: (value) => value === 4 || value === 6 },
  autoSelectFamily: optionRules.flag,
  autoSelectFamilyAttemptTimeout: optionRules.milliseconds,
  lookup: optionRules.callback,
  connectTimeout: optionRules.milliseconds,
};

/**
 * A connection, when subscribed. Emits one connected duplex and lives as long as it: errors before that when connecting
 * fails, completes when both directions have ended, errors when the socket failed or was aborted (`AbortedError`;
 * `retryable` when it was the wire's fault), so that `retry` and `repeat` reconnect. Unsubscribing before `sink.end()`
 * cuts the wire; after it, what was written still goes out. Wrong options throw `ApiMisuseError` at once.
 */
export function connect(options: ConnectOptions): Observable<ByteDuplex> {
  const own = checkOptions('connect', options, options?.path === undefined ? tcpRules : unixRules);
  const where = placeOf(own);
  return new Observable((subscriber) => {
    const socket = new Socket({ allowHalfOpen: true });
    let duplex: SocketDuplex | undefined;
    let timer: NodeJS.Timeout | undefined;
    subscriber.add(() => {
      clearTimeout(timer);
      if (duplex) duplex.release();
      else socket.destroy();
    });
    const refused = (error: unknown): void => subscriber.error(wireError(`cannot connect to ${where}`, 'setup', error));
    socket.pause();
    socket.on('error', refused);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', refused);
      const settings = socketSettings(own);
      applySettings(socket, settings);
      const closed = (error?: AbortedError): void => (error ? subscriber.error(error) : subscriber.complete());
      const unix = own.path !== undefined;
      const what = `connection to ${where}`;
      duplex = new SocketDuplex(socket, {
        ...settings,
        what,
        info: info(socket, where, unix),
        canReset: !unix,
        closed,
      });
      subscriber.next(duplex);
    });
    const { connectTimeout } = own;
    if (connectTimeout !== undefined) {
      timer = setTimeout(() => {
        const message = `cannot connect to ${where}: no answer within ${connectTimeout} ms`;
        subscriber.error(new AbortedError(message, { phase: 'setup', retryable: true }));
      }, connectTimeout);
    }
    try {
      socket.connect(nodeOptions(own));
    } catch (error) {
      refused(error);
    }
  });
}

/** Where the options lead. */
function placeOf(options: ConnectOptions): string {
  if (options.path !== undefined) return options.path;
  if (options.host === undefined) throw new ApiMisuseError('connect: host is missing (or path, for a Unix socket)');
  if (options.port === undefined) throw new ApiMisuseError('connect: port is missing');
  return endpoint(options.host, options.port);
}

/** Only what Node's own `connect` should see. */
function nodeOptions(options: ConnectOptions): SocketConnectOpts {
  if (options.path !== undefined) return { path: options.path };
  const { host, port, localAddress, family, autoSelectFamily, autoSelectFamilyAttemptTimeout, lookup } = options;
  return {
    host,
    port,
    ...(localAddress !== undefined && { localAddress }),
    ...(family !== undefined && { family }),
    ...(autoSelectFamily !== undefined && { autoSelectFamily }),
    ...(autoSelectFamilyAttemptTimeout !== undefined && { autoSelectFamilyAttemptTimeout }),
    ...(lookup && { lookup }),
  };
}

function info(socket: Socket, where: string, unix: boolean): ByteDuplex['info'] {
  if (unix) return { remote: where };
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  return {
    ...(localAddress !== undefined && localPort !== undefined && { local: endpoint(localAddress, localPort) }),
    remote: remoteAddress !== undefined && remotePort !== undefined ? endpoint(remoteAddress, remotePort) : where,
  };
}
