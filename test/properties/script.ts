// A script is data: a link, two ends, and what is done to them step by step. Every failure prints one; a found one is kept
// in regressions.test.ts.
import fc from 'fast-check';

export type EndName = 'client' | 'server';

/** "As much as there is", in a script that is to be printed and pasted. */
export const everything = 1_000_000_000;

export type Action =
  | { readonly do: 'write'; readonly end: EndName; readonly sizes: readonly number[] }
  | { readonly do: 'writeFrom'; readonly end: EndName; readonly sizes: readonly number[]; readonly slow: boolean }
  /** The slow sources give their next chunk. */
  | { readonly do: 'pull'; readonly end: EndName }
  | { readonly do: 'stopWriteFrom'; readonly end: EndName }
  | { readonly do: 'updateKeys'; readonly end: EndName }
  | { readonly do: 'closeWrite'; readonly end: EndName }
  | { readonly do: 'close'; readonly end: EndName }
  | { readonly do: 'unsubscribe'; readonly end: EndName }
  | { readonly do: 'read'; readonly end: EndName; readonly as: 'nobody' | 'credit' | 'endless' }
  | { readonly do: 'grant'; readonly end: EndName; readonly bytes: number }
  /** What this end may hand to the link from now on. */
  | { readonly do: 'starve'; readonly end: EndName; readonly bytes: number }
  /** What this end has sent stays on the link; and goes on. */
  | { readonly do: 'stall'; readonly end: EndName }
  | { readonly do: 'release'; readonly end: EndName }
  /** What this end sends arrives in pieces of this size. */
  | { readonly do: 'fragment'; readonly end: EndName; readonly bytes: number }
  | { readonly do: 'cut'; readonly end: EndName; readonly as: 'end' | 'error' }
  | { readonly do: 'advance'; readonly ms: number };

export type Occasion = 'connected' | 'plaintext' | 'ack' | 'ledger' | 'readiness' | 'event';

/** What is done from inside a handler, at its nth call. */
export interface Trigger {
  readonly on: Occasion;
  readonly end: EndName;
  readonly nth: number;
  readonly action: Action;
}

export interface EndSetup {
  readonly halfOpen: boolean;
  /** The `writes` option: nothing, a subject that `write` steps push into until there is a connection, or a list that is written and then closed. */
  readonly writes: 'none' | 'subject' | { readonly list: readonly number[] };
  readonly read: 'nobody' | 'credit' | 'endless';
  readonly observeEvents: boolean;
  readonly limits: 'default' | 'small' | 'tiny';
  /** How many renegotiations this end begins or allows; 0 refuses them. */
  readonly renegotiations: number;
  /** A user function before the connection is verified. */
  readonly verify: 'none' | 'sync' | 'promise';
}

export interface LinkSetup {
  readonly capacity: number;
  readonly fragment: number;
  readonly delay?: number;
  readonly coalesce?: number;
  /** The wire breaks after so many bytes that this end has sent, in the middle of a record for example. */
  readonly cut?: { readonly end: EndName; readonly bytes: number; readonly as: 'end' | 'error' };
}

export interface Script {
  readonly asynchronous: false | 'microtask' | 'timer';
  readonly version: 'TLSv1.3' | 'TLSv1.2';
  readonly roundTrips: number;
  readonly tickets: number;
  readonly maxRecordBytes: number;
  readonly lazyKeyUpdates: boolean;
  readonly link: LinkSetup;
  readonly client: EndSetup;
  readonly server: EndSetup;
  readonly steps: readonly Action[];
  readonly triggers: readonly Trigger[];
}

const end: fc.Arbitrary<EndName> = fc.constantFrom('client', 'server');

/** Mostly small, sometimes at a boundary, seldom large. */
const size: fc.Arbitrary<number> = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 2_048, 16_383, 16_384, 16_385, 32_768, 65_536) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 70 * 1_024 }) },
);
const sizes = fc.array(size, { minLength: 1, maxLength: 4 });
const readAs = fc.constantFrom<'nobody' | 'credit' | 'endless'>('nobody', 'credit', 'endless');
const pieces = fc.constantFrom(1, 2, 3, 5, 7, 16, 100, 1_000, 16_389, everything);

