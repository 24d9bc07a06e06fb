// Whose word counts when a connection and its wire end in the same moment: what the engine has said, and what the peer's bytes
// say that came before, are heard before the failure of the wire. Over a link that takes no time at all.
import { CertificateError } from '@rxtls/core/engine';
import t from 'tap';
import { Bench, bookkeeping, pattern, placeboEngine, record, securedPair, settled } from './bench.ts';

type Engine = Exclude<Parameters<typeof securedPair>[0], undefined>['engines'];
type Defer = ((run: () => void) => void) | undefined;

const refusal = (): CertificateError => new CertificateError('unknown-authority', 'nobody knows this authority');
const defers: Record<string, Defer> = {
  'in the call': undefined,
  'in a microtask': queueMicrotask,
  'in another turn': (run) => void setImmediate(run),
};
const versions = ['TLSv1.3', 'TLSv1.2'] as const;
const ways = {
  'the engine': { failAt: 'handshake', failWith: refusal },
  'the verify function': { verify: () => false },
  'the verify function, later': { verify: () => Promise.resolve(false) },
  core: { verification: 'expired' },
} as const;

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => void setImmediate(resolve));
};

/** Both ends' errors, when one of them refuses the other. */
async function refused(refuser: 'client' | 'server', engines: NonNullable<Engine>): Promise<[Bench, Bench]> {
  const { client, server } = securedPair({ engines });
  await turns();
  for (const side of [client, server]) {
    t.same(bookkeeping(side), []);
    t.equal(side.clock.pending, 0, 'no timer is left');
  }
  return refuser === 'client' ? [client, server] : [server, client];
}

for (const [client, clientDefers] of Object.entries(defers))
  for (const [server, serverDefers] of Object.entries(defers))
    t.test(
      `client answers ${client}, server ${server}: the refusing side has its reason, the other its alert`,
      async (t) => {
        const late = (defer: Defer) => (defer === undefined ? {} : { asynchronous: true, defer });
        for (const version of versions)
          for (const [way, how] of Object.entries(ways))
            for (const refuser of ['client', 'server'] as const) {
              const [ours, theirs] = await refused(refuser, [
                placeboEngine.client({ version, ...late(clientDefers), ...(refuser === 'client' && how) }),
                placeboEngine.server({ version, ...late(serverDefers), ...(refuser === 'server' && how) }),
              ]);
              const name = `${version}: ${way} of the ${refuser}`;
              t.match(ours.error, { name: 'CertificateError' }, `${name}: refuses`);
              t.match(theirs.error, { name: 'AlertReceivedError' }, `${name}: the peer`);
              t.equal(ours.connections, 0, name);
            }
      },
    );

t.test('a sink that breaks over the alert itself: the reason for the alert is the error', async (t) => {
  const breaks = (error: Error): Record<string, (bench: Bench) => void> => ({
    'write throws': () => {
      throw error;
    },
    'demand fails': ({ wire }) => wire.demand.fail(error),
    'bytes fail': ({ wire }) => wire.source.fail(error, true),
  });
  for (const [how, breaksNow] of Object.entries(breaks(new Error('EPIPE'))))
    for (const maxStepsPerTurn of [1, 100]) {
      const bench = new Bench().start(placeboEngine.client(ways['the engine']), { limits: { maxStepsPerTurn } });
      bench.wire.onWrite = () => breaksNow(bench);
      bench.handshake();
      bench.clock.to(10);
      t.match(bench.error, { name: 'CertificateError', reason: 'unknown-authority' }, how);
      t.equal(bench.wire.count('abort'), 1, how);
      t.equal(bench.clock.pending, 0, how);
    }
});

/** A client whose engine does what it was asked to when it is told to. */
async function byHand(options: Parameters<Bench['start']>[1] = {}): Promise<{ bench: Bench; work: () => boolean }> {
  const waiting: (() => void)[] = [];
  const work = (): boolean => {
    const run = waiting.shift();
    run?.();
    return run !== undefined;
  };
  const engine = placeboEngine.client({ asynchronous: true, defer: (run) => void waiting.push(run) });
  const bench = new Bench().start(engine, options);
  while (work());
  await settled();
  bench.handshake();
  while (work());
  await settled();
  t.equal(bench.connections, 1);
  return { bench, work };
}

const small = { limits: { readHighWater: 40, readLowWater: 10 }, read: false };

t.test('a wire that breaks before the turn in which an answer is heard: the answer is the error', async (t) => {
  for (const window of ['open', 'full'] as const)
    for (const broken of ['demand', 'bytes'] as const) {
      const { bench, work } = await byHand(small);
      if (window === 'full') bench.wire.give(record.applicationData(pattern(60)));
      while (work());
      await settled();
      bench.wire.source.request(1_000);
      bench.wire.give(record.alert('fatal', 'bad_certificate'));
      while (work()); // said, and not heard before the microtask
      if (broken === 'demand') bench.wire.demand.fail(new Error('reset'));
      else bench.wire.source.fail(new Error('reset'), false);
      await settled();
      t.equal(bench.wire.count('abort'), 1, 'at once');
      bench.clock.to(5_000); // nobody reads
      t.match(bench.error, { name: 'AlertReceivedError', alert: 'bad_certificate' }, `${window} ${broken}`);
      t.equal(bench.clock.pending, 0);
    }
});

t.test('a wire that broke is waited for no longer than closeTimeout without progress', async (t) => {
  for (const stuck of ['the engine', 'the reader'] as const) {
    const { bench, work } = await byHand(small);
    bench.wire.give(record.applicationData(pattern(60)), record.applicationData(pattern(60)));
    bench.wire.demand.fail(new Error('reset'));
    bench.clock.to(4_000);
    if (stuck === 'the reader')
      do await settled();
      while (work());
    // The window has filled since, and the engine holds back the rest.
    const from = stuck === 'the reader' ? 4_000 : 0;
    bench.clock.to(from + 4_999);
    t.equal(bench.wire.count('abort'), 0, stuck);
    bench.clock.to(from + 5_000);
    t.equal(bench.wire.count('abort'), 1, stuck);
    t.match(bench.error, { name: 'AbortedError', cause: { message: 'reset' } }, stuck);
    bench.subscription?.unsubscribe();
    t.equal(bench.clock.pending, 0, stuck);
  }
});
