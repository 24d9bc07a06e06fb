import tls from 'node:tls';
import type { TlsVersion } from '@rxtls/core/engine';
import { matchesIdentity, referenceIdentity, subjectAlternativeNames } from '@rxtls/core/engine-parts';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import t from 'tap';
import { type NodeClientOptions, type NodeServerOptions, nodeEngine, type PeerToVerify } from '../src/index.ts';
import { End, type EndOptions, type Pair, pair, turn } from './harness.ts';
import { client, credentials, host, intermediate, type Issued, issue, otherRoot, root } from './pki.ts';

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const day = 24 * 3600 * 1000;

async function meet(
  clientOptions: Partial<NodeClientOptions>,
  serverOptions: Partial<NodeServerOptions>,
  ends: { client?: EndOptions; server?: EndOptions } = {},
): Promise<Pair> {
  const connection = pair(
    nodeEngine.client({ serverName: 'host.test', ca: root.pem, ...clientOptions }),
    nodeEngine.server({ credentials: credentials(host), ...serverOptions }),
    ends,
  );
  await connection.run();
  connection.destroy();
  return connection;
}

const weak = { ciphers: 'DEFAULT@SECLEVEL=0', dangerouslyAllowLegacyVersions: true } as const;
const expired = { from: Date.now() - 9 * day, to: Date.now() - day };
const future = { from: Date.now() + day, to: Date.now() + 9 * day };
const dns = ['host.test'];

