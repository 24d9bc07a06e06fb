// The engine contract over our own TLS 1.3: every promise, both roles, both providers, beside Node's OpenSSL, every chunking.
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine as onNode } from '@rxtls/engine-tls13/node';
import { tls13Engine as onNoble } from '@rxtls/engine-tls13/noble';
import { engineCompliance, testPki, type TestLeafName } from '@rxtls/testing';
import t from 'tap';

t.setTimeout(180_000);

const pki = await testPki();
const names = { serverName: 'localhost', ca: pki.authorityPem, alpnProtocols: ['a', 'b'], sessions: 'none' } as const;
const clients = {
  tls13: () => onNode.client(names),
  'tls13 on noble': () => onNoble.client(names),
  openssl: () => nodeEngine.client({ ...names, minVersion: 'TLSv1.3' }),
};
type Made = { readonly certificatePem: string; readonly keyPem: string };
const servers = {
  tls13: ({ certificatePem, keyPem }: Made) =>
    onNode.server({ credentials: { cert: certificatePem, key: keyPem }, alpnProtocols: ['b'] }),
  'tls13 on noble': ({ certificatePem, keyPem }: Made) =>
    onNoble.server({ credentials: { cert: certificatePem, key: keyPem }, alpnProtocols: ['b'] }),
  openssl: ({ certificatePem, keyPem }: Made) =>
    nodeEngine.server({
      credentials: { cert: certificatePem, key: keyPem },
      alpnProtocols: ['b'],
      minVersion: 'TLSv1.3',
    }),
};
const pairs: readonly (readonly [keyof typeof clients, keyof typeof servers, TestLeafName])[] = [
  ['tls13', 'tls13', 'ecdsa'],
  ['tls13', 'tls13', 'rsa'],
  ['tls13', 'tls13', 'ed25519'],
  ['tls13 on noble', 'tls13 on noble', 'ecdsa'],
  ['tls13', 'tls13 on noble', 'ed25519'],
  ['tls13 on noble', 'tls13', 'rsa'],
  ['tls13', 'openssl', 'ecdsa'],
  ['tls13', 'openssl', 'rsa'],
  ['openssl', 'tls13', 'ecdsa'],
  ['openssl', 'tls13', 'rsa'],
  ['openssl', 'tls13 on noble', 'ed25519'],
  ['tls13 on noble', 'openssl', 'rsa'],
];

for (const [client, server, leaf] of pairs) {
  const noble = `${client} ${server}`.includes('noble');
  const suite = engineCompliance({
    title: `${client} to ${server}, ${leaf}`,
    client: clients[client](),
    server: servers[server](await pki.leaf(leaf)),
    expect: { version: 'TLSv1.3', alpnProtocol: 'b', serverName: 'localhost' },
    ...(noble && { maxBytes: 70_000 }),
  });
  for (const { name, run } of suite) t.test(name, () => run());
}
