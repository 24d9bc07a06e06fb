// The ClientHello: read, chosen by, compared with; and engines that follow their configuration.
import { byHello, type CredentialEvent, liveEngine, secure, secureEach } from '@rxtls/core';
import {
  ApiMisuseError,
  type ClientHello,
  ClientHelloReader,
  defaultLimits,
  type Limits,
  TlsError,
  type TlsEngineFactory,
} from '@rxtls/core/engine';
import { concat, NEVER, of, Subject, throwError } from 'rxjs';
import t from 'tap';
import { ascii, Bench, Clock, haunted, joined, placeboEngine, record, settled, Wire } from './bench.ts';

const u16 = (value: number): number[] => [value >> 8, value & 255];
const list8 = (...bytes: number[]): number[] => [bytes.length, ...bytes];
const list16 = (...bytes: number[]): number[] => [...u16(bytes.length), ...bytes];
const extension = (type: number, ...body: number[]): number[] => [...u16(type), ...list16(...body)];
const letters = (text: string): number[] => Array.from(ascii(text));
const sni = (name: string): number[] => extension(0, ...list16(0, ...list16(...letters(name))));
const alpn = (...names: string[]): number[] =>
  extension(16, ...list16(...names.flatMap((name) => list8(...letters(name)))));

/** A handshake message with these extensions. */
const hello = (...extensions: number[]): Uint8Array => {
  const body = [
    3,
    3,
    ...Array.from({ length: 32 }, () => 7),
    ...list8(1, 2),
    ...list16(0x13, 1, 0x13, 2),
    ...list8(0),
    ...list16(...extensions),
  ];
  return Uint8Array.from([1, 0, ...u16(body.length), ...body]);
};
const whole = hello(
  ...sni('Shop.Example'),
  ...alpn('h2', 'http/1.1'),
  ...extension(43, ...list8(3, 4, 3, 3)),
  ...extension(10, ...list16(0, 29, 0, 23)),
  ...extension(13, ...list16(4, 3)),
);
const inRecords = (message: Uint8Array, size = 16_384): Uint8Array => {
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += size)
    records.push(record.record('handshake', message.subarray(at, at + size)));
  return joined(records);
};
const read = (bytes: Uint8Array, chunk = bytes.length, limits: Partial<Limits> = {}): ClientHello | undefined => {
  const reader = new ClientHelloReader({ ...defaultLimits, ...limits });
  for (let at = 0; at < bytes.length; at += chunk) {
    const found = reader.receive(bytes.subarray(at, at + chunk));
    if (found !== undefined) return found;
  }
  return undefined;
};
const failure = (run: () => unknown): { name: string; alert?: string; limit?: string } | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as { name: string };
  }
};

t.test('client-hello: everything that choosing needs, in any chunking and fragmentation', async (t) => {
  for (const fragment of [16_384, 1, 7])
    for (const chunk of [100_000, 1, 3, 5, 6])
      t.match(
        read(inRecords(whole, fragment), chunk),
        {
          serverName: 'shop.example',
          alpnProtocols: ['h2', 'http/1.1'],
          supportedVersions: [0x0304, 0x0303],
          supportedGroups: [29, 23],
          signatureSchemes: [0x0403],
          cipherSuites: [0x1301, 0x1302],
          extensions: [0, 16, 43, 10, 13],
          legacyVersion: 0x0303,
        },
        `records of ${fragment} in chunks of ${chunk}`,
      );
  const bare = read(inRecords(hello()));
  t.same([bare?.serverName, bare?.alpnProtocols, bare?.supportedVersions], [undefined, [], [0x0303]]);
  t.same(read(inRecords(whole))?.message, whole);
});

t.test(
  'client-hello: every truncation waits, and every truncation that claims to be whole is a decode_error',
  async (t) => {
    const wire = inRecords(whole);
    for (let length = 0; length < wire.length; length++) t.equal(read(wire.subarray(0, length)), undefined);
    for (let length = 4; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      cut.set([0, ...u16(length - 4)], 1);
      const error = failure(() => read(inRecords(cut)));
      if (error !== undefined)
        t.match(error, { name: 'PeerMisbehavedError', alert: 'decode_error' }, `cut at ${length}`);
      else t.equal(length, 4 + 2 + 32 + 3 + 6 + 2, 'only the cut before the extensions is a ClientHello');
    }
  },
);

