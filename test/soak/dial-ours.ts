import { X509Certificate } from 'node:crypto';
import { type Ledger, secure, type TlsConnection } from '@rxtls/core';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { connect } from '@rxtls/transport-tcp';
import { AsyncSubject, lastValueFrom } from 'rxjs';
import { host } from '../interop/ends.ts';
import { type Dial, Echo, type Talk } from './talk.ts';

/** Talks by an engine of ours; each connection is shown to `track`. */
export const dialOurs =
  (engine: TlsEngineFactory<'client'>, track: (connection: TlsConnection) => void): Dial =>
  (port) =>
    new Promise((resolve, reject) => {
      const last = new AsyncSubject<Ledger>();
      const echo = new Echo();
      let hasPeerClosed = false;
      const over = lastValueFrom(last).then((ledger) => {
        echo.check();
        if (!hasPeerClosed) throw new Error('the connection completed without the peer’s close_notify');
        return ledger;
      });
      over.catch(reject); // before there is a connection; later whoever waits for it hears of it too
      const subscription = connect({ host, port })
        .pipe(secure(engine, { observe: { ledger: { next: (ledger) => last.next(ledger) } } }))
        .subscribe({
          next: (connection) => {
            track(connection);
            connection.plaintext.subscribe({
              next: (bytes) => echo.heard(bytes),
              error: (error: unknown) => echo.fail(error),
              complete: () => void (hasPeerClosed = true),
            });
            resolve(talk(connection, echo, over, () => subscription.unsubscribe()));
          },
          error: (error: unknown) => last.error(error),
          complete: () => last.complete(),
        });
    });

function talk(connection: TlsConnection, echo: Echo, over: Talk['over'], cut: () => void): Talk {
  const { negotiated, info } = connection;
  return {
    local: info.local!,
    resumed: negotiated.resumed,
    leaf: () => new X509Certificate(negotiated.peer.chain[0]!).fingerprint256,
    say: (bytes) => {
      const heard = echo.expect(bytes);
      connection.writeFrom([bytes]).subscribe({ error: (error: unknown) => echo.fail(error) });
      return heard;
    },
    close: (how) => {
      const half = how === 'half' && negotiated.version === 'TLSv1.3';
      const closing = half ? connection.closeWrite() : connection.close();
      closing.subscribe({ error: (error: unknown) => echo.fail(error) });
    },
    over,
    cut,
  };
}
