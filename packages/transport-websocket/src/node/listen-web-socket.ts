/// <reference types="node" />
import type { IncomingMessage, Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { Observable, type Subscriber } from 'rxjs';
import { type WebSocket, WebSocketServer } from 'ws';
import { checkOptions, type OptionRules } from '@rxtls/core/engine-parts';
import { rules } from '../rules.ts';
import { PausableWire } from '../pausable-wire.ts';
import { type WebSocketByteDuplex, WebSocketDuplex } from '../web-socket-duplex.ts';
import {
  constructorSettings,
  settingRules,
  type WebSocketOptions,
  type WebSocketSettings,
  webSocketSettings,
} from '../web-socket-options.ts';
import type { WireOwner } from '../wire.ts';
import { failureWords } from '../wire-error.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { upgradeServer } from './upgrade-server.ts';

/** Which upgrades are taken, and how. */
export interface WebSocketServeOptions extends WebSocketOptions {
  /** Only this path, without the query (default: every path); others are answered 404. */
  readonly path?: string;
  /** Subprotocols that are spoken here, the preferred first; the first that the client offers too is chosen (default: none). */
  readonly protocols?: readonly string[];
  /**
   * Says whether an upgrade is taken: false answers 403, a throw 500. Any page may open a WebSocket to anywhere, and the
   * browser sends the user's cookies along: compare `origin` here.
   */
  readonly accept?: (request: IncomingMessage) => boolean;
}

/** Where a listener listens. */
export interface WebSocketAddress {
  readonly host: string;
  readonly port: number;
  /** Fits into `connectWebSocket`. */
  readonly url: string;
}

/** At a port, by an HTTP server of its own that knows upgrades only. */
export interface WebSocketPortOptions extends WebSocketServeOptions {
  /** 0 takes a free one, which `listening` tells. */
  readonly port: number;
  /** The local address (default: every address of this machine, as Node has it). */
  readonly host?: string;
  readonly server?: never;
  /** TCP connections open at once; more are closed as they come. */
  readonly maxConnections?: number;
  /** Milliseconds a client has for its whole request (default 10 000). */
  readonly upgradeTimeout?: number;
  /** Called once, when connections can come. What it throws errors the observable. */
  readonly listening?: (address: WebSocketAddress) => void;
}

/** On an HTTP or HTTPS server of the caller's, who makes it listen, bounds it and closes it. */
export interface WebSocketAttachOptions extends WebSocketServeOptions {
  readonly server: Server | HttpsServer;
  readonly port?: never;
  readonly host?: never;
}

export type WebSocketListenOptions = WebSocketPortOptions | WebSocketAttachOptions;

const serveRules: OptionRules<string> = {
  ...settingRules,
  path: rules.path,
  protocols: rules.protocols,
  accept: rules.callback,
};
const attachRules: OptionRules<string> = { ...serveRules, server: rules.server };
const portRules: OptionRules<string> = {
  ...serveRules,
  port: rules.port,
  host: rules.text,
  maxConnections: rules.count,
  upgradeTimeout: rules.milliseconds,
  listening: rules.callback,
};

/**
 * WebSockets as they come, from subscribe on, over `ws`. Owns the listener only: unsubscribing stops accepting and leaves the
 * emitted connections to those who have them, who end them with `sink.end()` or `sink.abort()`; nobody closes them for you.
 * A connection is not read, and TCP holds its peer up, until somebody subscribes to its bytes and asks for them.
 * Never completes on a port; errors when it cannot listen (`AbortedError`), completes when the given server closes. Wrong
 * options throw `ApiMisuseError` at once.
 */
export function listenWebSocket(options: WebSocketListenOptions): Observable<WebSocketByteDuplex> {
  const isAttached = options?.server !== undefined;
  const own = checkOptions('listenWebSocket', options, isAttached ? attachRules : portRules);
  if (!isAttached && own.port === undefined)
    throw new ApiMisuseError('listenWebSocket: port is missing (or server, for a server of your own)');
  const settings = webSocketSettings(own);
  return new Observable((subscriber) => {
    const upgrade = upgradeOf(own, settings, subscriber);
    if (own.server !== undefined) attach(own.server, upgrade, subscriber);
    else listenAt(own, upgrade, subscriber);
  });
}

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

function attach(server: Server | HttpsServer, upgrade: Upgrade, subscriber: Subscriber<WebSocketByteDuplex>): void {
  const closed = (): void => subscriber.complete();
  server.on('upgrade', upgrade);
  server.on('close', closed);
  subscriber.add(() => {
    server.off('upgrade', upgrade);
    server.off('close', closed);
  });
}

function listenAt(options: WebSocketPortOptions, upgrade: Upgrade, subscriber: Subscriber<WebSocketByteDuplex>): void {
  const { port, host, path = '/', maxConnections, upgradeTimeout = 10_000, listening } = options;
  const server = upgradeServer(upgradeTimeout, maxConnections);
  subscriber.add(() => {
    server.close();
    server.closeAllConnections(); // those that have not been upgraded
  });
  server.on('upgrade', upgrade);
  server.on('error', (cause) => {
    const message = `cannot listen on ${endpoint(host ?? '*', port)}: ${failureWords(cause)}`;
    subscriber.error(new AbortedError(message, { phase: 'setup', retryable: true, cause }));
  });
  server.on('listening', () => {
    const { address, port: actual } = server.address() as AddressInfo;
    const reachable = address === '::' || address === '0.0.0.0' ? 'localhost' : address;
    try {
      listening?.({ host: address, port: actual, url: `ws://${endpoint(reachable, actual)}${path}` });
    } catch (cause) {
      const message = `listenWebSocket: the listening callback threw: ${failureWords(cause)}`;
      subscriber.error(new AbortedError(message, { phase: 'setup', cause }));
    }
  });
  server.listen({ port, ...(host !== undefined && { host }) });
}

/** Takes or refuses one upgrade. */
function upgradeOf(
  options: WebSocketListenOptions,
  settings: WebSocketSettings,
  subscriber: Subscriber<WebSocketByteDuplex>,
): Upgrade {
  const { path, protocols = [], accept, server } = options;
  const acceptor = new WebSocketServer({
    ...constructorSettings(settings),
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered) => protocols.find((each) => offered.has(each)) ?? false,
  });
  const connected = (socket: WebSocket, request: IncomingMessage): void => {
    const wire = new PausableWire(socket, nobody);
    if (subscriber.closed) return wire.cut();
    const { localAddress, localPort, remoteAddress, remotePort } = request.socket;
    const remote = endpointOf(remoteAddress, remotePort);
    const local = endpointOf(localAddress, localPort);
    const info = { ...(local !== undefined && { local }), ...(remote !== undefined && { remote }) };
    const what = `connection from ${remote ?? 'an unknown address'}`;
    subscriber.next(new WebSocketDuplex(wire, { ...settings, what, info }));
  };
  return (request, socket, head) => {
    if (path !== undefined && request.url?.split('?', 1)[0] !== path) {
      const isForOthers = server !== undefined && server.listenerCount('upgrade') > 1;
      if (!isForOthers) refuseUpgrade(socket, 404);
      return;
    }
    try {
      if (accept && !accept(request)) return refuseUpgrade(socket, 403);
    } catch {
      return refuseUpgrade(socket, 500); // that connection fails closed; the listener and the others go on
    }
    try {
      acceptor.handleUpgrade(request, socket, head, connected);
    } catch (cause) {
      const message =
        'listenWebSocket: another listener of this server took the same upgrade; give each a path of its own';
      subscriber.error(new ApiMisuseError(message, { cause }));
    }
  };
}

const nothing = (): void => undefined;
/** Until a duplex has the wire, in the same call. */
const nobody: WireOwner = {
  opened: nothing,
  message: nothing,
  text: nothing,
  taken: nothing,
  failed: nothing,
  closed: nothing,
};

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function endpointOf(host: string | undefined, port: number | undefined): string | undefined {
  return host === undefined || port === undefined ? undefined : endpoint(host, port);
}