for (const version of versions) {
  const only = { minVersion: version, maxVersion: version } as const;

  t.test(
    `A4 (node): ${version}: a server that requires certificates is never connected to a client whose own fails`,
    async (t) => {
      const vectors: [string, Issued | undefined, string, EndOptions?][] = [
        ['missing', undefined, 'missing'],
        ['untrusted', issue({ issuer: otherRoot, usage: 'clientAuth' }), 'unknown-authority'],
        ['self-signed', issue({ usage: 'clientAuth' }), 'unknown-authority'],
        ['expired', issue({ issuer: root, usage: 'clientAuth', ...expired }), 'expired'],
        ['not yet valid', issue({ issuer: root, usage: 'clientAuth', ...future }), 'not-yet-valid'],
        ['for servers', issue({ issuer: root, usage: 'serverAuth' }), 'wrong-usage'],
        ['for code signing', issue({ issuer: root, usage: 'codeSigning' }), 'wrong-usage'],
        ['RSA 1024', issue({ issuer: root, usage: 'clientAuth', kind: 'rsa1024' }), 'weak-key'],
        ['expired by the host clock', client, 'expired', { wallClock: () => Date.now() + 40 * day }],
      ];
      for (const [name, leaf, reason, server] of vectors) {
        const own = leaf === undefined ? {} : { credentials: credentials(leaf), ...weak };
        const connection = await meet(
          own,
          { clientAuth: 'require', clientCa: root.pem, ...weak, ...only },
          server === undefined ? {} : { server },
        );
        t.match(connection.server.error, { name: 'CertificateError', reason }, name);
        t.equal(connection.server.negotiated, undefined, name);
        t.equal(connection.server.plaintext.length, 0, name);
      }
      const good = await meet(
        { credentials: credentials(client) },
        { clientAuth: 'require', clientCa: root.pem, ...only },
      );
      t.equal(good.server.negotiated?.peer.verification, 'passed');
      t.ok(client.der.equals(good.server.negotiated?.peer.chain[0] ?? Buffer.alloc(0)));
    },
  );

  t.test(`L2 (node): ${version}: a chain longer than maxChainLength is refused`, async (t) => {
    const leaf = credentials(issue({ issuer: intermediate, usage: 'clientAuth' }));
    const asking = { clientAuth: 'require', clientCa: root.pem, ...only } as const;
    const limits = { maxChainLength: 2 };
    const seen = await meet({ credentials: leaf }, asking);
    t.equal(seen.server.negotiated?.peer.verification, 'passed');
    // Node 24 shows a server the leaf alone; OpenSSL has judged the rest.
    if (seen.server.negotiated?.peer.chain.length === 1) t.comment(`Node ${process.version} hides a client's chain`);
    else
      t.match((await meet({ credentials: leaf }, asking, { server: { limits } })).server.error, {
        reason: 'chain-too-long',
      });
    const long = credentials(issue({ issuer: intermediate, dns }));
    t.match((await meet({}, { credentials: long, ...only }, { client: { limits } })).client.error, {
      reason: 'chain-too-long',
    });
  });

  t.test(`A4 (node): ${version}: 'request' takes no certificate for none, and refuses a bad one`, async (t) => {
    const asking = { clientAuth: 'request', clientCa: root.pem, ...only } as const;
    const none = await meet({}, asking);
    t.match(none.server.negotiated?.peer, { verification: 'not-requested', chain: [] });
    const bad = await meet({ credentials: credentials(issue({ issuer: otherRoot })) }, asking);
    t.match(bad.server.error, { reason: 'unknown-authority' });
    const good = await meet({ credentials: credentials(client) }, asking);
    t.equal(good.server.negotiated?.peer.verification, 'passed');
  });

  t.test(`A5 (node): ${version}: a client accepts only a certificate for the name it asked for`, async (t) => {
    const vectors: [string, Issued, string | undefined, Partial<NodeClientOptions>?][] = [
      ['right name', host, undefined],
      ['wrong name', issue({ issuer: root, dns: ['other.test'] }), 'wrong-name'],
      ['CN only', issue({ issuer: root, cn: 'host.test' }), 'wrong-name'],
      ['NUL in the name', issue({ issuer: root, dns: ['host.test\0.evil.test'] }), 'wrong-name'],
      ['two names in one', issue({ issuer: root, dns: ['evil.test, DNS:host.test'] }), 'wrong-name'],
      [
        'address written as a name',
        issue({ issuer: root, dns: ['127.0.0.1'] }),
        'wrong-name',
        { serverName: '127.0.0.1' },
      ],
      ['address', issue({ issuer: root, ips: [[127, 0, 0, 1]] }), undefined, { serverName: '127.0.0.1' }],
      ['other address', issue({ issuer: root, ips: [[127, 0, 0, 2]] }), 'wrong-name', { serverName: '127.0.0.1' }],
      ['IPv6', issue({ issuer: root, ips: [[...new Uint8Array(15), 1]] }), undefined, { serverName: '::1' }],
      ['wildcard', issue({ issuer: root, dns: ['*.host.test'] }), undefined, { serverName: 'a.host.test' }],
      ['untrusted', issue({ issuer: otherRoot, dns }), 'unknown-authority'],
      ['expired', issue({ issuer: root, dns, ...expired }), 'expired'],
      ['for clients', issue({ issuer: root, dns, usage: 'clientAuth' }), 'wrong-usage'],
      ['by way of an intermediate', issue({ issuer: intermediate, dns }), undefined],
    ];
    for (const [name, leaf, reason, own] of vectors) {
      const connection = await meet(own ?? {}, { credentials: credentials(leaf), ...only });
      if (reason === undefined) t.equal(connection.client.negotiated?.peer.verification, 'passed', name);
      else {
        t.match(connection.client.error, { name: 'CertificateError', reason }, name);
        t.equal(connection.client.negotiated, undefined, name);
      }
      if (own?.serverName !== undefined && /^[\d:.]+$/.test(own.serverName))
        t.equal(connection.server.negotiated?.serverName, undefined, 'addresses are never sent as SNI');
    }
  });

  t.test(
    `A6 (node): ${version}: plaintext that comes while verify runs is held; refused, nothing of it is emitted`,
    async (t) => {
      for (const accept of [true, false]) {
        const connection = pair(
          nodeEngine.client({ serverName: 'host.test', ca: root.pem, verify: () => accept }),
          nodeEngine.server({ credentials: credentials(host), ...only }),
          { client: { holdTasks: true } },
        );
        const { client: c, server: s } = connection;
        await connection.run();
        t.equal(c.tasks.length, 1);
        t.equal(c.ready?.maySend, false);
        s.send('early words');
        s.engine.sendCloseNotify();
        await connection.run();
        t.equal(c.plaintext.length, 0);
        t.notOk(c.closed);
        t.equal(c.negotiated, undefined);
        c.tasks[0]?.resolve(accept);
        c.tasks[0]?.resolve(true);
        await turn();
        if (accept) {
          t.equal(c.text, 'early words');
          t.ok(c.closed);
          t.ok(c.log.indexOf('negotiated') < c.log.indexOf('plaintext'));
          t.equal(c.consumed, c.given);
        } else {
          t.match(c.error, { reason: 'refused-by-verify' });
          t.equal(c.plaintext.length, 0);
          t.equal(c.negotiated, undefined);
          t.notOk(c.closed);
        }
        connection.destroy();
      }
    },
  );

  t.test(
    `A6 (node): ${version}: a close_notify that comes alone while verify runs comes after negotiated`,
    async (t) => {
      const connection = pair(
        nodeEngine.client({ serverName: 'host.test', ca: root.pem, verify: () => true }),
        nodeEngine.server({ credentials: credentials(host), ...only }),
        { client: { holdTasks: true } },
      );
      const { client: c, server: s } = connection;
      await connection.run();
      s.engine.sendCloseNotify();
      await connection.run();
      t.notOk(c.closed);
      c.tasks[0]?.resolve(true);
      await turn();
      t.ok(c.closed);
      t.ok(c.log.indexOf('negotiated') < c.log.indexOf('closeNotify'));
      t.equal(c.consumed, c.given);
      connection.destroy();
    },
  );

  t.test(`A7 (node): ${version}: verify adds to our checks; only the dangerous name replaces them`, async (t) => {
    let asked = 0;
    const yes = (): boolean => {
      asked++;
      return true;
    };
    const wrong = credentials(issue({ issuer: otherRoot, dns: ['other.test'] }));
    const kept = await meet({ verify: yes }, { credentials: wrong, ...only });
    t.ok(kept.client.error);
    t.equal(asked, 0, 'a refused peer is not even shown to it');
    const seen: PeerToVerify[] = [];
    const shown = await meet({ verify: async (peer) => seen.push(peer) > 0 }, only);
    t.equal(shown.client.negotiated?.peer.verification, 'passed');
    t.match(seen, [{ serverName: 'host.test', resumed: false }]);
    t.ok(host.der.equals(seen[0]?.chain[0] ?? Buffer.alloc(0)));
    const replaced = await meet({ dangerouslyReplaceVerification: yes }, { credentials: wrong, ...only });
    t.equal(replaced.client.negotiated?.peer.verification, 'passed');
    t.equal(asked, 1);
    for (const answer of [undefined, null, 0, '', 'yes', 1, {}, Promise.resolve(1)]) {
      const verify = (() => answer) as unknown as () => boolean;
      const refused = await meet({ verify }, only);
      t.match(refused.client.error, { reason: 'refused-by-verify' }, String(answer));
    }
    const server = await meet(
      { credentials: credentials(client) },
      { clientAuth: 'require', clientCa: root.pem, verify: () => false, ...only },
    );
    t.match(server.server.error, { reason: 'refused-by-verify' });
  });

  t.test(
    `A1 (node): ${version}: ALPN without overlap fails with no_application_protocol; a choice not offered is refused`,
    async (t) => {
      const apart = await meet({ alpnProtocols: ['a'] }, { alpnProtocols: ['b'], ...only });
      t.match(apart.client.error, { name: 'AlertReceivedError', alert: 'no_application_protocol' });
      t.match(apart.server.error, { name: 'PeerIncompatibleError', alert: 'no_application_protocol' });
      const silent = await meet({}, { alpnProtocols: ['b'], ...only });
      t.equal(silent.client.negotiated?.alpnProtocol, undefined);
      t.equal(silent.server.error, undefined);
    },
  );

  t.test(
    `A1 (node): ${version}: serverNames choose the certificate; requireServerName refuses all others`,
    async (t) => {
      const other = issue({ issuer: root, dns: ['other.test'] });
      const wild = issue({ issuer: root, dns: ['*.wild.test'] });
      const low = issue({ issuer: root, dns: ['a.low'] });
      const serverNames = {
        'other.test.': credentials(other),
        '*.wild.test': credentials(wild),
        '*.low': credentials(low),
      };
      for (const name of ['host.test', 'other.test', 'a.wild.test', 'a.low']) {
        const connection = await meet({ serverName: name }, { serverNames, ...only });
        t.equal(connection.client.negotiated?.peer.verification, 'passed', name);
        t.equal(connection.server.negotiated?.serverName, name);
      }
      for (const serverName of ['host.test', '127.0.0.1', 'a.b.wild.test']) {
        const strict = await meet({ serverName }, { serverNames, requireServerName: true, ...only });
        t.match(strict.client.error, { name: 'AlertReceivedError', alert: 'unrecognized_name' }, serverName);
        t.match(strict.server.error, { name: 'PeerIncompatibleError', alert: 'unrecognized_name' }, serverName);
      }
      for (const own of [{}, { serverNames }]) {
        const server = new End(nodeEngine.server({ credentials: credentials(host), ...own, ...only }));
        const socket = new Duplex({
          read: () => undefined,
          write: (chunk: Buffer, _encoding, done) => {
            server.give(new Uint8Array(chunk));
            done();
          },
        });
        const peer = tls.connect({ socket, servername: 'a host.test', rejectUnauthorized: false });
        peer.on('error', () => undefined);
        for (let i = 0; i < 20; i++) {
          for (const bytes of server.out.splice(0)) socket.push(Buffer.from(bytes));
          await turn();
        }
        t.match(server.error, { alert: 'illegal_parameter' }, 'a name that is none is not taken for no name');
        t.equal(server.negotiated, undefined);
        server.engine.destroy();
        peer.destroy();
      }
    },
  );
}

