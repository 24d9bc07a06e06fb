// A user's function is asked: what comes of answers that are given twice, late, or are none.
import { sign } from 'node:crypto';
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { tls13Engine } from '../src/node.ts';
import { exchange, Side } from './attacks-peers.ts';

const pki = await testPki();
const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
const own = await pki.leaf('client');
const signature = (message: Uint8Array): Uint8Array =>
  new Uint8Array(sign('sha256', message, { key: own.keyPem, dsaEncoding: 'der' }));
const signer = {
  schemes: ['ecdsa_secp256r1_sha256'] as const,
  sign: (_scheme: string, message: Uint8Array) => signature(message),
};

/** A client that is asked twice, to verify and to sign, and its server. */
function asked(): { client: Side; server: Side } {
  const client = new Side(
    tls13Engine.client({
      serverName: 'localhost',
      ca: pki.authorityPem,
      verify: () => true,
      credentials: { cert: own.certificatePem, key: signer },
    }),
  );
  const server = new Side(
    tls13Engine.server({ credentials: { cert, key }, clientAuth: 'require', clientCa: pki.authorityPem }),
  );
  exchange(client, server);
  return { client, server };
}

t.test('an answer that comes again does nothing, also while the next function is asked', (t) => {
  const { client, server } = asked();
  const [verify] = client.tasks;
  verify!.resolve(true);
  t.match(client.tasks, [{ name: 'verify' }, { name: 'credentials.key.sign' }]);
  const made = client.out.length;
  verify!.resolve(true);
  verify!.resolve(false);
  verify!.reject(undefined as never);
  t.equal(client.tasks.length, 2);
  t.equal(client.out.length, made);
  client.tasks[1]!.resolve(client.tasks[1]!.run());
  exchange(client, server);
  t.same([client.failed, server.failed], [undefined, undefined]);
  t.ok(server.negotiated);
  t.end();
});

for (const [what, answer] of [
  ['nothing', undefined],
  ['text', 'signature'],
  ['another signature', signature(new Uint8Array(1))],
  ['an empty array', new Uint8Array(0)],
] as const)
  t.test(`a signer that answers with ${what} ends the connection, and nothing of it leaves`, (t) => {
    const { client, server } = asked();
    client.tasks[0]!.resolve(true);
    client.tasks[1]!.resolve(answer);
    t.match(client.failed, { name: 'EngineFailureError' });
    exchange(client, server);
    t.match(server.failed, { name: 'AlertReceivedError', alert: 'internal_error' });
    t.end();
  });

t.test('an answer after the end does nothing', (t) => {
  const { client } = asked();
  client.engine.destroy();
  client.take();
  client.tasks[0]!.resolve(true);
  client.tasks[0]!.reject(undefined as never);
  t.equal(client.out.length + client.tasks.length, 1);
  t.equal(client.negotiated, undefined);
  t.end();
});

for (const answer of [false, 1, 'true', {}, undefined])
  t.test(`verify that answers ${JSON.stringify(answer)} refuses`, (t) => {
    const { client } = asked();
    client.tasks[0]!.resolve(answer);
    t.match(client.failed, { name: 'CertificateError', reason: 'refused-by-verify' });
    t.end();
  });

t.test('what comes while a function is asked waits for its answer', (t) => {
  const { client, server } = asked();
  server.engine.abort('internal_error');
  client.give(server.take());
  client.engine.receiveEnd();
  t.equal(client.failed, undefined);
  client.tasks[0]!.resolve(false);
  t.match(client.failed, { name: 'CertificateError', reason: 'refused-by-verify' }, 'the verdict comes first');
  t.end();
});
