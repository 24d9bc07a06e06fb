import { connect, listen } from '@rxtls/transport-tcp';
import t from 'tap';

const bytes = (...values: number[]) => Uint8Array.from(values);

t.test('a byte each way over loopback', async (t) => {
  await new Promise<void>((resolve, reject) => {
    const server = listen({
      port: 0,
      host: '127.0.0.1',
      listening: ({ host, port }) => {
        connect({ host, port }).subscribe({
          next: (c) => {
            c.source.request(Number.POSITIVE_INFINITY);
            c.sink.write(bytes(1, 2, 3));
            c.sink.end();
            c.source.bytes.subscribe({ next: (b) => t.same([...b], [1, 2, 3]), error: reject });
            t.match(c.info, { local: /^127\.0\.0\.1:\d+$/, remote: `127.0.0.1:${port}` });
          },
          error: reject,
          complete: () => {
            server.unsubscribe();
            resolve();
          },
        });
      },
    }).subscribe({
      next: (c) => {
        c.source.request(100);
        c.source.bytes.subscribe({ next: (b) => c.sink.write(b), complete: () => c.sink.end(), error: reject });
      },
      error: reject,
    });
  });
});
