// Rows A and L2 of the checklist over tls13Engine.
import { byHello, type TlsEngineFactory } from '@rxtls/core';
import {
  type CryptoProvider,
  nodeCrypto,
  type Tls13ClientOptions,
  type Tls13ServerOptions,
} from '@rxtls/engine-tls13/node';
import { tls13EngineOn } from '@rxtls/engine-tls13/node';
import { EMPTY, NEVER, type ObservableInput, of, throwError } from 'rxjs';
import { memoryPair } from '@rxtls/transport-memory';
import t from 'tap';
import { encodeAlpn } from '../../packages/engine-tls13/src/handshake/extensions/alpn.ts';
import { type Issued, issue, now } from '../../packages/engine-tls13/test/certificate-pki.ts';
import {
  carry,
  client,
  clientLeaf,
  credentials,
  End,
  type EndOptions,
  hostLeaf,
  meet as meetEnds,
  otherRoot,
  root,
  server,
} from '../../packages/engine-tls13/test/ends.ts';
import { put, withExtensions } from '../../packages/engine-tls13/test/raw-peer.ts';
import { clientAndPeer, serverAndPeer } from '../../packages/engine-tls13/test/with-peer.ts';
import { duo as anyDuo, type DuoOptions, Side, turns, until } from '../rules-node/bench.ts';

t.setTimeout(60_000);

const hour = 3_600_000;
const day = 24 * hour;
const dns = ['host.test'];
const clock = { dangerouslyHost: { wallClock: () => now } };
const duo = ({ clientOptions, serverOptions, ...options }: DuoOptions = {}) =>
  anyDuo({
    client: client(),
    server: server(),
    ...options,
    clientOptions: { ...clock, ...clientOptions },
    serverOptions: { ...clock, ...serverOptions },
  });
const meet = (
  own: Partial<Tls13ClientOptions> = {},
  theirs: Partial<Tls13ServerOptions> = {},
  ends: { client?: EndOptions; server?: EndOptions } = {},
) => meetEnds({ client: client(own), server: server(theirs) }, ends);
const asking = { clientAuth: 'require', clientCa: root.pem } as const;

t.test(
  'A1 (tls13) ALPN without overlap is no_application_protocol, a choice that was not offered is refused',
  async (t) => {
    const apart = await meet({ alpnProtocols: ['a'] }, { alpnProtocols: ['b'] });
    t.match(apart.server.error, { name: 'PeerIncompatibleError', alert: 'no_application_protocol' });
    t.match(apart.client.error, { name: 'AlertReceivedError', alert: 'no_application_protocol' });
    const shared = await meet({ alpnProtocols: ['a', 'b'] }, { alpnProtocols: ['c', 'b'] });
    t.equal(shared.client.negotiated?.alpnProtocol, 'b');
    t.equal(shared.server.negotiated?.alpnProtocol, 'b');
    for (const [offered, alert] of [
      [['a'], 'illegal_parameter'],
      [[], 'unsupported_extension'],
    ] as const) {
      const { end } = clientAndPeer(
        {
          alter: (step, message) =>
            step === 'EncryptedExtensions' ? withExtensions(message, put(16, encodeAlpn(['z']))) : message,
        },
        offered.length > 0 ? { alpnProtocols: offered } : {},
      );
      t.match(end.error, { name: 'PeerMisbehavedError', alert });
      t.equal(end.negotiated, undefined);
    }
    t.match(serverAndPeer({ extensions: put(16, encodeAlpn(['a'])) }, { alpnProtocols: ['b'] }).end.error, {
      alert: 'no_application_protocol',
    });
  },
);

t.test(
  'A1 (tls13) serverNames choose the certificate; requireServerName refuses every other name and none',
  async (t) => {
    const served = (name: string): Issued => issue({ issuer: root, dns: [name], usage: ['serverAuth'] });
    const serverNames = {
      'other.test': credentials(served('other.test')),
      '*.wild.test': credentials(served('*.wild.test')),
    };
    for (const serverName of ['host.test', 'other.test', 'a.wild.test']) {
      const { client: c, server: s } = await meet({ serverName }, { serverNames });
      t.equal(c.negotiated?.peer.verification, 'passed', serverName);
      t.equal(s.negotiated?.serverName, serverName);
    }
    for (const [serverName, alert] of [
      ['host.test', 'unrecognized_name'],
      ['a.b.wild.test', 'unrecognized_name'],
      ['127.0.0.1', 'missing_extension'],
    ] as const) {
      const { client: c, server: s } = await meet({ serverName }, { serverNames, requireServerName: true });
      t.match(s.error, { name: 'PeerIncompatibleError', alert }, serverName);
      t.match(c.error, { name: 'AlertReceivedError', alert }, serverName);
    }
  },
);

