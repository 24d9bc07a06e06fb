// A store of sessions belongs to the engine that made it: what is inside is no session to another.
import { forgeEngine, memorySessions as forgeSessions, type SessionStore } from '@rxtls/engine-forge';
import { memorySessions as nodeSessions, nodeEngine } from '@rxtls/engine-node';
import t from 'tap';
import { root } from '../../packages/engine-forge/test/rsa-pki.ts';

const options = { serverName: 'host.test', ca: root.pem } as const;
const engines = [
  {
    name: 'node',
    store: nodeSessions,
    client: (sessions: SessionStore) => nodeEngine.client({ ...options, sessions }),
  },
  {
    name: 'forge',
    store: forgeSessions,
    client: (sessions: SessionStore) =>
      forgeEngine.client({ ...options, sessions, dangerouslyAllowLegacyVersions: true }),
  },
];
const misuse = { name: 'ApiMisuseError' };

for (const { name, store, client } of engines)
  t.test(`${name}: sessions are kept in a store of its own, and its limit is a number`, async (t) => {
    t.ok(client(store({ max: 1 })));
    t.equal(store().size, 0);
    for (const other of engines.filter((each) => each.name !== name))
      t.throws(() => client(other.store()), misuse, `${other.name}'s store`);
    for (const max of [0, -1, 1.5, Number.NaN, '2' as unknown as number]) t.throws(() => store({ max }), misuse);
    t.throws(() => store(null as unknown as { max: number }), misuse);
    t.throws(() => store(5 as unknown as { max: number }), misuse);
  });
