import { Observable, Subscription } from 'rxjs';
import type { ByteInput } from './byte-input.ts';
import { ApiMisuseError } from './engine/index.ts';
import type { TlsConnection } from './tls-connection.ts';

/** Writes all of `source`, emits what comes back, closes when both are through. */
export function exchange(connection: TlsConnection, source: ByteInput, halfClose: boolean): Observable<Uint8Array> {
  return new Observable((subscriber) => {
    if (halfClose && connection.negotiated.version !== 'TLSv1.3') {
      const { version } = connection.negotiated;
      subscriber.error(
        new ApiMisuseError(`halfClose needs TLS 1.3: in ${version} the peer would close too, and answer nothing`),
      );
      return;
    }
    const parts = new Subscription();
    subscriber.add(parts);
    let open = 2;
    const failed = (error: unknown): void => subscriber.error(error);
    const done = (): void => {
      if (--open === 0)
        parts.add(connection.close().subscribe({ error: failed, complete: () => subscriber.complete() }));
    };
    const written = (): void => {
      if (halfClose) parts.add(connection.closeWrite().subscribe({ error: failed }));
      done();
    };
    parts.add(
      connection.plaintext.subscribe({ next: (bytes) => subscriber.next(bytes), error: failed, complete: done }),
    );
    if (!subscriber.closed) parts.add(connection.writeFrom(source).subscribe({ error: failed, complete: written }));
  });
}