t.test('A2 (tls13) a selector that throws, errors, is empty, gives two, is late or says no fails closed', async (t) => {
  const factory = server();
  const fail = (): never => {
    throw new Error('in byHello');
  };
  const fails: Record<string, readonly [alert: number, select: () => unknown]> = {
    throws: [80, () => fail()],
    errors: [80, () => throwError(() => new Error('no'))],
    rejects: [80, () => Promise.reject(new Error('no'))],
    'is empty': [80, () => EMPTY],
    'gives two': [80, () => of(factory, factory)],
    'gives no factory': [80, () => of(1)],
    'is late': [40, () => NEVER],
    'says no': [112, () => undefined],
  };
  for (const [name, [alert, select]] of Object.entries(fails)) {
    const d = duo({
      server: byHello(select as () => ObservableInput<TlsEngineFactory<'server'>>),
      serverOptions: { limits: { taskTimeout: 50 } },
    });
    await until(() => d.server.isOver && d.client.isOver, name);
    t.equal(d.server.connections.length + d.client.connections.length, 0, name);
    t.same(Array.from(Buffer.concat(d.server.wire.written)), [21, 3, 3, 0, 2, 2, alert], `${name}: alert ${alert}`);
    t.equal(d.server.wire.aborts, 1, name);
  }
  const [a, b] = memoryPair();
  const side = new Side(
    b,
    byHello(() => factory),
  );
  a.sink.write(Uint8Array.of(22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3));
  await until(() => side.isOver, 'an unparsable hello');
  t.same(Array.from(Buffer.concat(side.wire.written)), [21, 3, 3, 0, 2, 2, 50], 'decode_error');
  const good = await duo({
    server: byHello(({ serverName }) => (serverName === 'host.test' ? of(factory) : undefined)),
  }).open();
  t.equal(good.server.connection.negotiated.serverName, 'host.test');
  good.destroy();
});

t.test(
  "A3 (tls13) a user's function that throws, now or later, ends its own connection and nothing else",
  async (t) => {
    const beside = await duo().open();
    beside.server.read();
    const boom = (): never => {
      throw new Error('in a function of the user');
    };
    const ways: Record<string, () => never> = {
      throws: boom,
      rejects: (() => Promise.reject(new Error('later'))) as unknown as () => never,
      errors: (() => throwError(() => new Error('in an observable'))) as unknown as () => never,
      'is empty': (() => EMPTY) as unknown as () => never,
      'gives two': (() => of(true, true)) as unknown as () => never,
      'never answers': (() => NEVER) as unknown as () => never,
    };
    const bad: Record<string, DuoOptions> = {};
    for (const [name, way] of Object.entries(ways)) {
      const signer = { schemes: ['ecdsa_secp256r1_sha256'] as const, sign: way };
      bad[`client: verify ${name}`] = { client: client({ verify: way }) };
      bad[`client: dangerouslyReplaceVerification ${name}`] = {
        client: client({ dangerouslyReplaceVerification: way }),
      };
      bad[`server: verify ${name}`] = {
        server: server({ ...asking, verify: way }),
        client: client({ credentials: credentials(clientLeaf) }),
      };
      bad[`server: sign ${name}`] = { server: server({ credentials: { cert: hostLeaf.der, key: signer } }) };
      bad[`client: sign ${name}`] = {
        client: client({ credentials: { cert: clientLeaf.der, key: signer } }),
        server: server(asking),
      };
    }
    bad['client: padding throws'] = { client: client({ padding: boom }) };
    bad['server: padding throws'] = { server: server({ padding: boom }) };
    bad['client: padding gives nonsense'] = { client: client({ padding: () => Number.NaN }) };
    bad['server: padding gives nonsense'] = { server: server({ padding: () => -1 }) };
    bad['server: sign gives another signature'] = {
      server: server({
        credentials: {
          cert: hostLeaf.der,
          key: { schemes: ['ecdsa_secp256r1_sha256'], sign: () => new Uint8Array(70) },
        },
      }),
    };
    const limits = { taskTimeout: 40 };
    for (const [name, options] of Object.entries(bad)) {
      const role = name.startsWith('client') ? 'client' : 'server';
      const d = duo({ ...options, clientOptions: { limits }, serverOptions: { limits } });
      await until(() => d[role].isOver, name);
      t.equal(d[role].connections.length, 0, `${name}: nothing emitted`);
      t.equal(d[role].errors.length, 1, `${name}: ${d[role].error?.name}`);
      t.equal(d[role].wire.aborts, 1, `${name}: aborted once`);
      d.destroy();
    }
    beside.client.write('untouched');
    await until(() => beside.server.text === 'untouched', 'the connection beside');
    beside.destroy();
  },
);

