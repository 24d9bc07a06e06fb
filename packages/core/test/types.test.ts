// Every program of the public face compiles and runs (placebo engine, memory transport), and what must not compile does not:
// the type check of this file fails at an `@ts-expect-error` that expects nothing.
import {
  byHello,
  type ByteDuplex,
  type ByteSink,
  type EngineSource,
  type Ledger,
  liveEngine,
  open,
  type Readiness,
  secure,
  secureEach,
  tls,
  type TlsConnection,
  use,
  whenSafe,
  type WriteAck,
} from '@rxtls/core';
import type { TlsEngineFactory, TlsEvent } from '@rxtls/core/engine';
import {
  concat,
  defer,
  EMPTY,
  lastValueFrom,
  NEVER,
  type Observable,
  type Observer,
  of,
  retry,
  Subject,
  timeout,
  toArray,
} from 'rxjs';
import t from 'tap';
import { type MemoryPair, memoryPair } from '../../transport-memory/src/index.ts';
import { ascii, placeboEngine, text } from './bench.ts';

const client = placeboEngine.client();
const server = placeboEngine.server();
const connect = (pair: MemoryPair): Observable<ByteDuplex> => concat(of(pair[0]), NEVER);
const listen = (...duplexes: readonly ByteDuplex[]): Observable<ByteDuplex> => concat(of(...duplexes), NEVER);
/** Never called: what is in here is for the compiler. */
const compiles = (program: () => unknown): unknown => program;

t.test('types: the literal form', async (t) => {
  const ciphertextIn = new Subject<Uint8Array>();
  const ciphertextOut = new Subject<Uint8Array>();
  const writes = of(ascii('x'));
  const plaintext: Observable<Uint8Array> = ciphertextIn.pipe(tls(client, { writes, ciphertextOut }));
  plaintext.subscribe().unsubscribe();
  compiles(() => {
    const sink: ByteSink = {} as ByteSink;
    const observer: Observer<Uint8Array> = ciphertextOut;
    ciphertextIn.pipe(tls(server, { ciphertextOut: sink }));
    ciphertextIn.pipe(
      tls(
        byHello(() => server),
        { ciphertextOut: observer, writes: [ascii('x')] },
      ),
    );
    // @ts-expect-error -- the port for the ciphertext is needed
    tls(client, { writes });
    // @ts-expect-error -- text is no bytes
    tls(client, { writes: ['x'], ciphertextOut });
    // @ts-expect-error -- ciphertext is bytes
    of('text').pipe(tls(client, { ciphertextOut }));
  });
  t.pass();
});

t.test('types: connections: timeout, use, toArray, retry(whenSafe)', async (t) => {
  const pair = memoryPair();
  const echo = listen(pair[1])
    .pipe(secureEach(server, (c) => c.writeFrom(c.source)))
    .subscribe();
  const answer = await lastValueFrom(
    connect(pair).pipe(
      secure(client),
      timeout({ first: 5_000 }),
      use((connection) => connection.exchange([ascii('request')], { halfClose: true })),
      toArray(),
      retry(whenSafe({ count: 3 })),
    ),
  );
  t.equal(text(...answer), 'request');
  echo.unsubscribe();
});

t.test('types: servers own their inner observables, and take nothing but servers', async (t) => {
  const pair = memoryPair();
  const echoed = listen(pair[1])
    .pipe(
      secureEach(server, (c) => c.writeFrom(c.source), {
        maxConcurrentHandshakes: 256,
        failed: ({ error, info }) => t.comment(error, info),
      }),
    )
    .subscribe();
  echoed.unsubscribe();
  compiles(() => {
    secureEach(
      byHello((hello) => (hello.serverName === 'a' ? server : undefined)),
      () => EMPTY,
    );
    secureEach(
      byHello((hello) => Promise.resolve(hello.alpnProtocols.includes('h2') ? server : server)),
      () => EMPTY,
    );
    secureEach(of(server), () => EMPTY);
    secureEach(Promise.resolve(server), () => EMPTY);
    secureEach(server, () => EMPTY, { failed: { next: ({ error }) => error } });
    // @ts-expect-error -- a client engine serves nobody
    secureEach(client, () => EMPTY);
    // @ts-expect-error -- nor does an observable of them
    secureEach(of(client), () => EMPTY);
    // @ts-expect-error -- byHello chooses servers
    byHello(() => client);
    // @ts-expect-error -- a misspelt option
    secureEach(server, () => EMPTY, { maxConcurentHandshakes: 1 });
    // @ts-expect-error -- byHello only where a server is wanted
    const clients: EngineSource<'client'> = byHello(() => server);
    const servers: EngineSource<'server'> = byHello(() => server);
    return [clients, servers];
  });
});

