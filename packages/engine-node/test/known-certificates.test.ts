// What a factory remembers of certificates, and what it judges anew.
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { connect, createServer, type DetailedPeerCertificate } from 'node:tls';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { KnownCertificates } from '../src/known-certificates.ts';
import { peerChain } from '../src/verification.ts';
import { pair } from './harness.ts';
import { credentials, host, intermediate, issue, otherRoot, root } from './pki.ts';

const behind = issue({ issuer: intermediate, dns: ['host.test'], usage: 'serverAuth' });

t.test(
  'Node reads the chain for checkServerIdentity as getPeerCertificate(true) does, if OpenSSL accepts it',
  async (t) => {
    for (const [ca, isAccepted] of [
      [root.pem, true],
      [otherRoot.pem, false],
    ] as const) {
      const server = createServer(credentials(behind)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      let shown: DetailedPeerCertificate | undefined;
      const socket = connect({
        port: (server.address() as AddressInfo).port,
        host: '127.0.0.1',
        servername: 'host.test',
        ca,
        rejectUnauthorized: false,
        checkServerIdentity: (_name, certificate) => {
          shown = certificate as DetailedPeerCertificate;
          return undefined;
        },
      });
      await once(socket, 'secureConnect');
      t.equal(shown !== undefined, isAccepted);
      if (shown !== undefined) t.same(peerChain(socket, shown), peerChain(socket));
      t.equal(peerChain(socket, shown).length, isAccepted ? 3 : 2);
      socket.destroy();
      server.close();
    }
  },
);

t.test('a certificate is read once, by all of its bytes, and nothing of the array it came in is kept', (t) => {
  const known = new KnownCertificates();
  const array = new Uint8Array(host.der);
  const read = known.read(array);
  t.equal(known.read(host.der), read);
  array.fill(0);
  t.equal(known.read(host.der), read);
  t.ok(read.isIssuedBy(known.read(root.der)));
  t.notOk(read.isIssuedBy(known.read(otherRoot.der)));
  const alike = Buffer.from(host.der);
  const at = alike.indexOf('host.test');
  alike.write('gost.test', at);
  t.not(known.read(alike), read, 'the signature alone does not make it the same');
  t.same(known.read(alike).names.dns, ['gost.test']);
  t.notOk(known.read(alike).isIssuedBy(known.read(root.der)));
  t.end();
});

t.test('at most 64 certificates are remembered, none of them over 4 KiB', (t) => {
  const known = new KnownCertificates();
  const first = known.read(host.der);
  for (let n = 0; n < 63; n++) known.read(issue({ key: host }).der);
  t.equal(known.read(host.der), first);
  known.read(issue({ key: host }).der);
  t.not(known.read(host.der), first);
  const long = issue({ dns: Array.from({ length: 300 }, (_, at) => `a-name-that-is-long-${at}.test`) });
  t.ok(long.der.length > 4_096);
  t.not(known.read(long.der), known.read(long.der));
  t.end();
});

t.test(
  'a chain that was read before is judged by the time anew, and given to each connection as its own',
  async (t) => {
    const server = nodeEngine.server({ credentials: credentials(behind) });
    const client = nodeEngine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none' });
    let now = Date.now();
    const meet = async () => {
      const connection = pair(client, server, { client: { wallClock: () => now } });
      await connection.run();
      connection.destroy();
      return connection.client;
    };
    const first = await meet();
    t.same(
      first.negotiated?.peer.chain.map((der) => Buffer.from(der)),
      [behind.der, intermediate.der, root.der],
    );
    for (const der of first.negotiated?.peer.chain ?? []) der.fill(0);
    const second = await meet();
    t.same(
      second.negotiated?.peer.chain.map((der) => Buffer.from(der)),
      [behind.der, intermediate.der, root.der],
    );
    now += 31 * 24 * 3600 * 1000;
    t.match((await meet()).error, { name: 'CertificateError', reason: 'expired' });
    now -= 40 * 24 * 3600 * 1000;
    t.match((await meet()).error, { name: 'CertificateError', reason: 'not-yet-valid' });
  },
);