const harmless: readonly fc.WeightedArbitrary<Action>[] = [
  { weight: 12, arbitrary: fc.record({ do: fc.constant('write'), end, sizes }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('writeFrom'), end, sizes, slow: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pull'), end }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('updateKeys'), end }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read'), end, as: readAs }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('grant'), end, bytes: fc.constantFrom(0, 1, 10, 500, 20_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('starve'), end, bytes: fc.constantFrom(0, 0, 1, 50, 5_000, everything) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stall'), end }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release'), end }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fragment'), end, bytes: pieces }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(0, 0, 1, 5, 30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('closeWrite'), end }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close'), end }) },
];
const rough: readonly fc.WeightedArbitrary<Action>[] = [
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe'), end }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stopWriteFrom'), end }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut'), end, as: fc.constantFrom('end', 'error') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(1_000, 4_999, 5_001, 10_001) }) },
];
const action: fc.Arbitrary<Action> = fc.oneof(...harmless, ...rough);
const harmlessAction: fc.Arbitrary<Action> = fc.oneof(...harmless);

const trigger: fc.Arbitrary<Trigger> = fc.record({
  on: fc.constantFrom<Occasion>('connected', 'plaintext', 'ack', 'ledger', 'readiness', 'event'),
  end,
  nth: fc.integer({ min: 1, max: 8 }),
  action,
});

const endSetup = (renegotiations: fc.Arbitrary<number>): fc.Arbitrary<EndSetup> =>
  fc.record({
    halfOpen: fc.boolean(),
    writes: fc.oneof(
      { weight: 6, arbitrary: fc.constant('none' as const) },
      { weight: 2, arbitrary: fc.constant('subject' as const) },
      { weight: 1, arbitrary: fc.record({ list: sizes }) },
    ),
    read: readAs,
    observeEvents: fc.boolean(),
    limits: fc.constantFrom('default', 'small', 'tiny'),
    renegotiations,
    verify: fc.constantFrom('none', 'none', 'none', 'sync', 'promise'),
  });

const link: fc.Arbitrary<LinkSetup> = fc.record(
  {
    capacity: fc.constantFrom(1, 10, 300, 20_000, 262_144, 262_144),
    fragment: pieces,
    delay: fc.constantFrom(0, 1, 7),
    coalesce: fc.constantFrom(0, 2),
  },
  { requiredKeys: ['capacity', 'fragment'] },
);

const cut = fc.record({
  end,
  bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 5_000 })),
  as: fc.constantFrom<'end' | 'error'>('end', 'error'),
});
const maybeCutLink: fc.Arbitrary<LinkSetup> = fc.oneof(
  { weight: 4, arbitrary: link },
  { weight: 1, arbitrary: fc.tuple(link, cut).map(([one, cut]) => ({ ...one, cut })) },
);

export interface ScriptKind {
  readonly version: Script['version'];
  readonly asynchronous: readonly Script['asynchronous'][];
  readonly maxSteps: number;
}

/** Half of the scripts do nothing that may end a connection uncleanly: of those more is demanded. */
export function scripts({ version, asynchronous, maxSteps }: ScriptKind): fc.Arbitrary<Script> {
  const most = fc.oneof(
    { weight: 4, arbitrary: fc.constant(3) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
  );
  const of = (
    one: fc.Arbitrary<Action>,
    triggers: fc.Arbitrary<Trigger>,
    link: fc.Arbitrary<LinkSetup>,
  ): fc.Arbitrary<Script> =>
    fc.record({
      asynchronous: fc.constantFrom(...asynchronous),
      version: fc.constant(version),
      roundTrips: fc.integer({ min: 1, max: 3 }),
      tickets: fc.constantFrom(0, 0, 1, 3),
      maxRecordBytes: fc.constantFrom(1, 7, 100, 1_000, 16_384, 16_384),
      lazyKeyUpdates: fc.boolean(),
      link,
      client: endSetup(most),
      server: endSetup(most),
      steps: fc.array(one, { minLength: 5, maxLength: maxSteps }),
      triggers: fc.array(triggers, { maxLength: 3 }),
    });
  const harmlessTrigger = fc.tuple(trigger, harmlessAction).map(([one, action]) => ({ ...one, action }));
  return fc.oneof(of(harmlessAction, harmlessTrigger, link), of(action, trigger, maybeCutLink));
}
