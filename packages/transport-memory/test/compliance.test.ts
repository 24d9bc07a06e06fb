import type { ByteDuplex } from '@rxtls/core';
import { type MemoryPairOptions, memoryPair } from '@rxtls/transport-memory';
import { asapScheduler, BehaviorSubject, distinctUntilChanged, map, Observable, share, tap } from 'rxjs';
import t from 'tap';
import { type TransportPair, transportCompliance } from '../../testing/src/transport-compliance.ts';

const bound = 512 * 1024;

function open(options?: MemoryPairOptions, change: (duplex: ByteDuplex) => Partial<ByteDuplex> = () => ({})) {
  return async (): Promise<TransportPair> => {
    const [a, b] = memoryPair(options);
    return { a: { ...a, ...change(a) }, b: { ...b, ...change(b) }, close: () => a.sink.abort() };
  };
}

const links: Record<string, MemoryPairOptions> = {
  'a plain link': {},
  'a link in pieces': { aToB: { fragment: [1, 5, 300, 20_000] }, bToA: { fragment: 1_460 } },
  'a link that takes a turn': { aToB: { delay: 0 }, bToA: { delay: 0 }, scheduler: asapScheduler },
};

for (const [name, options] of Object.entries(links)) {
  t.test(name, (t) => {
    for (const promise of transportCompliance({ bound, pair: open(options) })) {
      t.test(promise.name, () => promise.run());
    }
    t.end();
  });
}

t.test('what a wire cannot do is left out when the options say so, and nothing else', async (t) => {
  const names = (options: object): string[] =>
    transportCompliance({ pair: open(), ...options }).map(({ name }) => name);
  const without = (options: object): string[] => names({}).filter((name) => !names(options).includes(name));
  t.match(without({ backPressure: false }), [/a producer that follows demand stays bounded/]);
  t.equal(without({ backPressure: false }).length, 1);
  t.equal(without({ halfClose: false }).length, 2);
});

/** Transports that break one promise each, with words of the case that must notice. */
const broken: [what: string, notices: RegExp, change: (duplex: ByteDuplex) => Partial<ByteDuplex>][] = [
  [
    'emits without credit',
    /without credit/,
    ({ source }) => {
      source.request(Number.POSITIVE_INFINITY);
      return {};
    },
  ],
  [
    'forgets a debt of credit',
    /overshot by at most one chunk/,
    ({ source }) => ({ source: { bytes: source.bytes, request: (bytes) => source.request(bytes + 1_000) } }),
  ],
  [
    'loses what comes while nobody is subscribed',
    /successive subscribers|bytes wait/,
    ({ source }) => {
      const shared = source.bytes.pipe(share());
      shared.subscribe({ error: () => {} });
      return { source: { bytes: shared, request: (bytes) => source.request(bytes) } };
    },
  ],
  [
    'damages what is put back',
    /unread puts bytes in front/,
    (duplex) => ({ unread: (bytes) => duplex.unread(bytes.map((byte) => byte ^ 1)) }),
  ],
  [
    'keeps the array it emitted',
    /receiver’s own/,
    ({ source }) => ({
      source: {
        request: (bytes) => source.request(bytes),
        bytes: new Observable((subscriber) => {
          let last = new Uint8Array(0);
          return source.bytes
            .pipe(
              map((bytes) => {
                const same = bytes.map((byte, index) => byte ^ (last[index] === 0xee ? 1 : 0));
                last = same;
                return same;
              }),
            )
            .subscribe(subscriber);
        }),
      },
    }),
  ],
  [
    'says demand a turn late',
    /already lowered when write returns/,
    ({ sink }) => {
      const late = new BehaviorSubject(0);
      sink.demand.subscribe({
        next: (demand) => void setTimeout(() => late.next(demand)),
        error: (error) => late.error(error),
      });
      late.next(256 * 1024);
      return { sink: { ...sink, demand: late.pipe(distinctUntilChanged()) } };
    },
  ],
  [
    'has endless demand',
    /stays bounded/,
    ({ sink }) => ({ sink: { ...sink, demand: sink.demand.pipe(map((demand) => demand + 64 * 1024)) } }),
  ],
  [
    'counts what was written as taken',
    /taken is replayed|not taken twice/,
    ({ sink }) => {
      const taken = new BehaviorSubject(0);
      const write = (bytes: Uint8Array): void => {
        sink.write(bytes);
        taken.next(taken.value + bytes.length + 1);
      };
      return { sink: { ...sink, write, taken } };
    },
  ],
  ['ends both directions at once', /the other goes on/, ({ sink }) => ({ sink: { ...sink, end: () => sink.abort() } })],
  ['aborts like an end', /an abort is a cut/, ({ sink }) => ({ sink: { ...sink, abort: () => sink.end() } })],
  [
    'throws when it is written to after the end',
    /after end does nothing/,
    ({ sink }) => {
      let ended = false;
      const write = (bytes: Uint8Array): void => {
        if (ended) throw new Error('write after end');
        sink.write(bytes);
      };
      const end = (): void => {
        ended = true;
        sink.end();
      };
      return { sink: { ...sink, write, end } };
    },
  ],
  [
    'swaps two writes',
    /order and content/,
    ({ sink }) => {
      let held: Uint8Array | undefined;
      const write = (bytes: Uint8Array): void => {
        if (bytes.length !== 7) return sink.write(bytes);
        if (held) for (const chunk of [bytes, held]) sink.write(chunk);
        held = held ? undefined : bytes;
      };
      return { sink: { ...sink, write } };
    },
  ],
  [
    'lets two subscribers in',
    /second subscriber/,
    ({ source }) => ({
      source: { request: (bytes) => source.request(bytes), bytes: source.bytes.pipe(tap(), share()) },
    }),
  ],
];

t.test('the suite notices a transport that', async (t) => {
  for (const [what, notices, change] of broken) {
    const failures: string[] = [];
    const suspects = transportCompliance({ bound, timeout: 300, pair: open({}, change) });
    for (const promise of suspects.filter(({ name }) => notices.test(name))) {
      await promise.run().catch(() => failures.push(promise.name));
    }
    t.ok(failures.length > 0, what);
  }
});
