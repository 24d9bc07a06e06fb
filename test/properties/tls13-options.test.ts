// Random options on both sides: the two ends agree on the outcome, which is the one that the options mean. RXTLS_TLS13_OPTIONS
// (300) pairs of our TLS 1.3 with itself, and half as many with OpenSSL at either end.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import {
  AlertReceivedError,
  alertForError,
  type Limits,
  type TlsEngineFactory,
  type TlsHost,
  type TlsRole,
} from '@rxtls/core/engine';
import { randomSizes, testPki } from '@rxtls/testing';
import fc from 'fast-check';
import t from 'tap';
import { EnginePair } from '../../packages/testing/src/compliance/engine-pair.ts';
import type { EngineSide } from '../../packages/testing/src/compliance/engine-side.ts';
import { seed } from './search.ts';
import { type Forecast, forecast } from './tls13-forecast.ts';
import { clientChoice, clientOf, optionLeaves, serverChoice, serverOf, type Who } from './tls13-options.ts';

const runs = Number(process.env['RXTLS_TLS13_OPTIONS'] ?? 300);
t.setTimeout(600_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same options again`);
const pki = await testPki();
const leaves = await optionLeaves(pki);

const host = (limits: Limits): TlsHost => ({
  wallClock: () => Date.now(),
  monotonicClock: () => performance.now(),
  random: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
  limits,
});

interface Connection {
  readonly client: TlsEngineFactory<'client'>;
  readonly server: TlsEngineFactory<'server'>;
  readonly who: Readonly<Record<TlsRole, Who>>;
  readonly chunks: number;
}

/** One connection as far as it goes, with data both ways, new keys and a close. */
async function connect({ client, server, who, chunks }: Connection): Promise<EnginePair> {
  const pair = new EnginePair({
    client,
    server,
    host,
    chunking: randomSizes(chunks),
    quietTurns: who.client === who.server ? 2 : 24,
    patience: 10_000,
  });
  await pair.settle();
  if (!pair.sides.every((side) => side.maySend)) return pair;
  for (const side of pair.sides) {
    side.write(new Uint8Array(3_000).fill(side === pair.client ? 1 : 2));
    if (who[side.name as TlsRole] === 'tls13') side.actions.push('update-keys');
    side.write(Uint8Array.of(3));
  }
  await pair.settle();
  for (const side of pair.sides) side.actions.push('close');
  await pair.settle();
  return pair;
}

function opened(pair: EnginePair, expected: Extract<Forecast, { fails: false }>, isOurs: boolean): void {
  const [client, server] = pair.sides.map(({ name, negotiated, failures }) => {
    assert.deepEqual(failures, [], `${name}: ${String(failures[0])} ${String(failures[0]?.cause ?? '')}`);
    assert.ok(negotiated, `${name} negotiated`);
    return negotiated;
  });
  for (const side of pair.sides) {
    const mine = side === pair.client ? 2 : 1;
    assert.equal(side.received.length, 3_001, `all data came to the ${side.name}`);
    assert.ok(side.received.every((byte, at) => byte === (at < 3_000 ? mine : 3)));
    assert.ok(side.closeReceived, `close_notify came to the ${side.name}`);
  }
  for (const key of ['version', 'cipherSuite', 'alpnProtocol', 'serverName', 'resumed'] as const)
    assert.equal(client?.[key], server?.[key], `the same ${key}`);
  assert.equal(client?.alpnProtocol, expected.alpnProtocol);
  assert.equal(client?.serverName, expected.serverName);
  if (isOurs) {
    assert.equal(client?.cipherSuite, expected.cipherSuite);
    for (const negotiated of [client, server]) assert.equal(negotiated?.group, expected.group);
    assert.equal(client?.peer.chain.length === 0, expected.byKey);
  }
  assert.equal((server?.peer.chain.length ?? 0) > 0, expected.clientShows, 'the chain of the client');
}

function failed(
  pair: EnginePair,
  { fails, alerts }: Exclude<Forecast, { fails: false }>,
  who: Record<string, Who>,
): void {
  const side = pair[fails];
  const other = pair.other(side);
  const [error] = side.failures;
  assert.ok(error, `${fails} is to fail with ${alerts.join(' or ')}`);
  assert.equal(side.negotiated, undefined, `${fails} is not to negotiate`);
  if (who[fails] === 'openssl') return assert.ok(!isAlive(other), `${other.name} hears of it or never opens`);
  assert.ok(!(error instanceof AlertReceivedError), String(error));
  const alert = alertForError(error);
  assert.ok(alerts.includes(alert), `${alert} instead of ${alerts.join(' or ')}: ${error.message}`);
  const [heard] = other.failures;
  assert.ok(heard instanceof AlertReceivedError, `${other.name} hears of it, and has: ${String(heard)}`);
  assert.equal(heard.alert, alert, 'the same alert at both ends');
}

const isAlive = (side: EngineSide): boolean => side.failures.length === 0 && side.received.length > 0;

for (const [name, who, numRuns] of [
  ['tls13 to tls13', { client: 'tls13', server: 'tls13' }, runs],
  ['tls13 to openssl', { client: 'tls13', server: 'openssl' }, Math.ceil(runs / 2)],
  ['openssl to tls13', { client: 'openssl', server: 'tls13' }, Math.ceil(runs / 2)],
] as const)
  t.test(`${name}: both ends come to what their options mean`, async (t) => {
    const tally = { open: 0, resumed: 0, 'by key': 0, failed: 0 };
    const isOurs = who.client === who.server;
    const property = fc.asyncProperty(clientChoice, serverChoice, fc.nat(), async (one, other, chunks) => {
      const expected = forecast(one, other, who);
      const engines = {
        client: clientOf(who.client, one, pki.authorityPem, leaves),
        server: serverOf(who.server, other, pki.authorityPem, leaves),
        who,
        chunks,
      };
      const first = await connect(engines);
      if (expected.fails === false) opened(first, expected, isOurs);
      else failed(first, expected, who);
      for (const side of first.sides) side.assertKept();
      await first.finish();
      if (expected.fails !== false) {
        tally.failed++;
        return;
      }
      tally.open++;
      if (expected.byKey) tally['by key']++;
      const second = await connect(engines);
      opened(second, expected, isOurs);
      assert.equal(first.client.negotiated?.resumed, false);
      assert.equal(second.client.negotiated?.resumed, expected.mayResume, 'the second connection resumes');
      if (expected.mayResume) tally.resumed++;
      await second.finish();
    });
    const path = process.env['RXTLS_PATH'];
    const outcome = await fc.check(property, { numRuns, seed, ...(path !== undefined && { path }) });
    t.comment(JSON.stringify(tally));
    t.notOk(outcome.failed, fc.defaultReportMessage(outcome) ?? `${outcome.numRuns} pairs`);
    t.ok(
      tally.open > numRuns / 10 && tally.failed > numRuns / 10 && tally.resumed > 0,
      'every kind of outcome was there',
    );
  });
