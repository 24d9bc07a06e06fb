// Tickets of tls13Engine across factories ("machines") with equal keys, and across a rotation of the keys; by both providers.
import { memorySessions, type Tls13ServerOptions, tls13Engine } from '@rxtls/engine-tls13/node';
import { tls13Engine as nobleEngine } from '@rxtls/engine-tls13/noble';
import t from 'tap';
import { issue, now } from '../../packages/engine-tls13/test/certificate-pki.ts';
import {
  both,
  client,
  clientLeaf,
  credentials,
  End,
  type EndOptions,
  hostLeaf,
  root,
  seededBytes,
} from '../../packages/engine-tls13/test/ends.ts';
import { readClientHello } from '../../packages/engine-tls13/src/handshake/read-client-hello.ts';

const day = 24 * 3_600_000;
const [first, second, third] = [1, 2, 3].map((seed) => seededBytes(seed)(48)) as [Uint8Array, Uint8Array, Uint8Array];
const intermediate = issue({ cn: 'intermediate', issuer: root, ca: true });
const behind = issue({ issuer: intermediate, dns: ['client.test'], usage: ['clientAuth'] });
const require = { clientAuth: 'require', clientCa: root.pem } as const;

type Options = Partial<Tls13ServerOptions>;
const providers = {
  node: (options: Options) => tls13Engine.server({ credentials: credentials(hostLeaf), ...options }),
  noble: (options: Options) => nobleEngine.server({ credentials: credentials(hostLeaf), ...options }),
};
const serverOf = providers.node;
const clientOf = (options = {}) => client({ sessions: memorySessions(), ...options });

function meet(mine: ReturnType<typeof client>, theirs: ReturnType<typeof serverOf>, at = now): string {
  const end: EndOptions = { wallClock: () => at };
  const { client: c, server: s } = both({ client: mine, server: theirs }, { client: end, server: end });
  return `${c.negotiated?.resumed ?? c.error?.name} ${s.negotiated?.resumed ?? s.error?.name}`;
}

/** The name of the key that the next connection's ticket is sealed under; the ticket is taken out of the store. */
function keyName(factory: ReturnType<typeof client>, at = now): string | undefined {
  const end = new End(factory, { wallClock: () => at });
  const identity = readClientHello(end.take().subarray(9)).psks?.identities[0]?.identity;
  end.engine.destroy();
  return identity && Buffer.from(identity.subarray(0, 16)).toString('hex');
}

t.test("S4 (tls13): servers with equal keys resume one another's sessions, on either provider", async (t) => {
  const keys = [first, { current: first }, { current: first, previous: [second] }];
  for (const [from, made] of Object.entries(providers))
    for (const [to, resumes] of Object.entries(providers))
      for (const one of keys)
        for (const other of [...keys, { current: third, previous: [second, first] }]) {
          const mine = clientOf();
          if (meet(mine, made({ ticketKeys: one })) !== 'false false') t.fail('a first connection');
          t.equal(meet(mine, resumes({ ticketKeys: other })), 'true true', `${from} to ${to}`);
        }
  const stranger = clientOf();
  meet(stranger, serverOf({ ticketKeys: first }));
  t.equal(meet(stranger, serverOf({ ticketKeys: { current: second, previous: [third] } })), 'false false');
});

t.test('S4 (tls13): machines whose clocks differ by seconds resume what was made a moment ago', async (t) => {
  const visit = (mine: ReturnType<typeof client>, behindBy: number) => {
    const { client: c, server: s } = both(
      { client: mine, server: serverOf({ ticketKeys: { current: first } }) },
      { client: { wallClock: () => now }, server: { wallClock: () => now - behindBy } },
    );
    return `${c.negotiated?.resumed} ${s.negotiated?.resumed}`;
  };
  for (const [behindBy, expected] of [
    [1, 'true true'],
    [9_000, 'true true'],
    [60_000, 'false false'],
  ] as const) {
    const mine = clientOf();
    t.equal(visit(mine, 0), 'false false');
    t.equal(visit(mine, behindBy), expected, `${behindBy} ms behind`);
  }
});

