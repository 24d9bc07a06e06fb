// Ticket keys as a stream, in virtual time; and how a server's option and a ClientHello are read.
import { type CredentialEvent, liveEngine, offeredTickets, rotatingTicketKeys, type TicketKeys } from '@rxtls/core';
import { ticketKeyProblem, ticketKeysOption } from '@rxtls/core/engine-parts';
import { placeboEngine } from './bench.ts';
import { combineLatest, firstValueFrom, Subject, take } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import t from 'tap';

const hour = 3_600_000;
const key = (seed: number): Uint8Array => Uint8Array.from({ length: 48 }, (_, at) => (at * 7 + seed) & 0xff);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const names = ({ current, previous = [] }: TicketKeys): string[] => [current, ...previous].map(hex);
const wiped = '00'.repeat(48);

/** Runs `test` in virtual time: `at(ms, step)` sets a step, which runs before what rotates at that moment. */
function inVirtualTime(test: (scheduler: TestScheduler, at: (time: number, step: () => void) => void) => void): void {
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(() => test(scheduler, (time, step) => scheduler.schedule(step, time)));
}

t.test(
  'S4 (node, tls13): rotatingTicketKeys: a random key at once, a new one every so often, old ones kept and then wiped',
  async (t) => {
    for (const keep of [undefined, 0, 1, 4] as const) {
      const kept = keep ?? 1;
      const seen: string[][] = [];
      const arrays: Uint8Array[] = [];
      inVirtualTime((scheduler, at) => {
        const keys = rotatingTicketKeys({ every: hour, ...(keep !== undefined && { keep }), scheduler });
        const subscription = keys.subscribe((each) => {
          seen.push(names(each));
          arrays.push(each.current);
        });
        t.equal(seen.length, 1, 'the first one within subscribe');
        at(6 * hour + 1, () => {
          t.equal(seen.length, 7);
          t.same(
            arrays.map((array) => hex(array) === wiped),
            arrays.map((_, index) => index < arrays.length - 1 - kept),
            'those that dropped out are wiped, and no other',
          );
          subscription.unsubscribe();
          t.ok(
            arrays.every((array) => hex(array) === wiped),
            'and all of them in the end',
          );
        });
      });
      t.equal(seen.length, 7, 'and no more after the end');
      const all = seen.map(([current]) => current);
      t.equal(new Set(all).size, 7, 'no key comes twice');
      for (const [index, [, ...previous]] of seen.entries())
        t.same(previous, all.slice(Math.max(0, index - kept), index).reverse(), 'the newest first');
      for (const each of all) t.equal(ticketKeyProblem(Buffer.from(each ?? '', 'hex')), undefined);
    }
  },
);

t.test(
  'rotatingTicketKeys: each subscription draws its own; whoever unsubscribes in next is told nothing more',
  async (t) => {
    inVirtualTime((scheduler, at) => {
      const keys = rotatingTicketKeys({ every: hour, scheduler });
      const first: string[] = [];
      const second: string[] = [];
      const both = keys.subscribe((each) => first.push(hex(each.current)));
      both.add(keys.subscribe((each) => second.push(hex(each.current))));
      let once = 0;
      keys.pipe(take(1)).subscribe(() => once++);
      let twice = 0;
      const stops = keys.subscribe(() => {
        if (++twice === 2) stops.unsubscribe();
      });
      at(3 * hour + 1, () => {
        both.unsubscribe();
        t.equal(new Set([...first, ...second]).size, 8);
        t.equal(once, 1);
        t.equal(twice, 2);
      });
    });
    // What was lent is not kept: whoever holds it past the end has no key, and a factory says so.
    const late = await firstValueFrom(rotatingTicketKeys({ every: hour }));
    t.throws(() => ticketKeysOption(late, () => undefined), { name: 'ApiMisuseError', message: /one byte repeated/ });
  },
);

t.test('rotatingTicketKeys with liveEngine: a new factory for each key and for each certificate', async (t) => {
  const credentials = new Subject<string>();
  const asked: [string, string][] = [];
  const events: CredentialEvent[] = [];
  inVirtualTime((scheduler, at) => {
    const ticketKeys = rotatingTicketKeys({ every: hour, scheduler });
    const engine = liveEngine(
      combineLatest({ credentials, ticketKeys }),
      (options) => {
        asked.push([options.credentials, names(options.ticketKeys).join(' ')]);
        ticketKeysOption(options.ticketKeys, () => undefined);
        return placeboEngine.server();
      },
      { events: { next: (event) => events.push(event) } },
    );
    const subscription = engine.subscribe();
    at(1, () => credentials.next('old'));
    at(hour + 1, () => credentials.next('new'));
    at(2 * hour + 1, () => subscription.unsubscribe());
  });
  t.same(
    asked.map(([name]) => name),
    ['old', 'old', 'new', 'new'],
  );
  t.equal(asked[1]?.[1], asked[2]?.[1], 'a new certificate leaves the keys');
  t.ok(asked[3]?.[1].endsWith(asked[2]?.[1].split(' ')[0] ?? '-'));
  t.ok(events.every(({ type }) => type === 'swapped'));
});

t.test('rotatingTicketKeys: options that make no sense are refused at once', async (t) => {
  for (const options of [
    undefined,
    null,
    {},
    ...[0, 999, -hour, Number.NaN, Number.POSITIVE_INFINITY, 1_000.5, 7 * 24 * hour + 1, '1000', null].map((every) => ({
      every,
    })),
    ...[-1, 5, 0.5, Number.NaN, '1', null].map((keep) => ({ every: hour, keep })),
    { every: hour, scheduler: {} },
    { every: hour, scheduler: null },
  ])
    t.throws(
      () => rotatingTicketKeys(options as unknown as { every: number }),
      { name: 'ApiMisuseError', message: /^rotatingTicketKeys: / },
      JSON.stringify(options),
    );
});

