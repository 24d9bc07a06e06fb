import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteDuplex } from '@rxtls/core';
import { type ConnectOptions, connect, type ListenOptions, listen } from '@rxtls/transport-tcp';
import { firstValueFrom, ReplaySubject } from 'rxjs';
import t from 'tap';
import { type TransportPair, transportCompliance } from '../../testing/src/transport-compliance.ts';

/** A connection over a real socket: `a` connected, `b` was accepted. */
async function socketPair(where: ListenOptions): Promise<TransportPair> {
  const accepted = new ReplaySubject<ByteDuplex>();
  const connected = new ReplaySubject<ByteDuplex>();
  const address = new ReplaySubject<ConnectOptions>();
  const server = listen({ ...where, listening: (at: ConnectOptions) => address.next(at) }).subscribe({
    next: (duplex) => accepted.next(duplex),
    error: (error) => address.error(error),
  });
  const client = connect(await firstValueFrom(address)).subscribe({
    next: (duplex) => connected.next(duplex),
    error: () => {},
  });
  const [a, b] = await Promise.all([firstValueFrom(connected), firstValueFrom(accepted)]);
  return {
    a,
    b,
    close: () => {
      client.unsubscribe();
      server.unsubscribe();
      a.sink.abort();
      b.sink.abort();
    },
  };
}

t.test('over TCP', (t) => {
  const bound = 16 * 1024 * 1024;
  for (const promise of transportCompliance({ bound, pair: () => socketPair({ port: 0, host: '127.0.0.1' }) })) {
    t.test(promise.name, () => promise.run());
  }
  t.end();
});

t.test('over a Unix socket', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rxtls-')); // not t.testdir(): a socket's path may have 107 bytes
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'wire');
  for (const promise of transportCompliance({ abortShows: false, pair: () => socketPair({ path }) })) {
    t.test(promise.name, () => promise.run());
  }
  t.end();
});
