// The same work as a program of this library does it: secure, secureEach, transport-tcp.
import { secure, secureEach, type TlsConnection } from '@rxtls/core';
import { connect, listen, type ListeningAddress } from '@rxtls/transport-tcp';
import { EMPTY, lastValueFrom, NEVER, Subject, take, timer } from 'rxjs';
import { fullClient, ping, resumingClient, server, slice, sliceBytes } from './setting.ts';
import type { Subject as Work } from './subject.ts';

export async function coreSubject(): Promise<Work> {
  const addresses = new Subject<ListeningAddress>();
  const accepted = new Subject<TlsConnection>();
  const address = new Promise<ListeningAddress>((resolve) => addresses.pipe(take(1)).subscribe(resolve));
  let keeps = true;
  listen({ host: '127.0.0.1', port: 0, listening: (each) => addresses.next(each) })
    .pipe(
      secureEach(server, (connection) => {
        accepted.next(connection);
        // What is kept is worked with outside; the others end when their peers do.
        return keeps ? NEVER : connection.plaintext;
      }),
    )
    .subscribe();
  const { host, port } = await address;

  const handshakes = (isResumed: boolean) => async (count: number) => {
    keeps = false;
    for (let n = 0; n < count; n++)
      await new Promise<void>((resolve, reject) => {
        connect({ host, port })
          .pipe(secure(isResumed ? resumingClient : fullClient))
          .subscribe({
            next: (connection) => {
              if (connection.negotiated.resumed !== isResumed) reject(new Error('not the handshake meant'));
              connection.close().subscribe({ error: reject });
            },
            complete: resolve,
            error: reject,
          });
      });
  };

  const far = lastValueFrom(accepted.pipe(take(1)));
  const client = await new Promise<TlsConnection>((resolve, reject) => {
    connect({ host, port }).pipe(secure(fullClient)).subscribe({ next: resolve, error: reject });
  });
  const theirs = await far;
  const bulk = (bytes: number) => {
    const plaintext = slice(bytes);
    return (count: number) =>
      new Promise<void>((resolve, reject) => {
        let received = 0;
        const reading = theirs.plaintext.subscribe(({ length }) => {
          received += length;
          if (received < count * bytes) return;
          reading.unsubscribe();
          resolve();
        });
        function* all(): Generator<Uint8Array> {
          for (let n = 0; n < count; n++) yield plaintext;
        }
        client.writeFrom(all()).subscribe({ error: reject });
      });
  };
  keeps = false;
  await lastValueFrom(
    new (await import('rxjs')).Observable<never>((subscriber) =>
      connect({ host, port })
        .pipe(secure(resumingClient))
        .subscribe((connection) => void timer(50).subscribe(() => connection.close().subscribe(subscriber))),
    ),
    { defaultValue: EMPTY },
  );
  return {
    'bulk 16 KiB': bulk(sliceBytes['bulk 16 KiB']),
    'bulk 64 KiB': bulk(sliceBytes['bulk 64 KiB']),
    full: handshakes(false),
    resumed: handshakes(true),
    echo: (count) =>
      new Promise<void>((resolve) => {
        let left = count;
        const answering = theirs.plaintext.subscribe((bytes) => void theirs.write(bytes));
        const reading = client.plaintext.subscribe(() => {
          if (--left > 0) {
            client.write(ping);
            return;
          }
          answering.unsubscribe();
          reading.unsubscribe();
          resolve();
        });
        client.write(ping);
      }),
  };
}