t.test('types: nesting is pipe, and only through what gives a duplex', async (t) => {
  const httpConnect =
    (authority: string) =>
    (source: Observable<ByteDuplex>): Observable<ByteDuplex> =>
      authority === '' ? EMPTY : source;
  const pair = memoryPair();
  const nested: Observable<TlsConnection> = connect(pair).pipe(
    secure(client),
    httpConnect('inner.example:443'),
    secure(client),
  );
  t.ok(nested);
  compiles(() => {
    const bytes = connect(pair).pipe(
      secure(client),
      use((c) => c.plaintext),
    );
    // @ts-expect-error -- plaintext is no duplex
    bytes.pipe(secure(client));
  });
});

t.test('types: options, observers and everything a connection has', async (t) => {
  const pair = memoryPair();
  const readiness = new Subject<Readiness>();
  const acks = new Subject<WriteAck>();
  const ledger = new Subject<Ledger>();
  const events = new Subject<TlsEvent>();
  const source = connect(pair).pipe(
    secure(client, {
      writes: [ascii('x')],
      observe: { readiness, acks, ledger, events },
      limits: { closeTimeout: 1_000, renegotiation: { max: 1 } },
      truncation: 'error',
      halfOpen: true,
    }),
  );
  t.ok(source);
  compiles(async () => {
    // @ts-expect-error -- no such value
    secure(client, { truncation: 'ignore' });
    // @ts-expect-error -- no such limit
    secure(client, { limits: { closeTimout: 5 } });
    // @ts-expect-error -- no engine
    secure({});
    await using connection = await open(source);
    const results: Observable<WriteAck> = connection.write(ascii('x'));
    // @ts-expect-error -- text has to be encoded
    connection.write('x');
    for (const input of [[ascii('x')], of(ascii('x')), Promise.resolve(ascii('x')), connection.source] as const)
      connection.writeFrom(input).subscribe((each: Ledger) => each.outstanding);
    connection.writeFrom(
      (async function* () {
        yield ascii('x');
      })(),
    );
    connection.writeFrom(new ReadableStream<Uint8Array>());
    // @ts-expect-error -- a chunk alone is no source: it would be an iterable of numbers
    connection.writeFrom(ascii('x'));
    const numbers: Observable<number> = connection.readEach((bytes) => [bytes.length]);
    const never: Observable<never>[] = [connection.close(), connection.closeWrite()];
    const back: Observable<ByteDuplex> = connection.unwrap();
    const duplex: ByteDuplex = connection;
    results.subscribe((ack) => {
      if (ack.type === 'sealed') return ack.records?.epoch;
      if (ack.type === 'refused') return ack.why;
      if (ack.type === 'lost') return ack.cause.safeToReplay;
      // @ts-expect-error -- only a lost one has a cause
      return ack.cause;
    });
    // @ts-expect-error -- read only
    connection.negotiated.version = 'TLSv1.2';
    return [numbers, never, back, duplex];
  });
});

t.test('types: live configuration keeps its role', async (t) => {
  const credentials = new Subject<{ readonly key: string }>();
  const live: Observable<TlsEngineFactory<'server'>> = liveEngine(credentials, () => server);
  t.ok(live);
  compiles(() => {
    secureEach(live, () => EMPTY);
    const clients = liveEngine(credentials, () => client);
    // @ts-expect-error -- of clients
    secureEach(clients, () => EMPTY);
    // @ts-expect-error -- a number is no engine
    liveEngine(credentials, () => 5);
  });
});

t.test('types: defer, repeat and the rest of RxJS fit around it', async (t) => {
  const attempts = defer(() => connect(memoryPair())).pipe(secure(client), retry({ count: 2, delay: 10 }));
  attempts.subscribe().unsubscribe();
  t.pass();
});
