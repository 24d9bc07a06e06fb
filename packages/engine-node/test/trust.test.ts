// What a chain proves: Node links what the peer sent by names, and trusts more than it is told.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type NodeClientOptions, type NodeServerOptions, nodeEngine, type PeerToVerify } from '../src/index.ts';
import { trustAnchors } from '../src/trust-anchors.ts';
import { trustedPath } from '../src/trusted-path.ts';
import { type Pair, pair } from './harness.ts';
import { authority, client, credentials, host, intermediate, type Issued, issue, otherRoot, root } from './pki.ts';

/** Makes PKCS #12 files; not ours to install. */
const openssl: string = process.env['OPENSSL'] ?? 'openssl';
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const day = 24 * 3600 * 1000;

async function meet(
  clientOptions: Partial<NodeClientOptions>,
  serverOptions: Partial<NodeServerOptions>,
): Promise<Pair> {
  const connection = pair(
    nodeEngine.client({ serverName: 'host.test', ca: root.pem, ...clientOptions }),
    nodeEngine.server({ credentials: credentials(host), ...serverOptions }),
  );
  await connection.run();
  connection.destroy();
  return connection;
}

/** `subject` with its real key, said to be issued by `issuer`. Signed by that only where the key is at hand. */
function crossCertificate(subject: Issued, issuer: Issued, validity: { from?: number; to?: number } = {}): string {
  return issue({ cn: subject.cn, key: subject, issuer, ca: true, ...validity }).pem;
}
/** The last bytes are the signature's. */
function forged(pem: string): string {
  const der = Buffer.from(new X509Certificate(pem).raw);
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}
const sending = (leaf: Issued, ...more: string[]) => ({ cert: [leaf.pem, ...more].join(''), key: leaf.keyPem });
const names = (chain: readonly Uint8Array[]): string[] =>
  chain.map((der) => createHash('sha256').update(der).digest('hex').slice(0, 8));

for (const maxVersion of versions) {
  const only = { minVersion: maxVersion, maxVersion } as const;

  t.test(
    `A5 (node): ${maxVersion}: a good certificate cannot be shown below an authority that did not issue it`,
    async (t) => {
      for (const [what, above] of [
        ['forged', forged(crossCertificate(root, otherRoot))],
        ['signed by an authority of the peer', crossCertificate(root, otherRoot)],
        ['expired', crossCertificate(root, otherRoot, { from: Date.now() - 9 * day, to: Date.now() - day })],
      ] as const) {
        const seen: PeerToVerify[] = [];
        const verify = (peer: PeerToVerify): boolean => seen.push(peer) > 0;
        const connection = await meet(
          { credentials: sending(client, above, otherRoot.pem), verify },
          {
            credentials: sending(host, above, otherRoot.pem),
            clientAuth: 'require',
            clientCa: root.pem,
            verify,
            ...only,
          },
        );
        t.equal(connection.client.error, undefined, what);
        t.same(names(connection.client.negotiated?.peer.chain ?? []), names([host.der, root.der]), what);
        t.same(names(connection.server.negotiated?.peer.chain ?? []), names([client.der, root.der]), what);
        t.same(
          seen.flatMap(({ chain }) => names(chain.slice(1))),
          names([root.der, root.der]),
          'and verify sees no more',
        );
      }
    },
  );

  t.test(`A4 (node): ${maxVersion}: authorities inside PKCS #12 are not trusted`, async (t) => {
    if (spawnSync(openssl, ['version']).status !== 0) {
      t.comment('openssl is not installed: no PKCS #12 file can be made');
      return;
    }
    const me = pkcs12(t.testdir(), issue({ issuer: otherRoot, usage: 'clientAuth' }), otherRoot);
    t.throws(() => nodeEngine.server({ credentials: me, clientAuth: 'require', clientCa: root.pem }), {
      name: 'ApiMisuseError',
      message: /pfx/,
    });
    t.throws(
      () =>
        nodeEngine.server({
          credentials: credentials(host),
          serverNames: { 'a.test': me },
          clientAuth: 'request',
          clientCa: root.pem,
        }),
      { name: 'ApiMisuseError', message: /pfx/ },
    );
    const stranger = credentials(issue({ issuer: otherRoot, dns: ['host.test'] }));
    const fooled = await meet({ credentials: me }, { credentials: stranger, ...only });
    t.match(fooled.client.error, { name: 'CertificateError', reason: 'unknown-authority' });
    t.equal(fooled.client.negotiated, undefined);
    const unnamed = pair(
      nodeEngine.client({ serverName: 'host.test', credentials: me }),
      nodeEngine.server({ credentials: stranger, ...only }),
    );
    await unnamed.run();
    t.match(
      unnamed.client.error,
      { name: 'CertificateError', reason: 'unknown-authority' },
      "with the runtime's roots",
    );
    unnamed.destroy();
    t.equal((await meet({ credentials: me }, only)).client.negotiated?.peer.verification, 'passed');
  });
}