t.test('A4 (tls13) a server that requires certificates is never connected to a client whose own fails', async (t) => {
  const expired = { from: now - 9 * day, to: now - day };
  const vectors: [string, Issued | undefined, string, EndOptions?][] = [
    ['missing', undefined, 'missing'],
    ['untrusted', issue({ issuer: otherRoot, usage: ['clientAuth'] }), 'unknown-authority'],
    ['self-signed', issue({ usage: ['clientAuth'] }), 'unknown-authority'],
    ['expired', issue({ issuer: root, usage: ['clientAuth'], ...expired }), 'expired'],
    [
      'not yet valid',
      issue({ issuer: root, usage: ['clientAuth'], from: now + day, to: now + 9 * day }),
      'not-yet-valid',
    ],
    ['for servers', issue({ issuer: root, usage: ['serverAuth'] }), 'wrong-usage'],
    ['for code signing', issue({ issuer: root, usage: ['codeSigning'] }), 'wrong-usage'],
    ['RSA 1024', issue({ issuer: root, usage: ['clientAuth'], kind: 'rsa1024' }), 'weak-key'],
    ['expired by the host clock', clientLeaf, 'expired', { wallClock: () => now + 400 * day }],
  ];
  for (const [name, leaf, reason, end] of vectors) {
    // A raw client: ours would refuse to show some of these.
    const {
      end: s,
      peer,
      run,
    } = serverAndPeer(
      leaf === undefined
        ? {
            alter: (step, m) =>
              step === 'Certificate' ? Uint8Array.of(11, 0, 0, 4, 0, 0, 0, 0) : step === 'CertificateVerify' ? [] : m,
          }
        : { issued: leaf },
      asking,
      end,
    );
    peer.data('secret');
    run();
    t.match(s.error, { name: 'CertificateError', reason }, `${name}: ${s.error?.message}`);
    t.equal(s.negotiated, undefined, name);
    t.equal(s.plaintext.length, 0, name);
    t.ok(peer.alerts.length > 0, `${name}: and the client is told`);
  }
  const good = await meet({ credentials: credentials(clientLeaf) }, asking);
  t.match(good.server.negotiated?.peer, { verification: 'passed' });
  t.same(good.server.negotiated?.peer.chain[0], clientLeaf.der);
  const request = { clientAuth: 'request', clientCa: root.pem } as const;
  t.match((await meet({}, request)).server.negotiated?.peer, { verification: 'not-requested', chain: [] });
  const foreign = { credentials: credentials(issue({ issuer: otherRoot, usage: ['clientAuth'] })) };
  t.match((await meet(foreign, request)).server.error, { reason: 'unknown-authority' });
  const d = duo({ server: server(asking) });
  await until(() => d.server.isOver, 'the refusal');
  t.equal(d.server.connections.length, 0, 'and core emits none');
  d.destroy();
});

