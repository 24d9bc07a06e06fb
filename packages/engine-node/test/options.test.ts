import { inspect } from 'node:util';
import t from 'tap';
import { type NodeClientOptions, type NodeServerOptions, memorySessions, nodeEngine } from '../src/index.ts';
import { pair } from './harness.ts';
import { credentials, host, hostRsa, issue, otherRoot, root } from './pki.ts';

const good: NodeClientOptions = { serverName: 'host.test', ca: root.pem };
const misuse = { name: 'ApiMisuseError' };
const wrong = (own: Record<string, unknown>) => () =>
  nodeEngine.client({ ...good, ...own } as unknown as NodeClientOptions);
const wrongServer = (own: Record<string, unknown>) => () =>
  nodeEngine.server({ credentials: credentials(host), ...own } as unknown as NodeServerOptions);

t.test('D4 (node): null, 0 and the empty string never switch anything off', async (t) => {
  const names = [
    'serverName',
    'port',
    'ca',
    'credentials',
    'alpnProtocols',
    'minVersion',
    'maxVersion',
    'dangerouslyAllowLegacyVersions',
  ];
  for (const name of [
    ...names,
    'ciphers',
    'groups',
    'signatureAlgorithms',
    'verify',
    'dangerouslyReplaceVerification',
    'sessions',
    'keylog',
    'requestOcsp',
  ])
    for (const value of [null, '', ...(name === 'port' ? [-1] : [0])])
      t.throws(wrong({ [name]: value }), misuse, `${name}: ${inspect(value)}`);
  for (const name of [
    'credentials',
    'serverNames',
    'requireServerName',
    'alpnProtocols',
    'clientAuth',
    'clientCa',
    'verify',
    'ticketKeys',
    'sessions',
    'ocspStaple',
    'keylog',
    'minVersion',
    'maxVersion',
    'ciphers',
  ])
    for (const value of [null, '', 0])
      t.throws(wrongServer({ [name]: value }), misuse, `server ${name}: ${inspect(value)}`);
  t.throws(wrong({ ca: [] }), misuse);
  t.throws(wrong({ ca: 'not a certificate' }), misuse);
  t.throws(wrong({ ca: Buffer.alloc(0) }), misuse);
  t.throws(() => nodeEngine.client({} as unknown as NodeClientOptions), misuse, 'no serverName');
  t.throws(() => nodeEngine.client(undefined as unknown as NodeClientOptions), misuse);
  for (const name of ['rejectUnauthorized', 'checkServerIdentity', 'servername', '__proto__x'])
    t.throws(wrong({ [name]: false }), misuse, name);
});

t.test('D4 (node): only own properties count, each is read once, and later changes do nothing', async (t) => {
  const polluted = Object.prototype as unknown as Record<string, unknown>;
  polluted['dangerouslyReplaceVerification'] = () => true;
  polluted['ca'] = otherRoot.pem;
  try {
    const connection = pair(nodeEngine.client(good), nodeEngine.server({ credentials: credentials(host) }));
    await connection.run();
    t.equal(connection.client.negotiated?.peer.verification, 'passed');
    connection.destroy();
  } finally {
    delete polluted['dangerouslyReplaceVerification'];
    delete polluted['ca'];
  }
  const evil = issue({ issuer: otherRoot, dns: ['host.test'] });
  for (const [name, value, own] of [
    ['ca', otherRoot.pem, {}],
    ['allowPartialTrustChain', true, { ca: evil.pem }],
  ] as const) {
    polluted[name] = value;
    try {
      const connection = pair(
        nodeEngine.client({ serverName: 'host.test', ...own }),
        nodeEngine.server({ credentials: credentials(evil) }),
      );
      await connection.run();
      t.match(
        connection.client.error,
        { reason: 'unknown-authority' },
        `${name}: Node reads nothing from there either`,
      );
      connection.destroy();
    } finally {
      delete polluted[name];
    }
  }
  let reads = 0;
  const once = {
    serverName: 'host.test',
    get ca() {
      reads++;
      return reads === 1 ? root.pem : otherRoot.pem;
    },
  };
  const alpnProtocols = ['a'];
  const ca = Buffer.from(root.der);
  const factory = nodeEngine.client(once);
  const copied = nodeEngine.client({ serverName: 'host.test', ca, alpnProtocols });
  t.equal(reads, 1);
  alpnProtocols[0] = 'b';
  ca.fill(0);
  for (const [one, protocol] of [
    [factory, undefined],
    [copied, 'a'],
  ] as const) {
    const connection = pair(one, nodeEngine.server({ credentials: credentials(host), alpnProtocols: ['a', 'b'] }));
    await connection.run();
    t.equal(connection.client.negotiated?.alpnProtocol, protocol);
    t.equal(connection.client.error, undefined);
    connection.destroy();
  }
});

t.test(
  'credentials that cannot serve are refused when the factory is made, and nothing of a key is told (K4)',
  async (t) => {
    const secrets = hostRsa.keyPem.split('\n').slice(1, -2);
    for (const [name, given] of Object.entries({
      'key of another': { cert: host.pem, key: hostRsa.keyPem },
      'no key': { cert: host.pem },
      'no certificate': { key: hostRsa.keyPem },
      'certificate as key': { cert: host.pem, key: host.pem },
      'key as certificate': { cert: hostRsa.keyPem, key: hostRsa.keyPem },
      'cut key': { cert: hostRsa.pem, key: hostRsa.keyPem.slice(0, 500) },
      'bad pfx': { pfx: Buffer.from(hostRsa.keyPem) },
      'pfx and key': { pfx: Buffer.from([0x30]), key: hostRsa.keyPem },
      'unknown name': { cert: hostRsa.pem, key: hostRsa.keyPem, certificate: '' },
    }))
      for (const make of [
        wrong({ credentials: given }),
        wrongServer({ credentials: given }),
        wrongServer({ serverNames: { 'a.test': given } }),
      ])
        try {
          make();
          t.fail(name);
        } catch (error) {
          t.match(error, misuse, name);
          const shown =
            inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + (error as Error).message;
          t.notOk(
            secrets.some((line) => shown.includes(line)),
            `${name}: no key`,
          );
        }
  },
);