t.test('without ca the roots of the runtime rule', async (t) => {
  const connection = pair(
    nodeEngine.client({ serverName: 'host.test' }),
    nodeEngine.server({ credentials: credentials(host) }),
  );
  await connection.run();
  t.match(connection.client.error, { reason: 'unknown-authority' });
  connection.destroy();
});

t.test('a staple is asked for, sent and reported; without asking there is none', async (t) => {
  const ocspStaple = Buffer.from('3003020100', 'hex');
  const asked = await meet({ requestOcsp: true }, { ocspStaple });
  t.ok(ocspStaple.equals(asked.client.negotiated?.peer.ocspStaple ?? Buffer.alloc(0)));
  t.equal((await meet({}, { ocspStaple })).client.negotiated?.peer.ocspStaple, undefined);
  t.equal((await meet({ requestOcsp: true }, {})).client.negotiated?.peer.ocspStaple, undefined);
});

t.test(
  'no version and no cipher in common are PeerIncompatibleError on the server and an alert on the client',
  async (t) => {
    const version = await meet({ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' });
    t.match(version.client.error, { name: 'AlertReceivedError', alert: 'protocol_version' });
    t.equal(version.server.error?.name, 'PeerIncompatibleError');
    const cipher = await meet(
      { maxVersion: 'TLSv1.2', ciphers: ['ECDHE-ECDSA-AES128-GCM-SHA256'] },
      { maxVersion: 'TLSv1.2', ciphers: ['ECDHE-ECDSA-AES256-GCM-SHA384'] },
    );
    t.match(cipher.client.error, { name: 'AlertReceivedError', alert: 'handshake_failure' });
    t.match(cipher.server.error, { name: 'PeerIncompatibleError', alert: 'handshake_failure' });
  },
);

t.test('A5 (node): names by RFC 9525, vector by vector', async (t) => {
  const matches = (pattern: string, name: string): boolean =>
    matchesIdentity(subjectAlternativeNames(issue({ dns: [pattern] }).der), referenceIdentity(name));
  for (const [pattern, name, expected] of [
    ['host.test', 'HOST.test', true],
    ['HOST.TEST', 'host.test', true],
    ['host.test', 'host.test.', true],
    ['*.host.test', 'a.host.test', true],
    ['*.host.test', 'host.test', false],
    ['*.host.test', 'a.b.host.test', false],
    ['a*.host.test', 'ab.host.test', false],
    ['*a.host.test', 'ba.host.test', false],
    ['a.*.test', 'a.b.test', false],
    ['*.*.test', 'a.b.test', false],
    ['*.test', 'host.test', false],
    ['*', 'host', false],
    ['xn--*.host.test', 'xn--a.host.test', false],
    ['.host.test', 'a.host.test', false],
    ['host.test\0', 'host.test', false],
    ['', 'host.test', false],
  ] as const)
    t.equal(matches(pattern, name), expected, `${JSON.stringify(pattern)} for ${name}`);
  t.throws(() => referenceIdentity('1.2.3'), { name: 'ApiMisuseError' });
  t.throws(() => referenceIdentity('fe80::1%eth0'), { name: 'ApiMisuseError' });
  t.throws(() => referenceIdentity('\u212Aey.test'), { name: 'ApiMisuseError' }, 'a Kelvin sign is no k');
  t.same(
    [...(referenceIdentity('::ffff:1.2.3.4') as { address: Uint8Array }).address].slice(10),
    [255, 255, 1, 2, 3, 4],
  );
  t.same(
    [...(referenceIdentity('2001:db8::8:800:200c:417a') as { address: Uint8Array }).address],
    [32, 1, 13, 184, 0, 0, 0, 0, 0, 8, 8, 0, 32, 12, 65, 122],
  );
});

// --- Node's own behaviour, for comparison ---

t.test('hole in Node: a bare server-side TLSSocket does not enforce rejectUnauthorized; ours does (A4)', async (t) => {
  const made = (other: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        other().push(chunk);
        done();
      },
    });
  const a: Duplex = made(() => b);
  const b: Duplex = made(() => a);
  const bare = new tls.TLSSocket(a, {
    isServer: true,
    requestCert: true,
    rejectUnauthorized: true,
    secureContext: tls.createSecureContext({ cert: host.pem, key: host.keyPem, ca: root.pem, maxVersion: 'TLSv1.2' }),
  });
  const stranger = issue({ issuer: otherRoot });
  const peer = tls.connect({
    socket: b,
    servername: 'host.test',
    ca: root.pem,
    cert: stranger.pem,
    key: stranger.keyPem,
  });
  bare.on('error', () => undefined);
  peer.on('error', () => undefined);
  const heard = once(bare, 'data');
  peer.on('secureConnect', () => peer.write('let in'));
  const [data] = (await heard) as [Buffer];
  t.equal(data.toString(), 'let in', 'Node delivers what an untrusted client wrote');
  bare.destroy();
  peer.destroy();
});

t.test("hole in Node: Node's checkServerIdentity accepts a name in the CN only; ours does not (A5)", async (t) => {
  const leaf = issue({ issuer: root, cn: 'host.test' });
  const server = tls.createServer({ cert: leaf.pem, key: leaf.keyPem });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = tls.connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: 'host.test',
    ca: root.pem,
  });
  await once(socket, 'secureConnect');
  t.equal(socket.authorized, true);
  socket.destroy();
  server.close();
});