t.test('S4 (tls13): a ticket resumes under a previous key, and not when that was dropped', async (t) => {
  const before = serverOf({ ticketKeys: { current: first } });
  const rotated = serverOf({ ticketKeys: { current: second, previous: [first] } });
  const dropped = serverOf({ ticketKeys: { current: third, previous: [second] } });
  const mine = clientOf();
  meet(mine, before);
  t.equal(meet(mine, rotated), 'true true');
  const late = clientOf();
  meet(late, before);
  t.equal(meet(late, dropped), 'false false');
  t.equal(meet(late, dropped), 'true true');
});

t.test(
  'S4 (tls13): a resumption brings tickets under the current key, for seven days from the full handshake',
  async (t) => {
    const before = serverOf({ ticketKeys: { current: first } });
    const rotated = serverOf({ ticketKeys: { current: second, previous: [first] } });
    const dropped = serverOf({ ticketKeys: { current: third, previous: [second] } });
    const sessions = memorySessions();
    const mine = clientOf({ sessions });
    meet(mine, before);
    const old = keyName(mine);
    t.match(old, /^[0-9a-f]{32}$/);
    t.equal(meet(mine, rotated, now + day), 'true true');
    const renewed = keyName(mine, now + day);
    t.match(renewed, /^[0-9a-f]{32}$/);
    t.not(renewed, old);
    sessions.clear();
    meet(mine, before);
    meet(mine, rotated, now + day);
    sessions.clear();
    // Day by day: the chain goes on from key to key, and ends where the first full handshake is seven days old.
    meet(mine, before);
    const keys = Array.from({ length: 9 }, (_, at) => seededBytes(100 + at)(48));
    const outcomes = keys.map((current, at) =>
      meet(
        mine,
        serverOf({ ticketKeys: { current, previous: [keys[at - 1] ?? first] } }),
        now + (at + 1) * day - 5_000,
      ),
    );
    t.same(outcomes.slice(0, 7), Array(7).fill('true true'));
    t.equal(outcomes[7], 'false false', 'seven days');
    t.equal(outcomes[8], 'true true', 'a new full handshake, a new chain');
    t.equal(meet(clientOf(), dropped), 'false false');
  },
);

t.test('S1 (tls13): another policy resumes nothing, under any of its keys', async (t) => {
  const policies: Options[] = [
    {},
    require,
    { ...require, clientAuth: 'request' },
    { alpnProtocols: ['a'] },
    { serverNames: { 'host.test': credentials(hostLeaf) } },
  ];
  for (const [made, from] of policies.entries())
    for (const [offered, to] of policies.entries())
      for (const key of [first, second]) {
        const mine = clientOf({ credentials: credentials(clientLeaf), alpnProtocols: ['a'] });
        meet(mine, serverOf({ ...from, ticketKeys: key }));
        const expected = made === offered ? 'true true' : 'false false';
        const ticketKeys = { current: second, previous: [first] };
        t.equal(meet(mine, serverOf({ ...to, ticketKeys })), expected, `policy ${made} at ${offered}`);
      }
});

t.test('S3 (tls13): a client behind an intermediate resumes anywhere: its chain is in the ticket', async (t) => {
  const mine = clientOf({ credentials: credentials(behind, intermediate) });
  t.equal(meet(mine, serverOf({ ...require, ticketKeys: { current: first } })), 'false false');
  t.equal(meet(mine, serverOf({ ...require, ticketKeys: { current: first } })), 'true true');
  t.equal(meet(mine, serverOf({ ...require, ticketKeys: { current: second, previous: [first] } })), 'true true');
});

t.test('S4 (tls13): in the new form every key has 48 bytes; the bare one is as it was', async (t) => {
  for (const ticketKeys of [{ current: seededBytes(1)(32) }, { current: first, previous: [seededBytes(1)(64)] }])
    t.throws(() => serverOf({ ticketKeys }), { name: 'ApiMisuseError', message: /must be 48 random bytes/ });
  for (const length of [32, 48, 64]) {
    const ticketKeys = seededBytes(9)(length);
    const mine = clientOf();
    const one = serverOf({ ticketKeys });
    ticketKeys.fill(0);
    meet(mine, one);
    t.equal(meet(mine, serverOf({ ticketKeys: seededBytes(9)(length) })), 'true true', `${length} bytes, copied`);
  }
});
