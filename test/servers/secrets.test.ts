// Row K4 for servers: whatever of a server's can be printed, logged or observed holds no key and no plaintext.
import { inspect } from 'node:util';
import { randomBytes } from 'node:crypto';
import { type CredentialEvent, liveEngine, type TlsEvent } from '@rxtls/core';
import { Subject } from 'rxjs';
import t from 'tap';
import { until } from '../rules-node/bench.ts';
import { kits, type Pair } from './kits.ts';
import { echoes, served } from './served.ts';

const words = 'the plaintext that nobody may show';

/** Bytes in any form that they are printed in, but for spaces: hexadecimal, base64, a list of numbers. */
function holds(text: string, secret: Uint8Array): boolean {
  const packed = text.replaceAll(/\s+/g, '');
  const bytes = Buffer.from(secret);
  return [bytes.toString('hex'), bytes.toString('base64'), bytes.join(',')].some((form) => packed.includes(form));
}

for (const kit of kits)
  t.test(`K4 (${kit.name}): nothing that a server can show holds a key, a ticket key or a plaintext`, async (t) => {
    const good = await kit.issue();
    const shown: string[] = [];
    const show = (what: unknown): void => {
      shown.push(inspect(what, { depth: 12, showHidden: true, maxArrayLength: 10_000, breakLength: Infinity }));
      shown.push(JSON.stringify(what, (_, value) => (typeof value === 'bigint' ? `${value}` : value)) ?? '');
      if (what instanceof Error) shown.push(String(what), what.stack ?? '');
    };
    const ticketKeys = randomBytes(48);
    const credentials = new Subject<Pair>();
    const told: CredentialEvent[] = [];
    const events: TlsEvent[] = [];
    const live = liveEngine(
      credentials,
      (pair) => {
        const factory = kit.server({ credentials: pair }, { ticketKeys });
        show(factory);
        return factory;
      },
      { events: { next: (event) => told.push(event) } },
    );
    const server = served(t, live, { observe: { events: { next: (event) => events.push(event) } } });
    const waiting = server.arrive(kit.client());
    credentials.next(good);
    credentials.next({ cert: kit.pki.authorityPem, key: good.key });
    credentials.next({ cert: good.cert, key: good.key.slice(0, good.key.length / 2) });
    const first = await waiting.met();
    t.ok(await echoes(first, words));
    show(server.connections[0]);
    show(server.connections[0]!.negotiated);
    // A cut in the middle of it, and a client that hears of no certificate it trusts.
    first.write(words);
    waiting.link.aToB.cut('error');
    await server.arrive(kit.client({ ca: kit.pki.otherAuthorityPem })).met();
    await until(() => server.failures.length === 2, 'both failures');
    for (const { error } of server.failures) show(error);
    for (const event of [...told, ...events]) show(event);
    for (const event of told) if ('error' in event) show(event.error);
    t.same(
      told.map(({ type }) => type),
      ['swapped', 'rejected', 'rejected'],
    );
    t.notOk(
      events.some(({ type }) => type === 'keylog'),
      'nobody has asked for a key log',
    );

    const all = shown.join('\n');
    t.ok(all.length > 2_000, 'something is shown');
    t.notOk(all.includes('nobody may show'));
    const [, body] = /-----BEGIN[^\n]*\n([^]*?)-----END/.exec(good.key)!;
    const lines = body!.trim().split('\n').slice(1);
    t.ok(lines.length > 0);
    for (const line of lines) t.notOk(all.includes(line), 'no line of the key');
    const key = Buffer.from(body!, 'base64').subarray(40, 64);
    t.notOk(holds(all, key), 'nor its bytes');
    t.notOk(holds(all, ticketKeys.subarray(16)), 'nor a ticket key');
    for (const ticketKey of [ticketKeys, new Uint8Array(ticketKeys), new Uint8Array(ticketKeys).buffer])
      t.ok(holds(inspect({ ticketKey }), ticketKeys.subarray(16)), 'which would be seen');
    t.ok(holds(JSON.stringify({ ticketKeys }), ticketKeys.subarray(16)));
  });
