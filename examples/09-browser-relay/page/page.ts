// The page's end of TLS. Nothing here trusts the relay, and nothing here could be done by it.
import { secure, type TlsConnection, use } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13';
import { connectWebSocket } from '@rxtls/transport-websocket';
import {
  catchError,
  concat,
  defer,
  EMPTY,
  fromEvent,
  ignoreElements,
  type Observable,
  switchMap,
  tap,
  timeout,
} from 'rxjs';
import type { Hop } from '../hop.ts';
import type { PageSettings } from '../page-settings.ts';
import { element, View } from './view.ts';

const settings = JSON.parse(element('settings', HTMLScriptElement).text) as PageSettings;
const { authority, serverName, relays } = settings;
const engine = tls13Engine.client({ serverName, ca: authority });
const view = new View();

/** One question, end to end: subscribing connects, and the answer completes on the server's close_notify alone. */
function answerTo(request: string, relay: string): Observable<Uint8Array> {
  return connectWebSocket({ url: relay, connectTimeout: 5_000 }).pipe(
    secure(engine),
    timeout({ first: 10_000 }),
    tap(({ negotiated }: TlsConnection) => view.connected(negotiated)),
    use((connection) => connection.exchange([new TextEncoder().encode(request)])),
  );
}

fromEvent(element('controls', HTMLFormElement), 'submit')
  .pipe(
    tap((event) => event.preventDefault()),
    switchMap(() => {
      const path = element('path', HTMLSelectElement).value;
      const relay = element('flip', HTMLInputElement).checked ? relays.malicious : relays.curious;
      const request = `GET ${path} HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`;
      view.asks(request);
      return concat(
        answerTo(request, relay).pipe(
          tap((bytes) => view.read(bytes)),
          ignoreElements(),
        ),
        defer(() => (view.done(), EMPTY)),
      ).pipe(catchError((error: Error) => (view.failed(error), EMPTY)));
    }),
  )
  .subscribe();

const hops = new EventSource('/hops');
hops.addEventListener('open', () => view.ready());
hops.addEventListener('message', ({ data }: MessageEvent<string>) => view.hop(JSON.parse(data) as Hop));
