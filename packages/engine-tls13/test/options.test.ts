// What options cannot say, and what they bind.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { tls13Engine } from '../src/node.ts';
import { exchange, Side } from './attacks-peers.ts';

const pki = await testPki();
const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
const identity = { serverName: 'localhost', ca: pki.authorityPem } as const;

t.test('application protocols are names in ASCII', async (t) => {
  for (const name of ['é', 'h2\u0100', '\u0000'])
    for (const make of [
      () => tls13Engine.client({ ...identity, alpnProtocols: [name] }),
      () => tls13Engine.server({ credentials: { cert, key }, alpnProtocols: [name] }),
    ])
      t.throws(make, { name: 'ApiMisuseError', message: /ASCII/ });
  t.ok(tls13Engine.client({ ...identity, alpnProtocols: ['h2', 'http/1.1'] }));
});

t.test('serverNames that are one name are refused', async (t) => {
  const credentials = { cert, key };
  const serverNames = { 'a.test': credentials, 'A.test': credentials };
  t.throws(() => tls13Engine.server({ credentials, serverNames }), { name: 'ApiMisuseError', message: /twice/ });
});

t.test("a client's own signature keeps to its signatureAlgorithms", async (t) => {
  const own = await pki.leaf('client');
  const credentials = { cert: own.certificatePem, key: own.keyPem };
  const edwards = await pki.leaf('ed25519');
  const server = tls13Engine.server({
    credentials: [
      { cert, key },
      { cert: edwards.certificatePem, key: edwards.keyPem },
    ],
    clientAuth: 'request',
    clientCa: pki.authorityPem,
  });
  const chainOf = (signatureAlgorithms: readonly ('ecdsa_secp256r1_sha256' | 'ed25519')[]): number | undefined => {
    const peer = new Side(server);
    exchange(new Side(tls13Engine.client({ ...identity, credentials, signatureAlgorithms })), peer);
    return peer.negotiated?.peer.chain.length;
  };
  t.equal(chainOf(['ecdsa_secp256r1_sha256']), 3);
  t.equal(chainOf(['ed25519']), 0, 'an ECDSA certificate has no place in it, so none is shown');
});

t.test('a chain that verify turns around is its own', async (t) => {
  const client = new Side(
    tls13Engine.client({
      ...identity,
      verify: ({ chain }) => {
        (chain as Uint8Array[]).reverse();
        return true;
      },
    }),
  );
  const server = new Side(tls13Engine.server({ credentials: { cert, key } }));
  exchange(client, server);
  client.tasks[0]?.resolve(client.tasks[0].run());
  exchange(client, server);
  t.same(client.negotiated?.peer.chain.at(-1), new Uint8Array(pki.authorityDer), 'the anchor is still the last');
});
