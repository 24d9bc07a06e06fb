import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type TestLeafName, testPki } from '@rxtls/testing';
import t from 'tap';

const pki = await testPki();

/** What node:tls says of a server with this leaf: 'authorized' or an error's code. */
async function verdict(leaf: TestLeafName, options: { servername?: string; client?: TestLeafName } = {}) {
  const { certificatePem, keyPem } = await pki.leaf(leaf);
  const asked = options.client === undefined ? undefined : await pki.leaf(options.client);
  const server = createServer({
    cert: certificatePem,
    key: keyPem,
    ...(asked === undefined ? {} : { requestCert: true, rejectUnauthorized: false, ca: pki.authorityPem }),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const client = connect({
    host: '127.0.0.1',
    port,
    servername: options.servername ?? 'localhost',
    ca: pki.authorityPem,
    rejectUnauthorized: false,
    ...(asked === undefined ? {} : { cert: asked.certificatePem, key: asked.keyPem }),
  });
  await once(client, 'secureConnect');
  const socket = await accepted;
  const error = asked === undefined ? client.authorizationError : socket.authorizationError;
  client.destroy();
  socket.destroy();
  server.close();
  if (error === null || error === undefined) return 'authorized';
  return error instanceof Error && 'code' in error ? error.code : String(error);
}

t.test('node:tls accepts the good leaves and refuses each bad one for its own reason', async (t) => {
  const cases: [TestLeafName, string, string?][] = [
    ['ecdsa', 'authorized'],
    ['rsa', 'authorized'],
    ['ed25519', 'authorized'],
    ['wildcard', 'authorized', 'a.wild.test'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['not-yet-valid', 'CERT_NOT_YET_VALID'],
    ['wrong-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['untrusted', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['wrong-usage', 'INVALID_PURPOSE'],
    ['wildcard', 'ERR_TLS_CERT_ALTNAME_INVALID', 'a.b.wild.test'],
    // Node takes a common name where there is no SAN; rxtls engines must not (RFC 9525).
    ['common-name-only', 'authorized'],
  ];
  for (const [leaf, expected, servername] of cases)
    t.equal(await verdict(leaf, servername === undefined ? {} : { servername }), expected, leaf);
});

t.test('node:tls judges the client leaves', async (t) => {
  t.equal(await verdict('ecdsa', { client: 'client' }), 'authorized');
  t.equal(await verdict('ecdsa', { client: 'client-rsa' }), 'authorized');
  t.equal(await verdict('ecdsa', { client: 'client-ed25519' }), 'authorized');
  t.equal(await verdict('ecdsa', { client: 'client-expired' }), 'CERT_HAS_EXPIRED');
  t.equal(await verdict('ecdsa', { client: 'client-untrusted' }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  t.equal(await verdict('ecdsa', { client: 'client-wrong-usage' }), 'INVALID_PURPOSE');
});

t.test('leaves are what they say, and made once', async (t) => {
  t.equal(await pki.leaf('ip'), await pki.leaf('ip'));
  const { leafDer, chainDer, certificatePem } = await pki.leaf('ip');
  const leaf = new X509Certificate(leafDer);
  t.equal(leaf.subjectAltName, 'IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  t.equal(chainDer.length, 2);
  t.equal(certificatePem.match(/BEGIN CERTIFICATE/g)?.length, 2);
  t.ok(leaf.checkIssued(new X509Certificate(chainDer[1] ?? '')));
  t.equal(new X509Certificate((await pki.leaf('common-name-only')).leafDer).subjectAltName, undefined);
  t.equal(new X509Certificate((await pki.issue({ key: 'rsa' })).leafDer).publicKey.asymmetricKeyType, 'rsa');
  const direct = await pki.issue({ issuer: 'root', names: ['a.test'] });
  t.equal(direct.chainDer.length, 1);
});

t.test('RSA from the root to every leaf that does not say otherwise', async (t) => {
  const rsa = await testPki({ keys: 'rsa' });
  const keyOf = async (name: TestLeafName) => new X509Certificate((await rsa.leaf(name)).leafDer).publicKey;
  for (const name of ['rsa', 'expired', 'untrusted', 'client'] as const)
    t.match(await keyOf(name), { asymmetricKeyType: 'rsa', asymmetricKeyDetails: { modulusLength: 2_048 } }, name);
  t.equal((await keyOf('ecdsa')).asymmetricKeyType, 'ec', 'a leaf that names its key has that key');
  const { chainDer } = await rsa.leaf('rsa');
  const [leaf, intermediate, root] = [...chainDer, rsa.authorityDer].map((der) => new X509Certificate(der));
  t.equal(root?.publicKey.asymmetricKeyType, 'rsa');
  t.equal(intermediate?.publicKey.asymmetricKeyType, 'rsa');
  t.ok(leaf?.verify(intermediate!.publicKey) && intermediate?.verify(root!.publicKey));
  t.notOk(leaf?.verify(root!.publicKey));
  await t.rejects(testPki({ keys: 'dsa' as 'rsa' }), {
    name: 'ApiMisuseError',
    message: /'ecdsa' or 'rsa', not "dsa"/,
  });
});

t.test('an RSA leaf may be encrypted to, as RSA key transport does; an ECDSA leaf only signs', async (t) => {
  await import('reflect-metadata');
  const { KeyUsageFlags, KeyUsagesExtension, X509Certificate: Certificate } = await import('@peculiar/x509');
  const usagesOf = async (name: TestLeafName) =>
    new Certificate(new Uint8Array((await pki.leaf(name)).leafDer)).getExtension(KeyUsagesExtension)?.usages;
  t.equal(await usagesOf('rsa'), KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment);
  t.equal(await usagesOf('ecdsa'), KeyUsageFlags.digitalSignature);
});
