import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import t from 'tap';
import { checkMachine } from './check-machine.ts';
import { SoakUsageError, soakSettings } from './soak-settings.ts';

t.test('without a word everything is done, in full', async (t) => {
  const { parts, ...sizes } = soakSettings([], {});
  t.same([...parts], ['memory', 'connections', 'rotation', 'forged']);
  t.same(sizes, { seconds: 60, short: 10_000, long: 1_000, plans: 200_000 });
});

t.test('parts by name, sizes by the environment', async (t) => {
  const { parts, short, long } = soakSettings(['rotation'], { RXTLS_SOAK_SHORT: '200', RXTLS_SOAK_LONG: '50' });
  t.same([[...parts], short, long], [['rotation'], 200, 50]);
});

t.test('what is no size, and no part, is said in one line', async (t) => {
  for (const name of ['SECONDS', 'SHORT', 'LONG', 'PLANS'])
    for (const value of ['0', '-1', '1.5', '1e3', 'many', ' ', '99999999999'])
      t.throws(() => soakSettings([], { [`RXTLS_SOAK_${name}`]: value }), {
        constructor: SoakUsageError,
        message: new RegExp(`^RXTLS_SOAK_${name} must be a whole number from 1 to \\d+, and it is '${value}'$`),
      });
  t.throws(() => soakSettings(['all'], {}), {
    message: "there is no part 'all': there are memory, connections, rotation, forged",
  });
});

t.test('a machine that is too small is told before anything is begun', async (t) => {
  const ample = { descriptors: 4_096, ports: 28_232, areReused: false };
  t.doesNotThrow(() => checkMachine(10_000, 1_000, 32, ample));
  t.doesNotThrow(() => checkMachine(1_000_000, 1_000, 32, { ...ample, areReused: true }));
  t.throws(() => checkMachine(10_000, 1_000, 32, { ...ample, descriptors: 1_024 }), {
    constructor: SoakUsageError,
    message: /^1000 long connections need 2264 file descriptors, and this process may open 1024: .*ulimit -n 2264/,
  });
  t.throws(() => checkMachine(30_000, 1_000, 32, ample), {
    constructor: SoakUsageError,
    message: /^31032 local ports are needed, and the system gives 28232: .*RXTLS_SOAK_SHORT/,
  });
});

t.test('the program: one line and exit 2', async (t) => {
  const main = resolve(import.meta.dirname, 'main.ts');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=rxtls:source', '--import', '@oxc-node/core/register', main, 'rotation'],
    { env: { ...process.env, RXTLS_SOAK_LONG: 'many' }, encoding: 'utf8', timeout: 60_000 },
  );
  t.same([status, stdout], [2, '']);
  t.equal(stderr, "error: RXTLS_SOAK_LONG must be a whole number from 1 to 100000, and it is 'many'\n");
});