t.test('A5 (tls13) a client takes only a certificate for the name it asked for', async (t) => {
  t.throws(
    () => client({ serverName: undefined as unknown as string }),
    { name: 'ApiMisuseError' },
    'there is always a name',
  );
  t.throws(() => client({ serverName: '' }), { name: 'ApiMisuseError' });
  const ips = (...address: number[]): Issued => issue({ issuer: root, ips: [address] });
  const vectors: [string, Issued, string | undefined, string?][] = [
    ['right name', hostLeaf, undefined],
    ['right name in capitals', issue({ issuer: root, dns: ['HOST.test'] }), undefined],
    ['wrong name', issue({ issuer: root, dns: ['other.test'] }), 'wrong-name'],
    ['CN only', issue({ issuer: root, cn: 'host.test' }), 'wrong-name'],
    ['CN beside another SAN', issue({ issuer: root, cn: 'host.test', dns: ['other.test'] }), 'wrong-name'],
    ['NUL in the name', issue({ issuer: root, dns: ['host.test\0.evil.test'] }), 'wrong-name'],
    ['two names in one', issue({ issuer: root, dns: ['evil.test, DNS:host.test'] }), 'wrong-name'],
    ['a suffix of it', issue({ issuer: root, dns: ['test'] }), 'wrong-name'],
    ['wildcard', issue({ issuer: root, dns: ['*.host.test'] }), undefined, 'a.host.test'],
    ['wildcard for two labels', issue({ issuer: root, dns: ['*.host.test'] }), 'wrong-name', 'a.b.host.test'],
    ['wildcard for none', issue({ issuer: root, dns: ['*.host.test'] }), 'wrong-name'],
    ['wildcard within a label', issue({ issuer: root, dns: ['h*.test'] }), 'wrong-name'],
    ['wildcard not leftmost', issue({ issuer: root, dns: ['a.*.test'] }), 'wrong-name', 'a.host.test'],
    ['wildcard for everything', issue({ issuer: root, dns: ['*'] }), 'wrong-name', 'localhost'],
    ['address written as a name', issue({ issuer: root, dns: ['127.0.0.1'] }), 'wrong-name', '127.0.0.1'],
    ['address', ips(127, 0, 0, 1), undefined, '127.0.0.1'],
    ['other address', ips(127, 0, 0, 2), 'wrong-name', '127.0.0.1'],
    ['IPv6', ips(...new Uint8Array(15), 1), undefined, '::1'],
    ['untrusted', issue({ issuer: otherRoot, dns }), 'unknown-authority'],
    ['expired', issue({ issuer: root, dns, from: now - 9 * day, to: now - day }), 'expired'],
    ['for clients', issue({ issuer: root, dns, usage: ['clientAuth'] }), 'wrong-usage'],
  ];
  for (const [name, leaf, reason, serverName] of vectors) {
    const { end: c, peer, run } = clientAndPeer({ issued: leaf }, serverName === undefined ? {} : { serverName });
    if (reason === undefined) {
      t.equal(c.negotiated?.peer.verification, 'passed', `${name}: ${c.error?.message ?? 'passed'}`);
      continue;
    }
    peer.data('secret');
    run();
    t.match(c.error, { name: 'CertificateError', reason }, `${name}: ${c.error?.message ?? 'no error'}`);
    t.equal(c.negotiated, undefined, name);
    t.equal(c.plaintext.length, 0, name);
  }
  const { server: s } = await meet({ serverName: '127.0.0.1' }, { credentials: credentials(ips(127, 0, 0, 1)) });
  t.equal(s.negotiated?.serverName, undefined, 'addresses are never sent');
  t.ok(s.negotiated);
});

t.test('A6 (tls13) plaintext that comes while verify runs is held; refused, nothing of it is emitted', async (t) => {
  for (const role of ['client', 'server'] as const)
    for (const answer of [true, false, 'reject'] as const) {
      const made =
        role === 'client'
          ? clientAndPeer({}, { verify: () => true }, { holdTasks: true })
          : serverAndPeer({}, { ...asking, verify: () => true }, { holdTasks: true });
      const { end, peer, run } = made;
      t.equal(end.tasks.length, 1, `${role}: asked`);
      t.equal(end.ready?.state, 'WANT_ASYNC');
      t.equal(end.ready?.maySend, false);
      // A client's peer has not our Finished; its data may come before that (0.5 RTT).
      peer.data('early words').alert(1, 0);
      run();
      t.equal(end.plaintext.length, 0);
      t.notOk(end.closed);
      t.equal(end.negotiated, undefined);
      const [task] = end.tasks;
      if (answer === 'reject') task!.reject(new (await import('@rxtls/core')).EngineFailureError('no'));
      else task!.resolve(answer);
      task!.resolve(true);
      run();
      if (answer === true) {
        t.equal(end.text, 'early words', `${role}: ${end.error?.message ?? 'no error'}`);
        t.ok(end.closed);
        t.ok(end.log.indexOf('negotiated') < end.log.indexOf('plaintext'));
        t.equal(end.consumed, end.given);
        continue;
      }
      t.equal(end.error?.name, answer === false ? 'CertificateError' : 'EngineFailureError');
      t.equal(end.plaintext.length, 0);
      t.equal(end.negotiated, undefined);
      t.notOk(end.closed);
    }
});

