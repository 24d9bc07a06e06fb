// openssl's client keeps one session on disk, and offers it to several of our servers and across rotations of their keys.
import { randomBytes } from 'node:crypto';
import { liveEngine, type TicketKeys } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { BehaviorSubject } from 'rxjs';
import t, { type Test } from 'tap';
import { credentials, only, pki, type Served, serve, type Version } from './ends.ts';
import { fileName } from './files.ts';
import { opensslMissing, sClient } from './openssl.ts';

t.setTimeout(60_000);

const skip = opensslMissing === undefined ? {} : { skip: opensslMissing };
const [first, second, third] = [1, 2, 3].map(() => new Uint8Array(randomBytes(48))) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const own = credentials(await pki.leaf('ecdsa'));
const policies = { none: {}, require: { clientAuth: 'require', clientCa: pki.authorityPem } } as const;
type Policy = keyof typeof policies;

const engines = [
  [
    'node',
    'TLSv1.2',
    (ticketKeys: TicketKeys, policy: Policy) =>
      nodeEngine.server({ credentials: own, ticketKeys, ...only('TLSv1.2'), ...policies[policy] }),
  ],
  [
    'node',
    'TLSv1.3',
    (ticketKeys: TicketKeys, policy: Policy) =>
      nodeEngine.server({ credentials: own, ticketKeys, ...only('TLSv1.3'), ...policies[policy] }),
  ],
  [
    'tls13',
    'TLSv1.3',
    (ticketKeys: TicketKeys, policy: Policy) =>
      tls13Engine.server({ credentials: own, ticketKeys, ...policies[policy] }),
  ],
] as const;

for (const [name, version, make] of engines) {
  /** A server whose keys the test rotates. */
  const machine = async (t: Test, policy: Policy): Promise<Served & { readonly keys: BehaviorSubject<TicketKeys> }> => {
    const keys = new BehaviorSubject<TicketKeys>({ current: first });
    const engine = liveEngine(keys, (ticketKeys) => make(ticketKeys, policy));
    const served = await serve(t, engine, {}, (connection) => connection.exchange([Buffer.from('hello from rxtls\n')]));
    return { ...served, keys };
  };
  /** One connection of s_client; whether our server has resumed its session. */
  async function visit(t: Test, to: Served, session: readonly string[], leaf?: 'client'): Promise<boolean> {
    const setup = { version: version as Version, ...(leaf !== undefined && { leaf }) };
    const program = await sClient(t, to.port, setup, session);
    // A session is on disk once the tickets have come, with the first bytes of the server.
    await program.says(/hello from rxtls/);
    const { resumed } = (await to.next()).negotiated;
    program.endInput();
    t.equal(await program.exited, 0, 'it ends well');
    t.match(program.text, resumed ? /^Reused, /m : /^New, /m);
    return resumed;
  }

  t.test(
    `S4 (${name}): openssl s_client, ${version}: a session resumes on two machines and across a rotation`,
    skip,
    async (t) => {
      const [one, other] = [await machine(t, 'none'), await machine(t, 'none')];
      const file = fileName(`rotation-${name}-${version}.pem`);
      t.equal(await visit(t, one, ['-sess_out', file]), false);
      t.equal(await visit(t, one, ['-sess_in', file]), true);
      t.equal(await visit(t, other, ['-sess_in', file]), true, 'the other machine');
      other.keys.next({ current: second, previous: [first] });
      t.equal(await visit(t, other, ['-sess_in', file]), true, 'after a rotation');
      one.keys.next({ current: third, previous: [second] });
      t.equal(await visit(t, one, ['-sess_in', file]), false, 'not when its key was dropped');
      const later = fileName(`later-${name}-${version}.pem`);
      t.equal(await visit(t, other, ['-sess_out', later]), false);
      t.equal(
        await visit(t, one, ['-sess_in', later]),
        true,
        'from the one that rotated first to the one that rotated twice',
      );
      t.same([...one.failures, ...other.failures], []);
    },
  );

  t.test(
    `S1 (${name}): openssl s_client, ${version}: a session made without a certificate resumes nowhere that wants one`,
    skip,
    async (t) => {
      const [open, strict] = [await machine(t, 'none'), await machine(t, 'require')];
      const file = fileName(`policy-${name}-${version}.pem`);
      t.equal(await visit(t, open, ['-sess_out', file], 'client'), false);
      t.equal(await visit(t, open, ['-sess_in', file], 'client'), true);
      t.equal(await visit(t, strict, ['-sess_in', file], 'client'), false);
      t.equal(strict.connections[0]?.negotiated.peer.verification, 'passed');
    },
  );

  t.test(
    `S3 (${name}): openssl s_client, ${version}: a client behind an intermediate is refused by no machine and no rotation`,
    skip,
    async (t) => {
      const [one, other] = [await machine(t, 'require'), await machine(t, 'require')];
      const file = fileName(`intermediate-${name}-${version}.pem`);
      t.equal(await visit(t, one, ['-sess_out', file], 'client'), false);
      t.equal(await visit(t, one, ['-sess_in', file], 'client'), true);
      const anywhere = name === 'tls13';
      t.equal(await visit(t, other, ['-sess_in', file], 'client'), anywhere, 'node: a ticket holds no intermediates');
      one.keys.next({ current: second, previous: [first] });
      t.equal(await visit(t, one, ['-sess_in', file], 'client'), anywhere, 'and the next factory has not seen them');
      for (const { negotiated } of [...one.connections, ...other.connections]) {
        t.equal(negotiated.peer.verification, 'passed');
        t.equal(negotiated.peer.chain.length, 3, 'leaf, intermediate, root');
      }
      t.same([...one.failures, ...other.failures], []);
    },
  );
}
