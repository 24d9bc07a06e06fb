// 50 000 flights that were tampered with, to both roles: typed errors and nothing else. Keys of 512 bits, since the work with
// them is not what is tested; RXTLS_FORGE_RUNS changes the number.
import { TlsError } from '@rxtls/core/engine';
import fc from 'fast-check';
import t from 'tap';
import { forgeEngine } from '@rxtls/engine-forge';
import { End, joined, records, toText } from '../../packages/engine-forge/test/harness.ts';
import { credentials, short } from '../../packages/engine-forge/test/rsa-pki.ts';
import { part } from './byte-change.ts';

const runs = Math.ceil(Number(process.env['RXTLS_FORGE_RUNS'] ?? 50_000) / 2);
const seed = Number(process.env['RXTLS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
t.setTimeout(900_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same flights again`);

const root = short({ cn: 'short root', ca: true });
const legacy = { dangerouslyAllowLegacyVersions: true } as const;
const shared = { ...legacy, sessions: 'none' } as const;
const factories = {
  client: forgeEngine.client({
    ...shared,
    serverName: 'host.test',
    ca: root.pem,
    credentials: credentials(short({ issuer: root, usage: 'clientAuth' })),
  }),
  server: forgeEngine.server({
    ...shared,
    credentials: credentials(short({ issuer: root, dns: ['host.test'], usage: 'serverAuth' })),
    clientAuth: 'require',
    clientCa: root.pem,
  }),
};
type Role = keyof typeof factories;
const limits = { minRsaKeyBits: 512 };
const secret = 'never in clear text';
const data = 'plaintext that was authenticated'.repeat(20);

const make = (role: Role): End =>
  new End(factories[role], { seed: role === 'client' ? 1 : 2, limits, observed: false, wallClock: () => now });
const now = Date.now();

/** What each side sent in a whole connection, flight by flight. */
const flights = ((): Record<Role, Uint8Array[]> => {
  const ends = { client: make('client'), server: make('server') };
  const sent: Record<Role, Uint8Array[]> = { client: [], server: [] };
  const turn = (): void => {
    const [up, down] = [ends.client.take(), ends.server.take()];
    if (up.length > 0) sent.client.push(up);
    if (down.length > 0) sent.server.push(down);
    if (up.length > 0) ends.server.give(up);
    if (down.length > 0) ends.client.give(down);
  };
  for (let n = 0; n < 4; n++) turn();
  for (const end of [ends.client, ends.server]) end.send(data);
  turn();
  for (const end of [ends.client, ends.server]) end.engine?.sendCloseNotify();
  turn();
  t.ok(ends.client.closed && ends.server.closed, 'the connection that was recorded is whole');
  return sent;
})();

type Change =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly at: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'swap' | 'drop' | 'double' | 'split' | 'retype'; readonly at: number; readonly to: number };

/** Places near the start, where the structure is, are as likely as all the others. */
const place = fc.oneof(part(), part(0.1));
const few = fc.uint8Array({ minLength: 1, maxLength: 8 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constantFrom('set' as const, 'insert' as const), at: place, bytes: few }),
  fc.record({
    kind: fc.constantFrom('remove' as const, 'repeat' as const),
    at: place,
    length: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({
    kind: fc.constantFrom('swap' as const, 'drop' as const, 'double' as const, 'split' as const, 'retype' as const),
    at: place,
    to: place,
  }),
);

function changed(flight: Uint8Array, { at, ...change }: Change): Uint8Array {
  const index = Math.min(flight.length - 1, Math.floor(at * flight.length));
  const [head, tail] = [flight.slice(0, index), flight.slice(index)];
  if (change.kind === 'flip') return flight.map((byte, n) => (n === index ? byte ^ (1 << change.bit) : byte));
  if (change.kind === 'set') return joined([head, change.bytes, tail.slice(change.bytes.length)]);
  if (change.kind === 'insert') return joined([head, change.bytes, tail]);
  if (change.kind === 'remove') return joined([head, tail.slice(change.length)]);
  if (change.kind === 'repeat') return joined([head, tail.slice(0, change.length), tail]);
  if (change.kind === 'cut') return head;
  const units = records(flight);
  const one = Math.min(units.length - 1, Math.floor(at * units.length));
  const other = Math.min(units.length - 1, Math.floor(change.to * units.length));
  const unit = units[one] ?? new Uint8Array();
  if (change.kind === 'drop') units.splice(one, 1);
  else if (change.kind === 'double') units.splice(other, 0, unit);
  else if (change.kind === 'swap') [units[one], units[other]] = [units[other] ?? unit, unit];
  else if (change.kind === 'retype')
    units[one] = joined([Uint8Array.of(20 + Math.floor(change.to * 5)), unit.slice(1)]);
  else {
    const cut = Math.max(1, Math.floor(change.to * (unit.length - 5)));
    const part = (body: Uint8Array): Uint8Array =>
      joined([unit.slice(0, 3), Uint8Array.of(body.length >> 8, body.length & 255), body]);
    units.splice(one, 1, part(unit.slice(5, 5 + cut)), part(unit.slice(5 + cut)));
  }
  return joined(units);
}

for (const role of ['client', 'server'] as const) {
  const theirs = flights[role === 'client' ? 'server' : 'client'];
  t.test(`${role}: tampered flights give typed errors, no exception, no hang, no clear text`, async (t) => {
    const tally: Record<string, number> = {};
    const property = fc.property(
      // The first flight is read before any work with keys: most of what can be got wrong, at a tenth of the price.
      fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, { arbitrary: fc.nat(theirs.length - 1), weight: 1 }),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.oneof(fc.integer({ min: 40, max: 3_000 }), fc.constant(65_536)),
      (which, changes, chunk) => {
        const end = make(role);
        const wire: Uint8Array[] = [];
        const speak = (): void => {
          if (end.error === undefined && end.ready?.maySend === true) end.send(secret);
          wire.push(end.take());
        };
        speak();
        for (const [index, flight] of theirs.entries()) {
          const given = index === which ? changes.reduce(changed, flight) : flight;
          for (let at = 0; at < given.length; at += chunk) {
            if (end.error !== undefined || end.closed) break;
            end.give(given.subarray(at, at + chunk));
            speak();
          }
        }
        if (end.error === undefined && !end.closed) end.engine?.receiveEnd();
        end.engine?.destroy();
        const name = end.error?.name ?? (end.closed ? 'closed' : 'cut');
        tally[name] = (tally[name] ?? 0) + 1;
        if (end.error !== undefined && !(end.error instanceof TlsError)) throw new Error(`untyped: ${end.error}`);
        if (end.error === undefined && !end.closed && end.consumed !== end.given) throw new Error('not all consumed');
        if (!data.startsWith(end.text)) throw new Error('plaintext that nobody sent');
        if (end.plaintext.length > 0 && end.negotiated === undefined) throw new Error('plaintext before negotiated');
        if (toText(joined(wire)).includes(secret)) throw new Error('clear text on the wire');
      },
    );
    const outcome = fc.check(property, { numRuns: runs, seed });
    t.comment(JSON.stringify(tally));
    t.notOk(outcome.failed, fc.defaultReportMessage(outcome) ?? `${outcome.numRuns} flights`);
    t.equal(outcome.numRuns, runs);
  });
}