t.test('A7 (tls13) verify adds to our checks; only the dangerous name replaces them', async (t) => {
  let asked = 0;
  const yes = (): boolean => {
    asked++;
    return true;
  };
  const wrong = { issued: issue({ issuer: otherRoot, dns: ['elsewhere.test'] }) };
  t.match(clientAndPeer(wrong, { verify: yes }).end.error, { name: 'CertificateError' });
  t.match(serverAndPeer(wrong, { ...asking, verify: yes }).end.error, { name: 'CertificateError' });
  t.equal(asked, 0, 'a refused peer is not even shown to it');
  const seen: unknown[] = [];
  const shown = await meet({ verify: async (peer) => seen.push(peer) > 0 });
  t.equal(shown.client.negotiated?.peer.verification, 'passed');
  t.match(seen, [{ serverName: 'host.test', resumed: false, chain: [hostLeaf.der] }]);
  const elsewhere = { credentials: credentials(wrong.issued) };
  const replaced = await meet({ dangerouslyReplaceVerification: yes }, elsewhere);
  t.equal(replaced.client.negotiated?.peer.verification, 'passed');
  t.equal(asked, 1);
  t.throws(() => client({ verify: yes, dangerouslyReplaceVerification: yes }), { name: 'ApiMisuseError' });
  for (const answer of [undefined, null, 0, '', 'yes', 1, {}, Promise.resolve(1)]) {
    const verify = (() => answer) as unknown as () => boolean;
    t.match((await meet({ verify })).client.error, { reason: 'refused-by-verify' }, String(answer));
    const refusing = await meet({ credentials: credentials(clientLeaf) }, { ...asking, verify });
    t.match(refusing.server.error, { reason: 'refused-by-verify' }, String(answer));
    const replacing = { dangerouslyReplaceVerification: verify };
    t.match((await meet(replacing, elsewhere)).client.error, { reason: 'refused-by-verify' }, String(answer));
  }
  for (const nothing of [null, 0, '', false, true])
    t.throws(() => client({ verify: nothing as unknown as () => boolean }), { name: 'ApiMisuseError' });
});

t.test('L2 (tls13) large keys and long chains are refused before a signature is verified', async (t) => {
  let verified = 0;
  const counting: CryptoProvider = {
    ...nodeCrypto,
    publicKey: (key) => {
      const own = nodeCrypto.publicKey(key);
      return {
        type: own.type,
        verify: (...parameters) => {
          verified++;
          return own.verify(...parameters);
        },
      };
    },
  };
  const engine = tls13EngineOn(counting);
  const huge = issue({ issuer: root, dns, kind: 'rsa16384' });
  const hugeAuthority = issue({ issuer: root, ca: true, kind: 'rsa16384' });
  const long: Issued[] = [hostLeaf];
  while (long.length < 11) long.push(issue({ issuer: root, ca: true }));
  const vectors: Record<string, readonly [chain: readonly Issued[], reason: string]> = {
    'a leaf of 16384 bits': [[huge], 'weak-key'],
    'an intermediate of 16384 bits': [[hostLeaf, hugeAuthority], 'weak-key'],
    'RSA 1024': [[issue({ issuer: root, dns, kind: 'rsa1024' })], 'weak-key'],
    'eleven certificates': [long, 'chain-too-long'],
  };
  const { RawPeer } = await import('../../packages/engine-tls13/test/raw-peer.ts');
  for (const [name, [chain, reason]] of Object.entries(vectors)) {
    const raw = { issued: hostLeaf, chain: chain.map(({ der }) => der) };
    const ends = {
      client: [new End(engine.client({ serverName: 'host.test', ca: root.pem })), new RawPeer('server', raw)],
      server: [
        new End(engine.server({ credentials: credentials(hostLeaf), ...asking })),
        new RawPeer('client', raw).start(),
      ],
    } as const;
    for (const [role, [end, peer]] of Object.entries(ends)) {
      verified = 0;
      carry(end, peer);
      t.match(end.error, { name: 'CertificateError', reason }, `${role}: ${name}: ${end.error?.message ?? 'no error'}`);
      t.equal(verified, 0, `${role}: ${name}: no signature was verified`);
      t.equal(end.negotiated, undefined);
    }
  }
  const ten = { issued: hostLeaf, chain: long.slice(0, 10).map(({ der }) => der) };
  t.ok(clientAndPeer(ten).end.negotiated, 'ten are read');
  await turns(1);
});