t.test('S4 (node, tls13): ticketKeys: what is no key is refused, and no message holds a byte of one', async (t) => {
  const bare = (): string | undefined => undefined;
  const zeros = new Uint8Array(48);
  const half = key(1);
  half.fill(9, 16, 32);
  const wrong: [unknown, RegExp][] = [
    ['x'.repeat(48), /^ticketKeys must be 48 random bytes, or \{ current, previous \}$/],
    [0, /^ticketKeys must be 48/],
    [[key(1)], /^ticketKeys needs an object/],
    [{}, /^ticketKeys\.current must be 48 random bytes$/],
    [{ current: [...key(1)] }, /^ticketKeys\.current must be 48/],
    [{ current: key(1).subarray(1) }, /^ticketKeys\.current must be 48/],
    [{ current: new Uint8Array(49).map((_, at) => at) }, /^ticketKeys\.current must be 48/],
    [{ current: zeros }, /^ticketKeys\.current must be random: one byte repeated is no key$/],
    [{ current: key(1).fill(7) }, /^ticketKeys\.current must be random/],
    [{ current: half }, /^ticketKeys\.current must be random/],
    [{ current: key(1), previous: key(2) }, /^ticketKeys\.previous must be a list of at most 4 keys$/],
    [{ current: key(1), previous: [2, 3, 4, 5, 6].map(key) }, /^ticketKeys\.previous must be a list of at most 4/],
    [{ current: key(1), previous: [key(2), zeros] }, /^ticketKeys\.previous\[1\] must be random/],
    [{ current: key(1), previous: [key(2), undefined] }, /^ticketKeys\.previous\[1\] must be 48/],
    [{ current: key(1), previous: [key(1)] }, /^ticketKeys holds one key twice/],
    [{ current: key(1), previous: [key(2), key(2)] }, /^ticketKeys holds one key twice/],
    [{ current: key(1), previous: null }, /previous must not be null/],
    [{ current: key(1), next: key(2) }, /^ticketKeys has no option "next"/],
  ];
  for (const [value, message] of wrong)
    t.throws(() => ticketKeysOption(value, bare), { name: 'ApiMisuseError', message });
  t.throws(() => ticketKeysOption(key(1), () => 'must be better'), { message: 'ticketKeys must be better' });
  t.equal(ticketKeysOption(undefined, bare), undefined);
  const mine = { current: key(1), previous: [key(2), key(3), key(4), key(5)] };
  const read = ticketKeysOption(mine, bare);
  for (const each of [mine.current, ...mine.previous]) each.fill(0);
  t.same(
    read?.map(hex),
    [1, 2, 3, 4, 5].map((seed) => hex(key(seed))),
    'copies, the current one first',
  );
  t.same(ticketKeysOption(key(6), bare)?.map(hex), [hex(key(6))]);
});

const u16 = (value: number): number[] => [value >> 8, value & 255];
const vector = (bytes: readonly number[]): number[] => [...u16(bytes.length), ...bytes];
/** A ClientHello with these extensions. */
function hello(extensions: readonly (readonly [number, readonly number[]])[] | undefined): Uint8Array {
  const list = extensions?.flatMap(([type, data]) => [...u16(type), ...vector(data)]);
  const body = [3, 3, ...Array<number>(32).fill(1), 0, ...vector([0x13, 1]), 1, 0, ...(list ? vector(list) : [])];
  return Uint8Array.from([1, 0, ...u16(body.length), ...body]);
}
const psk = (...identities: (readonly number[])[]): readonly [number, number[]] => [
  41,
  [...vector(identities.flatMap((identity) => [...vector(identity), 0, 0, 0, 9])), ...vector([2, 5, 5])],
];

t.test(
  'offeredTickets: the identities and the session ticket of a hello, bounded, and nothing of a malformed one',
  async (t) => {
    const offered = (message: Uint8Array, max = 4): number[][] =>
      offeredTickets({ message }, max).map((ticket) => [...ticket]);
    t.same(offered(hello(undefined)), []);
    t.same(
      offered(
        hello([
          [0, []],
          [35, []],
        ]),
      ),
      [],
      'an empty session_ticket asks for one',
    );
    t.same(
      offered(
        hello([
          [10, [0, 2, 0, 29]],
          [35, [1, 2, 3]],
        ]),
      ),
      [[1, 2, 3]],
    );
    t.same(offered(hello([[35, [4]], psk([1], [2, 2])])), [[1], [2, 2], [4]]);
    t.same(offered(hello([psk([1], [2], [3], [4], [5], [6])])), [[1], [2], [3], [4]]);
    t.same(offered(hello([[35, [9]], psk([1], [2])]), 1), [[1]]);
    const good = hello([[35, [7, 7]], psk([1, 2, 3], [4])]);
    for (let length = 0; length < good.length; length++)
      t.same(offered(good.subarray(0, length)), [], `cut at ${length}`);
    t.same(offered(hello([[41, [0, 0]]])), [], 'no identities');
    t.same(offered(hello([[41, [0, 9, 0, 9, 1]]])), [], 'an identity longer than the list');
    t.same(offered(hello([[41, vector([0, 0, 0, 0, 0, 0, 0])]])), [], 'an empty identity');
  },
);