t.test('client-hello: every one-byte mutation is a value, a wait or a typed error', async (t) => {
  const wire = inRecords(whole, 50);
  const outcomes = { value: 0, wait: 0, error: 0 };
  for (let at = 0; at < wire.length; at++)
    for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255, 85]) {
      const bytes = wire.slice();
      bytes[at]! ^= mask;
      try {
        outcomes[read(bytes, 11) === undefined ? 'wait' : 'value']++;
      } catch (error) {
        outcomes.error++;
        if (!(error instanceof TlsError)) t.fail(`byte ${at} xor ${mask}: ${String(error)}`);
        if (String(error).length > 300) t.fail('a message holds little of the peer');
      }
    }
  t.ok(outcomes.value > 0 && outcomes.error > 0, JSON.stringify(outcomes));
});

t.test('client-hello: repeated extensions, impossible names and lists', async (t) => {
  const cases: Record<string, [number[], string]> = {
    'an extension twice': [[...sni('a'), ...sni('a')], 'illegal_parameter'],
    'an unknown extension twice': [[...extension(9_999), ...extension(9_999)], 'illegal_parameter'],
    'an empty server_name': [extension(0), 'illegal_parameter'],
    'two host names': [extension(0, ...list16(0, ...list16(97), 0, ...list16(98))), 'illegal_parameter'],
    'a NUL in the name': [sni('good.example\0.evil'), 'illegal_parameter'],
    'a space in the name': [sni('a b'), 'illegal_parameter'],
    'a newline in the name': [sni('a\nb'), 'illegal_parameter'],
    'a name beyond ASCII': [sni('ü'), 'illegal_parameter'],
    'a name of 256 bytes': [sni('a'.repeat(256)), 'illegal_parameter'],
    'an empty name': [extension(0, ...list16(0, ...list16())), 'decode_error'],
    'bytes after the names': [extension(0, ...list16(0, ...list16(97)), 1), 'decode_error'],
    'an empty protocol': [alpn(''), 'decode_error'],
    'an empty protocol list': [extension(16, ...list16()), 'decode_error'],
    'an odd list of versions': [extension(43, ...list8(3, 4, 3)), 'decode_error'],
    'no versions': [extension(43, ...list8()), 'decode_error'],
    'half an extension': [[0, 10, 0], 'decode_error'],
  };
  for (const [name, [extensions, alert]] of Object.entries(cases))
    t.match(
      failure(() => read(inRecords(hello(...extensions)))),
      { name: 'PeerMisbehavedError', alert },
      name,
    );
  t.equal(read(inRecords(hello(...sni('a'.repeat(255)))))?.serverName?.length, 255);
  t.equal(
    read(inRecords(hello(...extension(0, ...list16(7, ...list16(1, 2), 0, ...list16(97))))))?.serverName,
    'a',
    'types we do not know are passed over',
  );
});

t.test('limits: maxClientHelloBytes, maxClientHelloWireBytes, maxClientHelloRecords', async (t) => {
  const padded = hello(...extension(21, ...Array.from({ length: 3_000 }, () => 0)));
  t.ok(read(inRecords(padded)));
  t.match(
    failure(() => read(inRecords(padded), 10, { maxClientHelloBytes: 3_000 })),
    { name: 'LimitExceededError', limit: 'maxClientHelloBytes', alert: 'decode_error' },
  );
  t.match(
    failure(() => read(inRecords(padded, 1), 10, { maxClientHelloWireBytes: 10_000 })),
    { limit: 'maxClientHelloWireBytes' },
  );
  t.match(
    failure(() => read(inRecords(padded, 10), 10, { maxClientHelloRecords: 100 })),
    { limit: 'maxClientHelloRecords' },
  );
  t.equal(
    failure(() => read(inRecords(padded, 1))),
    undefined,
    'one-byte fragments work within the defaults',
  );
});

