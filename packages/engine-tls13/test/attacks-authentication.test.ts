// Who is proved to whom: what a malicious peer, or an application that is careless or polluted, could make of it.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { tls13Engine } from '../src/node.ts';
import { RogueServer, Side } from './attacks-peers.ts';
import { issue, judge, verdict } from './certificate-pki.ts';

const pki = await testPki();
const trusting = { serverName: 'localhost', ca: pki.authorityPem } as const;

/** While `part` runs, every object inherits it. */
function polluted(name: string, value: unknown, part: () => void): void {
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: false, writable: true });
  try {
    part();
  } finally {
    delete (Object.prototype as Record<string, unknown>)[name];
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
