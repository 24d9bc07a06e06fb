// A pool of `pg` over our engines, on a real PostgreSQL: many queries at once, large results both ways, backends that are killed.
import { createHash, randomBytes } from 'node:crypto';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import type { Pool } from 'pg';
import t, { type Test } from 'tap';
import { clientEngine, eventually, mebibyte, pki, sleep } from './ends.ts';
import { poolOver, postgresMissing, postgresServer } from './postgres.ts';

t.setTimeout(180_000);

const skip = postgresMissing === undefined ? {} : { skip: postgresMissing };
const seed = Number(process.env['RXTLS_SEED'] ?? randomBytes(4).readUInt32LE());
const hash = (algorithm: 'md5' | 'sha256', data: string | Uint8Array): string =>
  createHash(algorithm).update(data).digest('hex');

const engines = {
  node: () => clientEngine(),
  tls13: () => tls13Engine.client({ serverName: 'localhost', ca: pki.authorityPem }),
};

/** Numbers from 0 to 1, the same for the same seed. */
function random(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What pg_stat_activity says of the clients of this name. */
async function backends(pool: Pool, name: string): Promise<readonly { readonly pid: number; readonly ssl: boolean }[]> {
  const sql = 'SELECT a.pid, s.ssl FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) WHERE application_name = $1';
  return (await pool.query<{ pid: number; ssl: boolean }>(sql, [name])).rows;
}

const server = async (t: Test) => postgresServer(t, { credentials: await pki.leaf('ecdsa') });

for (const [name, engine] of Object.entries(engines)) {
  t.test(`${name}: a pool of 20, 10 000 queries, each with its own answer`, skip, async (t) => {
    const at = await server(t);
    const watch = poolOver(t, at, engine(), { max: 1 });
    const pool = poolOver(t, at, engine(), { max: 20, application_name: 'many' });
    const start = performance.now();
    let right = 0;
    let connected: Awaited<ReturnType<typeof backends>> = [];
    const asking = Array.from({ length: 10_000 }, async (_, n) => {
      const sql = 'SELECT $1::int AS n, md5($1::text) AS hash, repeat($2, $1 % 300) AS filler';
      const { rows } = await pool.query({ text: sql, values: [n, 'é'] });
      const [row] = rows;
      if (rows.length === 1 && row.n === n && row.hash === hash('md5', `${n}`) && row.filler === 'é'.repeat(n % 300))
        right++;
      if (n === 5_000) connected = await backends(watch, 'many');
    });
    await Promise.all(asking);
    t.equal(right, 10_000);
    t.equal(connected.length, 20, 'as many connections as there may be');
    t.ok(connected.every(({ ssl }) => ssl));
    t.same([pool.totalCount, pool.idleCount, pool.waitingCount], [20, 20, 0]);
    await pool.end();
    for (let n = 0; n < 100 && (await backends(watch, 'many')).length > 0; n++) await sleep(50);
    t.equal((await backends(watch, 'many')).length, 0, 'nothing is left open');
    t.same(pool.errors, []);
    t.comment(`${Math.round(performance.now() - start)} ms`);
  });

  t.test(`${name}: 20 MiB there and back, and 200 000 rows`, skip, async (t) => {
    const pool = poolOver(t, await server(t), engine(), { max: 2 });
    const sent = randomBytes(20 * mebibyte);
    const start = performance.now();
    const echo = 'SELECT $1::bytea AS back, encode(sha256($1::bytea), $2) AS hash';
    const digest =
      "SELECT md5(string_agg(n || ':' || md5(n::text), ',' ORDER BY n)) AS hash FROM generate_series(1, 200000) n";
    const [{ rows: large }, { rows: many }] = await Promise.all([
      pool.query<{ back: Buffer; hash: string }>(echo, [sent, 'hex']),
      pool.query<{ n: number; hash: string }>('SELECT n, md5(n::text) AS hash FROM generate_series(1, 200000) n'),
    ]);
    t.equal(large[0]!.hash, hash('sha256', sent), 'as the server has it');
    t.equal(hash('sha256', large[0]!.back), hash('sha256', sent), 'as it came back');
    const rows = many.map(({ n, hash }) => `${n}:${hash}`).join(',');
    t.equal(hash('md5', rows), (await pool.query<{ hash: string }>(digest)).rows[0]!.hash);
    t.comment(`${Math.round(performance.now() - start)} ms`);
  });

  t.test(`${name}: 50 backends are killed at random: no query hangs, and the pool recovers`, skip, async (t) => {
    t.comment(`RXTLS_SEED=${seed}`);
    const draw = random(seed);
    const at = await server(t);
    const watch = poolOver(t, at, engine(), { max: 1 });
    const pool = poolOver(t, at, engine(), { max: 10, application_name: 'killed' });
    const queries: readonly (readonly [sql: string, rows: number])[] = [
      ['SELECT 1', 1],
      ['SELECT pg_sleep(0.02)', 1],
      ['SELECT n, repeat(md5(n::text), 100) FROM generate_series(1, 500) n', 500],
    ];
    const failures: Error[] = [];
    let answered = 0;
    let isOver = false;
    const worker = async (): Promise<void> => {
      while (!isOver) {
        if (draw() < 0.5) await sleep(draw() * 30); // idle clients are killed too
        const [sql, count] = queries[Math.floor(draw() * queries.length)]!;
        try {
          const { rows } = await pool.query(sql);
          if (rows.length !== count) throw new Error(`${rows.length} rows of ${count}`);
          answered++;
        } catch (error) {
          failures.push(error as Error);
        }
      }
    };
    const working = Array.from({ length: 12 }, worker);
    let killed = 0;
    while (killed < 50) {
      await sleep(draw() * 40);
      const alive = await backends(watch, 'killed');
      const victim = alive[Math.floor(draw() * alive.length)];
      if (victim === undefined) continue;
      const { rows } = await watch.query('SELECT pg_terminate_backend($1) AS done', [victim.pid]);
      if (rows[0].done === true) killed++;
    }
    isOver = true;
    await Promise.all(working);
    const told = [...failures, ...pool.errors];
    t.ok(answered > 50, `${answered} were answered meanwhile`);
    t.ok(
      failures.length > 0 && told.length <= 50,
      `${failures.length} queries and ${pool.errors.length} idle clients failed`,
    );
    t.same(
      told
        .map(({ message }) => message)
        .filter((message) => !/administrator command|terminated unexpectedly/.test(message)),
      [],
    );
    const after = await Promise.all(Array.from({ length: 100 }, (_, n) => pool.query('SELECT $1::int AS n', [n])));
    t.ok(
      after.every(({ rows }, n) => rows[0].n === n),
      'all is well again',
    );
    t.equal(pool.waitingCount, 0);
    await pool.end();
    t.equal(watch.errors.length, 0);
  });

  t.test(
    `${name}: a backend that crashes takes every connection with it, as errors, and the pool recovers`,
    skip,
    async (t) => {
      const at = await server(t);
      const pool = poolOver(t, at, engine(), { max: 5, application_name: 'crashed' });
      const sleeping = Array.from({ length: 4 }, () => pool.query('SELECT pg_sleep(60)'));
      const [victim] = await backends(pool, 'crashed');
      process.kill(victim!.pid, 'SIGKILL');
      const outcomes = await Promise.allSettled(sleeping);
      t.same(
        outcomes.map(({ status }) => status),
        ['rejected', 'rejected', 'rejected', 'rejected'],
      );
      const names = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason.name as string);
      t.ok(
        names.every((name) => ['TruncationError', 'AbortedError'].includes(name)),
        names.join(),
      );
      let back = 0;
      t.ok(
        await eventually(
          () => (
            void pool.query('SELECT 1').then(
              () => back++,
              () => undefined,
            ),
            back > 0
          ),
        ),
      );
    },
  );
}
