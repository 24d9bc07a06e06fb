// The engine contract over Node's OpenSSL: every promise, both roles, TLS 1.2 and 1.3, ECDSA and RSA, every chunking.
import { nodeEngine } from '@rxtls/engine-node';
import { engineCompliance, testPki } from '@rxtls/testing';
import t from 'tap';

t.setTimeout(180_000);

const pki = await testPki();

for (const version of ['TLSv1.3', 'TLSv1.2'] as const)
  for (const key of ['ecdsa', 'rsa'] as const) {
    const { certificatePem, keyPem } = await pki.leaf(key);
    const versions = { minVersion: version, maxVersion: version };
    const suite = engineCompliance({
      title: `nodeEngine, ${version}, ${key}`,
      client: nodeEngine.client({
        serverName: 'localhost',
        ca: pki.authorityPem,
        alpnProtocols: ['a', 'b'],
        sessions: 'none',
        ...versions,
      }),
      server: nodeEngine.server({
        credentials: { cert: certificatePem, key: keyPem },
        alpnProtocols: ['b'],
        ...versions,
      }),
      expect: { version, alpnProtocol: 'b', serverName: 'localhost' },
    });
    for (const { name, run } of suite) t.test(name, () => run());
  }