function pkcs12(folder: string, leaf: Issued, ca: Issued): { pfx: Buffer; passphrase: string } {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const parts = ['-in', file('leaf', leaf.pem), '-inkey', file('key', leaf.keyPem), '-certfile', file('ca', ca.pem)];
  return {
    pfx: execFileSync(openssl, ['pkcs12', '-export', ...parts, '-passout', 'pass:secret']),
    passphrase: 'secret',
  };
}

t.test('the path to an anchor, each signature checked', async (t) => {
  const now = Date.now();
  const leaf = issue({ issuer: intermediate });
  const path = (shown: readonly Issued[], ca: readonly Issued[]) => {
    const found = trustedPath(
      shown.map(({ der }) => der),
      trustAnchors(
        ca.map(({ pem }) => pem),
        'ca',
      ),
      now,
    );
    return found.anchored ? names(found.chain) : found.chain.length;
  };
  const ders = (...list: Issued[]) => names(list.map(({ der }) => der));
  t.same(path([leaf, intermediate], [root]), ders(leaf, intermediate, root));
  t.same(path([leaf, intermediate, root], [root]), ders(leaf, intermediate, root));
  t.same(path([leaf], [intermediate]), ders(leaf, intermediate), 'an anchor that is no root');
  t.same(path([leaf], [intermediate, root]), ders(leaf, intermediate, root));
  t.same(path([leaf], [leaf]), ders(leaf), 'the leaf itself');
  t.same(path([root], [root]), ders(root));
  t.same(path([leaf], [root]), 1, 'the intermediate is missing');
  t.same(path([leaf, root], [root]), 1, 'a gap');
  t.same(path([leaf, intermediate], [otherRoot]), 1);
  const again = authority('rxtls test root');
  t.same(path([leaf, intermediate], [again]), 1, 'another authority of the same name');
  const old = issue({ cn: root.cn, key: root, ca: true, from: now - 9 * day, to: now - day });
  t.same(
    path([leaf, intermediate], [old, root]),
    ders(leaf, intermediate, root),
    'of two anchors the one that is valid',
  );
  const a = authority('ring');
  const b = issue({ cn: 'gnir', ca: true, issuer: a });
  const ring = issue({ cn: 'ring', key: a, ca: true, issuer: b });
  t.equal(
    path([issue({ issuer: a })], [b, ring])
      .toString()
      .split(',').length,
    9,
    'a ring of anchors has an end',
  );
});

t.test("the runtime's roots are told from others, by what they are now", async (t) => {
  const runtime = trustAnchors(undefined, 'ca');
  t.equal(runtime.hash, trustAnchors(undefined, 'ca').hash);
  t.not(runtime.hash, trustAnchors(root.pem, 'ca').hash);
  const tls = (await import('node:tls')) as unknown as {
    rootCertificates: readonly string[];
    setDefaultCACertificates?: (list: readonly string[]) => void;
  };
  const one = new X509Certificate(tls.rootCertificates[0] ?? '');
  t.same(trustedPath([one.raw], runtime, Date.now()), { chain: [new Uint8Array(one.raw)], anchored: true });
  t.notOk(trustedPath([root.der], runtime, Date.now()).anchored);
  if (tls.setDefaultCACertificates === undefined) {
    t.comment(`Node ${process.version} cannot change its roots`);
    return;
  }
  tls.setDefaultCACertificates([root.pem]);
  t.not(runtime.hash, trustAnchors(undefined, 'ca').hash);
  t.ok(trustedPath([host.der], trustAnchors(undefined, 'ca'), Date.now()).anchored);
  t.notOk(trustedPath([host.der], runtime, Date.now()).anchored, 'what was made before keeps its own');
});
