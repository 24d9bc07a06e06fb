// Who is proved to whom: what a malicious peer, or an application that is careless or polluted, could make of it.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { tls13Engine } from '../src/node.ts';
import { exchange, RogueServer, Side } from './attacks-peers.ts';
import { issue, judge, verdict } from './certificate-pki.ts';

const pki = await testPki();
const trusting = { serverName: 'localhost', ca: pki.authorityPem } as const;

/** While `part` runs, every object inherits it. */
function polluted(name: string, value: unknown, part: () => void): void {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  prototype[name] = value;
  try {
    part();
  } finally {
    Reflect.deleteProperty(prototype, name);
  }
}

t.test('a server that goes from EncryptedExtensions to Finished is refused', (t) => {
  const client = new Side(tls13Engine.client(trusting));
  const server = new RogueServer(client);
  server.readHello();
  server.sendHello();
  server.sendEncryptedExtensions();
  server.sendFinished();
  t.equal(client.negotiated, undefined);
  t.match(client.failed, { name: 'PeerMisbehavedError', alert: 'unexpected_message' });
  t.end();
});

t.test('a polluted prototype adds no step to a state: Finished without a certificate stays refused', (t) => {
  const client = new Side(tls13Engine.client(trusting));
  const server = new RogueServer(client);
  server.readHello();
  server.sendHello();
  server.sendEncryptedExtensions();
  polluted('finished', 'finished', () => server.sendFinished());
  t.equal(client.negotiated, undefined);
  t.match(client.failed, { name: 'PeerMisbehavedError', alert: 'unexpected_message' });
  t.end();
});

t.test('a polluted prototype makes no authority of a leaf', (t) => {
  const root = issue({ ca: true });
  const leaf = issue({ issuer: root, keyUsage: null, dns: ['evil.test'] });
  const forged = issue({ issuer: leaf, dns: ['good.test'] });
  let result: ReturnType<typeof judge> = [];
  polluted('basicConstraints', { cA: true, pathLenConstraint: undefined }, () => {
    result = judge([forged, leaf], [root], { name: 'good.test' });
  });
  t.equal(verdict(result), 'bad-certificate');
  t.end();
});

const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
const psk = {
  identity: Uint8Array.of(1),
  key: Uint8Array.from({ length: 32 }, (_, at) => at),
  hash: 'sha256',
} as const;

for (const refuser of ['client', 'server'] as const)
  t.test(`verify is asked of an external key too, with an empty chain: the ${refuser} may refuse`, (t) => {
    const verify = () => false;
    const client = new Side(
      tls13Engine.client({ ...trusting, externalPsks: psk, ...(refuser === 'client' && { verify }) }),
    );
    const server = new Side(
      tls13Engine.server({ credentials: { cert, key }, externalPsks: psk, ...(refuser === 'server' && { verify }) }),
    );
    exchange(client, server);
    const { tasks, negotiated } = refuser === 'client' ? client : server;
    t.match(tasks, [{ name: 'verify' }]);
    t.equal(negotiated, undefined);
    tasks[0]!.resolve(false);
    t.match((refuser === 'client' ? client : server).failed, { reason: 'refused-by-verify' });
    t.end();
  });

const other = await pki.issue();
const leaf = await pki.leaf('ecdsa');
const wrongProofs: Record<string, (server: RogueServer) => void> = {
  'by another key': (server) => server.sendProof(other.keyPem),
  'in the role of a client': (server) => server.sendProof(leaf.keyPem, 'client'),
  'over another transcript': (server) => server.sendProof(leaf.keyPem, 'server', new Uint8Array(32)),
};
for (const [how, prove] of Object.entries(wrongProofs))
  t.test(`a CertificateVerify ${how} is decrypt_error`, (t) => {
    const client = new Side(tls13Engine.client(trusting));
    const server = new RogueServer(client);
    server.readHello();
    server.sendHello();
    server.sendEncryptedExtensions();
    server.sendCertificate(...leaf.chainDer);
    prove(server);
    t.match(client.failed, { name: 'PeerMisbehavedError', alert: 'decrypt_error' });
    t.end();
  });

t.test('the leaf that is judged is the leaf whose key must sign: a chain in another order proves nothing', (t) => {
  const client = new Side(tls13Engine.client(trusting));
  const server = new RogueServer(client);
  server.readHello();
  server.sendHello();
  server.sendEncryptedExtensions();
  server.sendCertificate(other.leafDer, ...leaf.chainDer);
  server.sendProof(leaf.keyPem);
  t.match(client.failed, { name: 'PeerMisbehavedError', alert: 'decrypt_error' });
  t.end();
});
