import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { checkOptions, type OptionRules } from '@rxtls/core/engine-parts';
import { rules } from './rules.ts';
import { closeCode, closeReason, describeClose, mayRetry } from './close-code.ts';
import { makeWire } from './make-wire.ts';
import { type WebSocketByteDuplex, WebSocketDuplex } from './web-socket-duplex.ts';
import type { WebSocketConstructor } from './web-socket-like.ts';
import { constructorSettings, settingRules, type WebSocketOptions, webSocketSettings } from './web-socket-options.ts';
import type { Wire, WireClose, WireOwner } from './wire.ts';
import { detail, failureWords } from './wire-error.ts';

export interface WebSocketConnectOptions extends WebSocketOptions {
  /** `ws://…` or `wss://…`, absolute, without a fragment. */
  readonly url: string;
  /** Subprotocols to offer, the preferred first. */
  readonly protocols?: readonly string[];
  /** The class to connect with (default: the runtime's own). Give that of `ws` where there is none, and where slow readers must slow the peer. */
  readonly WebSocket?: WebSocketConstructor;
  /** The constructor's third argument, for a class that takes one: with `ws`, headers, `ca` and the like. */
  readonly constructorOptions?: object;
  /** Milliseconds for connecting and the upgrade in all (default 30 000). */
  readonly connectTimeout?: number;
}

const connectRules: OptionRules<string> = {
  ...settingRules,
  url: rules.text,
  protocols: rules.protocols,
  WebSocket: rules.callback,
  constructorOptions: rules.object,
  connectTimeout: rules.milliseconds,
};

/**
 * A WebSocket, when subscribed. Emits one open duplex and lives as long as it: errors before that when connecting fails
 * (`AbortedError`), completes after a clean close (RFC 6455 codes 1000, 1001, and none), errors after any other end and when
 * bytes that were written were lost (`AbortedError`, mostly `retryable`; `PeerMisbehavedError` for a text message), so that `retry` and
 * `repeat` reconnect. Unsubscribing before `sink.end()` cuts the connection, as far as the WebSocket can; after it, what was
 * written still goes out. Wrong options throw `ApiMisuseError` at once.
 *
 * @example
 * connectWebSocket('wss://tunnel.example/tls').pipe(
 *   secure(engine),
 *   use((connection) => connection.exchange([request])),
 * );
 */
export function connectWebSocket(options: string | WebSocketConnectOptions): Observable<WebSocketByteDuplex> {
  const given: WebSocketConnectOptions = typeof options === 'string' ? { url: options } : options;
  const own = checkOptions('connectWebSocket', given, connectRules);
  const { url, protocols = [], constructorOptions, connectTimeout = 30_000 } = own;
  const where = placeOf(url);
  const make = constructorOf(own.WebSocket);
  const offered = [...protocols];
  const settings = webSocketSettings(own);
  return new Observable((subscriber) => {
    let duplex: WebSocketDuplex | undefined;
    let timer: Subscription | undefined;
    let wire: Wire | undefined;
    subscriber.add(() => {
      timer?.unsubscribe();
      if (duplex) duplex.release();
      else wire?.cut(closeCode.normal, closeReason[closeCode.normal]);
    });
    const opened = (): void => {
      timer?.unsubscribe();
      const closed = (error?: unknown): void => (error === undefined ? subscriber.complete() : subscriber.error(error));
      const info: ByteDuplex['info'] = { remote: where };
      duplex = new WebSocketDuplex(wire!, { ...settings, what: `connection to ${where}`, info, closed });
      subscriber.next(duplex);
    };
    try {
      const socket = new make(url, offered, { ...constructorSettings(settings), ...constructorOptions });
      wire = makeWire(socket, settings.scheduler, connecting(where, subscriber, opened));
    } catch (cause) {
      const message = `connectWebSocket: the WebSocket does not take these options: ${failureWords(cause)}`;
      subscriber.error(new ApiMisuseError(message, { cause }));
      return;
    }
    timer = settings.scheduler.schedule(() => {
      const message = `cannot connect to ${where}: no answer within ${connectTimeout} ms`;
      subscriber.error(new AbortedError(message, { phase: 'setup', retryable: true }));
    }, connectTimeout);
  });
}

/** Hears the wire until it is open. Not every WebSocket closes after an error: that of Node 22 does not. */
function connecting(where: string, subscriber: Subscriber<WebSocketByteDuplex>, opened: () => void): WireOwner {
  const nothing = (): void => undefined;
  const failed = (words: string, retryable: boolean, cause?: unknown): void => {
    const message = `cannot connect to ${where}: ${words}`;
    subscriber.error(new AbortedError(message, { phase: 'setup', retryable, ...(cause !== undefined && { cause }) }));
  };
  return {
    opened: () => {
      if (!subscriber.closed) opened();
    },
    failed: (error) => failed(failureWords(error), true, detail(error)),
    closed: ({ code, reason }: WireClose) => failed(describeClose(code, reason), mayRetry(code)),
    message: nothing,
    text: nothing,
    taken: nothing,
  };
}

/** Scheme and host: what else is in a URL may be a secret. */
function placeOf(url: unknown): string {
  const [, scheme, host] = /^(wss?):\/\/(?:[^/?#@]*@)?([^/?#@\s]+)(?:[/?][^#\s]*)?$/i.exec(String(url)) ?? [];
  if (url === undefined) throw new ApiMisuseError('connectWebSocket: url is missing');
  if (scheme === undefined || host === undefined)
    throw new ApiMisuseError('connectWebSocket: url must be an absolute ws: or wss: URL without a fragment');
  return `${scheme.toLowerCase()}://${host}`;
}

function constructorOf(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const own = given ?? (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket;
  if (typeof own === 'function') return own;
  throw new ApiMisuseError(
    'connectWebSocket: this runtime has no WebSocket; install ws and give its class as the option WebSocket',
  );
}