t.test('client-hello: what is no handshake record, or no ClientHello, has its own error', async (t) => {
  const cases: [Uint8Array, object][] = [
    [record.record('applicationData', [1]), { alert: 'unexpected_message' }],
    [record.record('alert', [2, 40]), { alert: 'unexpected_message' }],
    [record.record('handshake', []), { alert: 'unexpected_message' }],
    [record.finished(), { alert: 'unexpected_message' }],
    [Uint8Array.of(22, 3, 1, 64, 1), { alert: 'record_overflow' }],
    [
      joined([record.record('handshake', whole.subarray(0, 9)), record.record('alert', [1, 0])]),
      { alert: 'unexpected_message' },
    ],
    [ascii('GET / HTTP/1.1'), { name: 'NotTlsError' }],
    [Uint8Array.of(22, 2, 0, 0, 1), { name: 'NotTlsError' }],
  ];
  for (const [bytes, expected] of cases)
    for (const chunk of [1, bytes.length])
      t.match(
        failure(() => read(bytes, chunk)),
        expected,
      );
});

// ── choosing by it ─────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 11: before there is an engine core writes the alert itself: the bytes on the wire', async (t) => {
  const server = placeboEngine.server();
  const good = record.clientHello({ version: 'TLSv1.3', serverName: 'a' });
  const cases: [string, () => unknown, Uint8Array, number][] = [
    ['unknown name', () => undefined, good, 112],
    [
      'throw',
      () => {
        throw new Error('x');
      },
      good,
      80,
    ],
    ['two values', () => of(server, server), good, 80],
    ['an empty list', () => [], good, 80],
    ['a list of two', () => [server, server], good, 80],
    ['no observable', () => 7 as never, good, 80],
    ['nothing', () => of(), good, 80],
    ['late', () => NEVER, good, 40],
    ['malformed', () => server, inRecords(hello(...extension(16, 9))), 50],
    ['repeated extension', () => server, inRecords(hello(...sni('a'), ...sni('a'))), 47],
  ];
  for (const [name, select, bytes, number] of cases) {
    const bench = new Bench().start(byHello(select as never));
    bench.wire.give(bytes);
    await settled();
    if (name === 'late') bench.clock.to(5_000);
    t.same(joined(bench.wire.out), Uint8Array.of(21, 3, 3, 0, 2, 2, number), name);
    t.ok(bench.error instanceof TlsError);
    t.same(bench.wire.calls.slice(1), ['end', 'abort']);
  }
});

t.test('rule 11: values, promises and observables of one engine are all taken; it gets every byte', async (t) => {
  const server = placeboEngine.server();
  const hellos: ClientHello[] = [];
  for (const answer of [server, Promise.resolve(server), of(server)]) {
    const bench = new Bench().start(byHello((hello) => (hellos.push(hello), answer)));
    const bytes = record.clientHello({ version: 'TLSv1.3', serverName: 'A.Example', alpnProtocols: ['h2'] });
    for (const byte of bytes) bench.wire.give(Uint8Array.of(byte));
    bench.wire.give(record.finished().subarray(0, 3));
    await settled();
    bench.wire.give(record.finished().subarray(3));
    t.equal(bench.connections, 1);
    t.same(
      bench.events.flatMap((event) => (event.type === 'handshake' ? [event.step] : [])),
      ['client-hello', 'admitted', 'negotiated'],
    );
  }
  t.match(hellos[0], { serverName: 'a.example', alpnProtocols: ['h2'] });
});

t.test('rule 11: what the engine negotiated must be what the hello said', async (t) => {
  const factory = placeboEngine.server({ alpnProtocols: ['h2'] });
  const lying = (lie: object) =>
    Object.assign(
      (...[sink, host]: Parameters<typeof factory>) =>
        factory(haunted(sink, { negotiated: (parameters) => sink.negotiated({ ...parameters, ...lie }) }), host),
      { role: factory.role, capabilities: factory.capabilities },
    );
  for (const [lie, isFine] of [
    [{}, true],
    [{ serverName: 'A.EXAMPLE' }, true],
    [{ serverName: 'b.example' }, false],
    [{ serverName: undefined }, false],
    [{ alpnProtocol: 'http/1.1' }, false],
  ] as const) {
    const bench = new Bench().start(byHello(() => lying(lie)));
    bench.wire.give(
      record.clientHello({ version: 'TLSv1.3', serverName: 'a.example', alpnProtocols: ['h2'] }),
      record.finished(),
    );
    t.equal(bench.connections, isFine ? 1 : 0, JSON.stringify(lie));
    if (!isFine) t.match(bench.error, { name: 'EngineFailureError' });
  }
});

