// The engine contract over node-forge, at every chunking: forge at both ends, and each role of it with OpenSSL at the other.
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { forgeEngine } from '@rxtls/engine-forge';
import { nodeEngine } from '@rxtls/engine-node';
import { engineCompliance, testPki } from '@rxtls/testing';
import t from 'tap';
import { End } from '../../packages/engine-forge/test/harness.ts';

t.setTimeout(300_000);

const pki = await testPki({ keys: 'rsa' }); // node-forge reads no other keys
const { certificatePem: cert, keyPem: key } = await pki.leaf('rsa');
const legacy = { dangerouslyAllowLegacyVersions: true } as const;
// What OpenSSL has to be told before it speaks to node-forge.
const openssl = { ...legacy, ciphers: 'AES128-SHA:@SECLEVEL=0' };
const identity = { serverName: 'server.test', ca: pki.authorityPem, sessions: 'none' } as const;
const forge = {
  client: forgeEngine.client({ ...legacy, ...identity }),
  server: forgeEngine.server({ ...legacy, credentials: { cert, key } }),
};

/** A client that starts no renegotiation: OpenSSL can, but forge's server refuses it (R14), which no capability of one side says. */
const nodeClient = ((): TlsEngineFactory<'client'> => {
  const node = nodeEngine.client({ ...openssl, ...identity, minVersion: 'TLSv1', maxVersion: 'TLSv1' });
  const make = (...given: Parameters<typeof node>): ReturnType<typeof node> => node(...given);
  return Object.assign(make, { role: node.role, capabilities: { ...node.capabilities, keyUpdate: [] } });
})();

const suites = [
  ...engineCompliance({
    ...forge,
    title: 'forge, TLSv1',
    expect: { version: 'TLSv1', serverName: 'server.test' },
  }),
  ...engineCompliance({
    title: 'forge client and node server, TLSv1.1',
    client: forge.client,
    server: nodeEngine.server({
      ...openssl,
      credentials: { cert, key },
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
    }),
    expect: { version: 'TLSv1.1', serverName: 'server.test' },
  }),
  ...engineCompliance({
    title: 'node client and forge server, TLSv1',
    client: nodeClient,
    server: forge.server,
    expect: { version: 'TLSv1', serverName: 'server.test' },
  }),
];
for (const { name, run } of suites) t.test(name, () => run());

t.test('what these versions cannot do is declared, and is not there', async (t) => {
  for (const factory of [forge.client, forge.server]) {
    const { role, capabilities } = factory;
    t.match(capabilities, { alpn: false, halfClose: [], keyUpdate: [], clientAuth: true, resumption: true }, role);
    t.same(capabilities.versions, role === 'client' ? ['TLSv1.1', 'TLSv1'] : ['TLSv1']);
    const { engine } = new End(factory);
    t.ok(engine);
    t.notOk(engine !== undefined && 'updateKeys' in engine, 'no key update');
    t.notOk(engine !== undefined && 'exportKeyingMaterial' in engine, 'no exporter');
  }
  const alpn = { alpnProtocols: ['h2'] };
  t.throws(() => forgeEngine.client({ ...legacy, ...identity, ...alpn }), /has no option "alpnProtocols"/);
  t.throws(() => forgeEngine.server({ ...legacy, credentials: { cert, key }, ...alpn }), /has no option/);
});