t.test('more that makes no sense', async (t) => {
  t.throws(wrong({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }), misuse);
  t.throws(wrong({ minVersion: 'TLSv1.1' }), /dangerouslyAllowLegacyVersions/);
  t.doesNotThrow(wrong({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', dangerouslyAllowLegacyVersions: true }));
  t.throws(wrong({ ciphers: 'NO-SUCH-CIPHER' }), misuse);
  for (const ciphers of ['eNULL:@SECLEVEL=0', ['ECDHE-ECDSA-NULL-SHA', '@SECLEVEL=0']]) {
    t.throws(wrong({ ciphers }), /dangerouslyAllowLegacyVersions/, 'plaintext on the wire');
    t.throws(wrongServer({ ciphers }), /dangerouslyAllowLegacyVersions/);
  }
  t.throws(wrong({ groups: ['no such group'] }), misuse);
  t.throws(wrong({ alpnProtocols: [] }), misuse);
  t.throws(wrong({ alpnProtocols: ['x'.repeat(256)] }), misuse);
  t.throws(wrong({ serverName: 'bad name' }), misuse);
  t.throws(wrong({ serverName: 'münchen.test' }), misuse);
  t.throws(wrong({ verify: () => true, dangerouslyReplaceVerification: () => true }), misuse);
  t.throws(wrongServer({ clientCa: root.pem }), misuse);
  t.throws(wrongServer({ requireServerName: true }), misuse);
  t.throws(wrongServer({ serverNames: { '127.0.0.1': credentials(host) } }), misuse);
  for (const same of ['Host.test', 'host.test.'])
    t.throws(wrongServer({ serverNames: { 'host.test': credentials(host), [same]: credentials(hostRsa) } }), /twice/);
  t.throws(() => memorySessions({ max: 0 }), misuse);
});

t.test('K4 (node): keylog is opt-in, on either side', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const silent = pair(nodeEngine.client(good), nodeEngine.server({ credentials: credentials(host), maxVersion }));
    await silent.run();
    t.notOk([...silent.client.events, ...silent.server.events].some(({ type }) => type === 'keylog'));
    t.notMatch(inspect(silent.client.engine, { depth: 9 }), /PRIVATE KEY|CLIENT_RANDOM/);
    silent.destroy();
    const logged = pair(
      nodeEngine.client({ ...good, keylog: true }),
      nodeEngine.server({ credentials: credentials(host), maxVersion, keylog: true }),
    );
    await logged.run();
    const lines = (events: typeof logged.client.events) =>
      events.flatMap((event) => (event.type === 'keylog' ? [event.line] : [])).sort();
    t.ok(lines(logged.client.events).length > 0);
    t.same(lines(logged.client.events), lines(logged.server.events));
    t.notMatch(lines(logged.client.events)[0], /\n/);
    logged.destroy();
  }
});

t.test('RSA and ECDSA side by side, DER, KeyObject and encrypted keys', async (t) => {
  const encrypted = host.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
  const forms: NodeServerOptions['credentials'][] = [
    [credentials(hostRsa), credentials(host)],
    { cert: host.der, key: host.key },
    { cert: [host.der], key: host.key.export({ type: 'pkcs8', format: 'der' }) },
    { cert: Buffer.from(host.pem), key: encrypted, passphrase: 'secret' },
  ];
  for (const form of forms) {
    const connection = pair(nodeEngine.client(good), nodeEngine.server({ credentials: form }));
    await connection.run();
    t.equal(connection.client.negotiated?.peer.verification, 'passed');
    connection.destroy();
  }
  const server = nodeEngine.server({ credentials: [credentials(hostRsa), credentials(host)], maxVersion: 'TLSv1.2' });
  for (const [ciphers, leaf] of [
    ['ECDHE-RSA-AES128-GCM-SHA256', hostRsa],
    ['ECDHE-ECDSA-AES128-GCM-SHA256', host],
  ] as const) {
    const connection = pair(nodeEngine.client({ ...good, ciphers }), server);
    await connection.run();
    t.ok(leaf.der.equals(connection.client.negotiated?.peer.chain[0] ?? Buffer.alloc(0)));
    connection.destroy();
  }
});

t.test('factories are frozen values that declare what they can do', async (t) => {
  const factory = nodeEngine.client(good);
  t.ok(Object.isFrozen(factory));
  t.equal(factory.role, 'client');
  t.match(factory.capabilities, {
    name: 'node',
    versions: ['TLSv1.3', 'TLSv1.2'],
    alerts: 'own',
    synchronous: false,
    halfClose: ['TLSv1.3'],
  });
  t.match(nodeEngine.server({ credentials: credentials(host), minVersion: 'TLSv1.3' }).capabilities, {
    versions: ['TLSv1.3'],
    keyUpdate: [],
  });
  const legacy = pair(
    nodeEngine.client({ ...good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', dangerouslyAllowLegacyVersions: true }),
    nodeEngine.server({
      credentials: credentials(hostRsa),
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      dangerouslyAllowLegacyVersions: true,
    }),
  );
  await legacy.run();
  t.equal(legacy.client.negotiated?.version, 'TLSv1.1');
  legacy.destroy();
});