t.test(
  'byHello: a transport that ends while the choice is made, and a choice that comes too late for it',
  async (t) => {
    const choice = new Subject<TlsEngineFactory<'server'>>();
    const bench = new Bench().start(byHello(() => choice));
    bench.wire.give(record.clientHello({ version: 'TLSv1.3' }));
    bench.wire.source.complete();
    t.match(bench.error, { name: 'TruncationError' });
    t.equal(choice.observed, false);
    t.equal(bench.clock.pending, 0);
    t.throws(() => byHello(null as never), ApiMisuseError);
  },
);

// ── live configuration ─────────────────────────────────────────────────────────────────────────────────────────────────

t.test('liveEngine: the latest serves the next connection; a handshake in flight keeps its own (K1)', async (t) => {
  const credentials = new Subject<string>();
  const events: CredentialEvent[] = [];
  const project = (name: string): TlsEngineFactory<'server'> => {
    if (name === 'bad') throw new Error('key and certificate do not match');
    return placeboEngine.server({ alpnProtocols: [name] });
  };
  const engine = liveEngine(credentials, project, { events: { next: (event) => events.push(event) } });
  const listener = new Subject<Wire['duplex']>();
  const protocols: (string | undefined)[] = [];
  const subscription = listener
    .pipe(
      secureEach(engine, ({ negotiated }) => (protocols.push(negotiated.alpnProtocol), NEVER), {
        scheduler: new Clock(),
      }),
    )
    .subscribe();
  const begin = (): Wire => {
    const wire = new Wire();
    listener.next(wire.duplex);
    wire.give(record.clientHello({ version: 'TLSv1.3', alpnProtocols: ['one', 'two', 'three'] }));
    return wire;
  };
  const early = begin();
  t.equal(early.written, 0, 'no engine yet: it waits');
  credentials.next('one');
  early.give(record.finished());
  const inFlight = begin();
  credentials.next('two');
  inFlight.give(record.finished());
  begin().give(record.finished());
  credentials.next('bad');
  begin().give(record.finished());
  credentials.error(new Error('the watcher died'));
  begin().give(record.finished());
  t.same(protocols, ['one', 'one', 'two', 'two', 'two']);
  t.match(events, [
    { type: 'swapped', generation: 1 },
    { type: 'swapped', generation: 2 },
    { type: 'rejected', error: { message: /do not match/ } },
    { type: 'rejected', error: { message: /watcher died/ } },
  ]);
  subscription.unsubscribe();
});

t.test('engine sources: promise, observable, none at all, error first, not an engine; let go at the end', async (t) => {
  const server = placeboEngine.server();
  const client = placeboEngine.client();
  const byPromise = new Bench().start(Promise.resolve(client));
  await settled();
  t.equal(byPromise.handshake().connections, 1);
  for (const [source, name] of [
    [of() as never, 'ApiMisuseError'],
    [throwError(() => new Error('x')), 'EngineFailureError'],
    [of('no engine' as never), 'ApiMisuseError'],
    [Promise.reject(new Error('x')), 'EngineFailureError'],
  ] as const) {
    const bench = new Bench().start(source as never);
    await settled();
    t.match(bench.error, { name }, name);
    t.equal(bench.wire.count('abort'), 1);
    t.equal(bench.clock.pending, 0);
  }
  const live = new Subject<TlsEngineFactory<'server'>>();
  const bench = new Bench().start(live);
  t.ok(live.observed);
  bench.clock.to(10_000);
  t.match(bench.error, { name: 'HandshakeTimeoutError' }, 'an engine that never comes');
  t.notOk(live.observed);
  for (const wrong of [undefined, {}, 5, 'engine', () => server])
    t.throws(() => secure(wrong as never), ApiMisuseError);
  concat(of(new Wire().duplex), NEVER).pipe(secure(server)).subscribe().unsubscribe();
});
