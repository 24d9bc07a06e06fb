// Who the peer is: chains, names, usage, time, client certificates, the user's own word; sessions; options.
import { ApiMisuseError, CertificateError, EngineFailureError, TlsError } from '@rxtls/core/engine';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import { type ForgeClientOptions, forgeEngine, memorySessions } from '../src/index.ts';
import { both, type Both, carry, client, End, legacy, records, server, toText } from './harness.ts';
import {
  credentials,
  client as clientLeaf,
  host,
  intermediate,
  type Issued,
  otherRoot,
  root,
  rsa,
  type Wish,
} from './rsa-pki.ts';
import { issue } from '../../engine-node/test/pki.ts';

const day = 24 * 3600 * 1000;
const leaf = (wish: Wish): Issued => rsa({ issuer: root, usage: 'serverAuth', dns: ['host.test'], ...wish });
const served = (issued: Issued, options: Partial<ForgeClientOptions> = {}): Both =>
  both({ client: client(options), server: server({ credentials: credentials(issued) }) });

/** The client refused, said so to the server, and nothing was negotiated there. */
function refusedBy(t: Test, { client, server }: Both, reason: string, name: string): void {
  t.ok(client.error instanceof CertificateError && client.error.reason === reason, `${name}: ${client.error}`);
  t.notOk(client.negotiated ?? server.negotiated, name);
  t.match(server.error, { name: 'AlertReceivedError' }, name);
}

t.test('A5 (forge) the name: SAN only, DNS and IP, wildcards for one whole left-most label', async (t) => {
  const good: [Wish, string][] = [
    [{ dns: ['host.test'] }, 'host.test'],
    [{ dns: ['HOST.Test'] }, 'host.TEST.'],
    [{ dns: ['*.wild.test'] }, 'a.wild.test'],
    [{ dns: [], ips: [[127, 0, 0, 1]] }, '127.0.0.1'],
    [{ dns: [], ips: [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]] }, '::1'],
  ];
  for (const [wish, serverName] of good) {
    const pair = served(leaf(wish), { serverName });
    t.equal(pair.client.negotiated?.peer.verification, 'passed', `${serverName} ${pair.client.error}`);
    t.equal(pair.server.negotiated?.serverName, pair.client.negotiated?.serverName, 'an address is not sent as SNI');
  }
  const bad: [Wish, string][] = [
    [{ dns: ['other.test'] }, 'host.test'],
    [{ cn: 'host.test', dns: [] }, 'host.test'],
    [{ cn: 'host.test', dns: ['other.test'] }, 'host.test'],
    [{ dns: ['host.test\0.evil.test'] }, 'host.test'],
    [{ dns: ['*.wild.test'] }, 'a.b.wild.test'],
    [{ dns: ['*.wild.test'] }, 'wild.test'],
    [{ dns: ['w*.wild.test'] }, 'web.wild.test'],
    [{ dns: ['*.test'] }, 'host.test'],
    [{ dns: ['127.0.0.1'] }, '127.0.0.1'],
    [{ dns: [], ips: [[127, 0, 0, 2]] }, '127.0.0.1'],
  ];
  for (const [wish, serverName] of bad)
    refusedBy(t, served(leaf(wish), { serverName }), 'wrong-name', `${JSON.stringify(wish)} ${serverName}`);
});

t.test('A4 (forge) chains: authority, time, usage, sizes, signatures', async (t) => {
  const through = (above: Issued): Issued => leaf({ issuer: above });
  refusedBy(t, served(host, { ca: otherRoot.pem }), 'unknown-authority', 'another root');
  refusedBy(t, served(leaf({ to: Date.now() - day })), 'expired', 'expired');
  refusedBy(t, served(leaf({ from: Date.now() + day })), 'not-yet-valid', 'not yet');
  refusedBy(t, served(leaf({ usage: 'clientAuth' })), 'wrong-usage', 'for clients');
  refusedBy(t, served(leaf({ kind: 'rsa1024' })), 'weak-key', '1024 bits');
  refusedBy(t, served(through(leaf({}))), 'bad-certificate', 'issued by a leaf');
  refusedBy(t, served(through(rsa({ cn: 'old', ca: true, issuer: root, to: Date.now() - day }))), 'expired', 'above');
  refusedBy(t, served({ ...host, issuers: [] }), 'unknown-authority', 'without its intermediate');
  refusedBy(t, served({ ...leaf({}), issuers: [intermediate, root] }, { ca: otherRoot.pem }), 'unknown-authority', 'x');
  const forged = issue({ kind: 'rsa', dns: ['host.test'], issuer: { ...otherRoot, cn: root.cn } });
  refusedBy(t, served(forged), 'unknown-authority', 'the name of the root, the key of another');
  const short = both({}, { client: { limits: { maxChainLength: 1 } } });
  refusedBy(t, short, 'chain-too-long', 'two shown, one allowed');
  for (const now of [Date.now() - 400 * day, Date.now() + 400 * day])
    refusedBy(
      t,
      both({}, { client: { wallClock: () => now } }),
      now < Date.now() ? 'not-yet-valid' : 'expired',
      "by the host's clock",
    );
  t.ok(served(leaf({}), { ca: [otherRoot.pem, root.der] }).client.negotiated, 'one of several anchors');
  const self = rsa({ dns: ['host.test'], usage: 'serverAuth' });
  t.ok(served(self, { ca: self.pem }).client.negotiated, 'a pinned certificate that signed itself');
  refusedBy(t, served(self), 'unknown-authority', 'the same, not pinned');
});

t.test('A4 (forge) a server that requires a certificate has no connection without a good one', async (t) => {
  const shown = (own: Issued | undefined, clientAuth: 'require' | 'request'): Both =>
    both({
      client: client(own === undefined ? {} : { credentials: credentials(own) }),
      server: server({ clientAuth, clientCa: root.pem }),
    });
  for (const clientAuth of ['require', 'request'] as const) {
    const good = shown(clientLeaf, clientAuth);
    t.equal(good.server.negotiated?.peer.verification, 'passed');
    t.same(good.server.negotiated?.peer.chain[0], new Uint8Array(clientLeaf.der));
    for (const [wish, reason] of [
      [{ issuer: otherRoot }, 'unknown-authority'],
      [{ to: Date.now() - day }, 'expired'],
      [{ usage: 'serverAuth' }, 'wrong-usage'],
    ] as const) {
      const pair = shown(rsa({ issuer: root, usage: 'clientAuth', ...wish }), clientAuth);
      t.ok(pair.server.error instanceof CertificateError && pair.server.error.reason === reason, reason);
      t.notOk(pair.server.negotiated ?? pair.client.negotiated);
    }
  }
  const missing = shown(undefined, 'require');
  t.match(missing.server.error, { name: 'CertificateError', reason: 'missing', alert: 'handshake_failure' });
  t.match(missing.client.error, { name: 'AlertReceivedError', alert: 'handshake_failure' });
  const without = shown(undefined, 'request');
  t.same(without.server.negotiated?.peer, { chain: [], verification: 'not-requested' });
});

t.test('A6 (forge) plaintext and close_notify wait for verify; nothing may be sent meanwhile', async (t) => {
  const pair = both({ client: client({ verify: () => true }) });
  t.equal(pair.client.ready?.state, 'WANT_ASYNC');
  t.throws(() => pair.client.send('early'), ApiMisuseError);
  pair.server.send('early plaintext');
  pair.server.engine?.sendCloseNotify();
  carry(pair.client, pair.server);
  t.notOk(pair.client.negotiated);
  t.equal(pair.client.plaintext.length, 0);
  pair.client.tasks[0]?.resolve(true);
  t.ok(pair.client.negotiated);
  t.equal(pair.client.text, 'early plaintext');
  t.equal(pair.client.closed, true);
  t.equal(pair.client.consumed, pair.client.given);
});

t.test(
  'A7 (forge) verify adds to our checks and only true accepts; replacing them is spelled dangerously',
  async (t) => {
    for (const answer of [false, undefined, 1, 'yes', {}]) {
      const pair = both({ client: client({ verify: () => true }), server: server() });
      pair.client.tasks[0]?.resolve(answer);
      carry(pair.client, pair.server);
      t.match(pair.client.error, { reason: 'refused-by-verify' });
      t.match(pair.server.error, { name: 'AlertReceivedError', alert: 'certificate_unknown' });
    }
    const asked = served(leaf({ dns: ['other.test'] }), { verify: () => true });
    refusedBy(t, asked, 'wrong-name', 'verify does not replace');
    t.equal(asked.client.tasks.length, 0, 'and is not even asked');
    const replaced = served(rsa({}), { dangerouslyReplaceVerification: () => true });
    replaced.client.tasks[0]?.resolve(true);
    t.ok(replaced.client.negotiated);
    t.throws(() => client({ verify: () => true, dangerouslyReplaceVerification: () => true }), ApiMisuseError);
  },
);

t.test('A3 (forge) a task that fails ends that connection, with its alert, and no other', async (t) => {
  const factory = client({ verify: () => true });
  const [bad, good] = [both({ client: factory }), both({ client: factory })];
  bad.client.tasks[0]?.reject(new EngineFailureError('verify threw', { alert: 'certificate_unknown' }));
  carry(bad.client, bad.server);
  t.match(bad.client.error, { name: 'EngineFailureError', phase: 'verification' });
  t.match(bad.server.error, { alert: 'certificate_unknown' });
  bad.client.tasks[0]?.resolve(true);
  t.notOk(bad.client.negotiated, 'settled again, it says nothing');
  good.client.tasks[0]?.resolve(true);
  t.ok(good.client.negotiated);
});

t.test('S1 S2 S3 S5 (forge) a session is resumed under the same rules only, each once, by the clock', async (t) => {
  let seed = 10;
  const sessions = memorySessions();
  const serving = server({ clientAuth: 'request', clientCa: root.pem });
  const connected = (options: Partial<ForgeClientOptions> = {}, to = serving, now = Date.now()): Both =>
    both(
      { client: client({ sessions, ...options }), server: to },
      {
        client: { wallClock: () => now },
        server: { wallClock: () => now, seed: ++seed },
      },
    );
  t.equal(connected().client.negotiated?.resumed, false);
  const again = connected();
  t.equal(again.client.negotiated?.resumed, true);
  t.equal(again.server.negotiated?.resumed, true);
  t.equal(again.client.negotiated?.peer.chain.length, 3, 'the chain that was proved');
  again.client.send('resumed');
  carry(again.client, again.server);
  t.equal(again.server.text, 'resumed');
  t.equal(connected().client.negotiated?.resumed, false, 'S5: taken once');
  for (const other of [{ port: 1 }, { ca: [root.pem, otherRoot.pem] }, { credentials: credentials(clientLeaf) }])
    t.equal(connected(other).client.negotiated?.resumed, false, `another scope: ${Object.keys(other)[0]}`);
  t.equal(connected({}, serving, Date.now() + 25 * 3600 * 1000).client.negotiated?.resumed, false, 'S3: a day old');
  connected();
  t.equal(connected({}, server()).client.negotiated?.resumed, false, 'another server does not know it');
  const required = server({ clientAuth: 'require', clientCa: root.pem });
  const short = rsa({ issuer: root, usage: 'clientAuth', to: Date.now() + 3600 * 1000 });
  const own = { credentials: credentials(short), sessions: memorySessions() };
  t.equal(connected(own, required).server.negotiated?.peer.verification, 'passed');
  const resumed = connected(own, required);
  t.equal(resumed.server.negotiated?.resumed, true);
  t.same(resumed.server.negotiated?.peer.chain[0], new Uint8Array(short.der));
  connected(own, required);
  const late = connected(own, required, Date.now() + 2 * 3600 * 1000);
  t.notOk(late.server.negotiated, "S3: the client's certificate has expired since");
  t.equal(
    both({ server: server({ sessions: 'none' }), client: client({ sessions }) }).client.negotiated?.resumed,
    false,
  );
});

t.test('S1 (forge) what is done to a chain that was shown does not reach the trust anchors', async (t) => {
  const factory = client({ sessions: 'none' });
  for (const seed of [80, 81]) {
    const met = both({ client: factory, server: server() }, { server: { seed } });
    const chain = met.client.negotiated?.peer.chain ?? [];
    t.same(chain.at(-1), new Uint8Array(root.der));
    for (const der of chain) der.fill(0);
  }
});

t.test('S2 (forge) a session whose connection ended with a fatal alert is resumed by neither side', async (t) => {
  const opened = (seed: number): [Both, ReturnType<typeof server>, ReturnType<typeof client>] => {
    const [serving, resuming] = [server(), client({ sessions: memorySessions() })];
    return [both({ client: resuming, server: serving }, { server: { seed } }), serving, resuming];
  };
  const resumed = (serving: ReturnType<typeof server>, resuming: ReturnType<typeof client>): boolean | undefined =>
    both({ client: resuming, server: serving }, { server: { seed: 99 } }).client.negotiated?.resumed;
  const [clean, cleanServer, cleanClient] = opened(70);
  clean.client.engine?.sendCloseNotify();
  t.equal(resumed(cleanServer, cleanClient), true, 'a clean end keeps it');
  const [cut, cutServer, cutClient] = opened(71);
  cut.client.engine?.abort('internal_error');
  t.equal(resumed(cutServer, cutClient), false, 'the client has sent an alert');
  const [heard, heardServer, heardClient] = opened(72);
  heard.server.engine?.abort('internal_error');
  carry(heard.server, heard.client);
  t.ok(heard.client.error);
  t.equal(resumed(heardServer, heardClient), false, 'both have seen one');
  const sessions = memorySessions();
  const [serving, first] = [server(), client({ sessions })];
  const pair = both({ client: first, server: serving }, { server: { seed: 73 } });
  pair.server.engine?.abort('internal_error');
  t.equal(resumed(serving, first), false, 'the server has, and its client does not know yet');
});

t.test('D4 (forge) options: own properties, nothing switches verification off, danger is spelled out', async (t) => {
  t.throws(() => forgeEngine.client({ serverName: 'host.test', ca: root.pem } as never), /nodeEngine/);
  t.throws(() => forgeEngine.server({ credentials: credentials(host) } as never), /nodeEngine/);
  const options: Record<string, unknown>[] = [
    ...[null, 0, '', false, 'true', 1].map((dangerouslyAllowLegacyVersions) => ({ dangerouslyAllowLegacyVersions })),
    ...[null, 0, '', undefined, 'a b', '1.2.3', '[::1]', 'host.test\0', 'fe80::1%eth0'].map((serverName) => ({
      serverName,
    })),
    ...[null, 0, '', [], undefined, 'no pem', [null], issue({}).pem].map((ca) => ({ ca })),
    ...[null, 0, '', true].map((verify) => ({ verify })),
    ...[null, 0, ''].map((dangerouslyReplaceVerification) => ({ dangerouslyReplaceVerification })),
    ...['TLSv1.2', 'TLSv1.3', 'SSLv3', null].map((minVersion) => ({ minVersion })),
    { minVersion: 'TLSv1.1', maxVersion: 'TLSv1' },
    { rejectUnauthorized: false },
    { port: 65_536 },
    { sessions: {} },
    { credentials: { cert: host.pem, key: clientLeaf.keyPem } },
    { credentials: { cert: host.pem, key: 'x' } },
  ];
  for (const each of options) t.throws(() => client(each as never), ApiMisuseError, JSON.stringify(each).slice(0, 60));
  for (const each of [
    { clientAuth: 'require' },
    { clientAuth: 'request' },
    { clientAuth: null },
    { clientAuth: 'none', clientCa: root.pem },
    { clientAuth: 'require', clientCa: [] },
    { credentials: null },
    { keysOfOtherEngines: '' },
    { sessions: memorySessions() },
  ])
    t.throws(() => server(each as never), ApiMisuseError, JSON.stringify(each).slice(0, 60));
  const inherited = Object.create({ ...legacy, serverName: 'host.test', ca: root.pem }) as never;
  t.throws(() => forgeEngine.client(inherited), ApiMisuseError, 'inherited options are none');
  let reads = 0;
  const tricky = {
    ...legacy,
    ca: root.pem,
    get serverName(): string {
      return ++reads === 1 ? 'host.test' : 'evil.test';
    },
  };
  const factory = forgeEngine.client(tricky);
  t.ok(both({ client: factory }).client.negotiated);
  t.equal(reads, 1, 'read once');
});

t.test('keysOfOtherEngines: a key that another engine uses is refused, compared by SPKI', async (t) => {
  const sibling = issue({ key: host, dns: ['elsewhere.test'], issuer: otherRoot });
  t.throws(() => server({ keysOfOtherEngines: [issue({}).pem, sibling.pem] }), /another engine uses this key/);
  t.doesNotThrow(() => server({ keysOfOtherEngines: [issue({}).pem, clientLeaf.der] }));
});

t.test('version safety: SCSV is refused, the sentinel stands in every ServerHello, SSL 3 is refused', async (t) => {
  const hello = new End(client()).take();
  const position = hello.findIndex((_, at) => hello[at] === 0x00 && hello[at + 1] === 0xff && at > 44);
  const fallback = new Uint8Array(hello);
  fallback.set([0x56, 0x00], position);
  const refused = new End(server()).give(fallback);
  t.match(refused.error, { name: 'PeerIncompatibleError', alert: 'inappropriate_fallback' });
  t.same(records(refused.take()), [Uint8Array.of(21, 3, 2, 0, 2, 2, 86)]);
  const random = (end: End): string => toText(end.take().subarray(11, 43));
  t.equal(random(new End(server()).give(hello)).slice(-8), 'DOWNGRD\0');
  const alone = server({ dangerouslyAllowFallback: true });
  t.not(random(new End(alone).give(fallback)).slice(-8), 'DOWNGRD\0');
  const old = new Uint8Array(hello);
  old.set([3, 0], 9);
  t.match(new End(server()).give(old).error, { name: 'PeerIncompatibleError', alert: 'protocol_version' });
  const sessions = memorySessions();
  const [resuming, serving] = [client({ sessions }), server()];
  both({ client: resuming, server: serving });
  const offering = new End(resuming, { seed: 5 });
  const answering = new End(serving, { seed: 6 }).give(offering.take());
  const answer = answering.take();
  t.equal(toText(answer.subarray(35, 43)), 'DOWNGRD\0', 'in a resumption too');
  offering.give(answer);
  t.equal(offering.negotiated?.resumed, true);
});

t.test('the clear-text guard: no byte of an early write is ever on the wire', async (t) => {
  const secret = 'attack at dawn';
  const ends = { client: new End(client(), { seed: 1 }), server: new End(server(), { seed: 2 }) };
  let wire = '';
  for (let step = 0; step < 8; step++) {
    for (const end of [ends.client, ends.server])
      if (end.negotiated === undefined) t.throws(() => end.send(secret), ApiMisuseError);
    const [up, down] = [ends.client.take(), ends.server.take()];
    wire += toText(up) + toText(down);
    if (up.length > 0) ends.server.give(up);
    if (down.length > 0) ends.client.give(down);
  }
  t.ok(ends.client.negotiated && ends.server.negotiated, 'and the handshake goes on');
  for (const end of [ends.client, ends.server]) end.send(secret);
  carry(ends.client, ends.server);
  t.equal(ends.server.text, secret);
  t.notMatch(wire, secret);
  ends.client.engine?.sendCloseNotify();
  t.throws(() => ends.client.send(secret), ApiMisuseError, 'nor behind close_notify');
});

t.test('D1 (forge) destroy inside every callback and everything afterwards is a no-op', async (t) => {
  const names = [
    'ciphertext',
    'sealed',
    'consumed',
    'plaintext',
    'readiness',
    'task',
    'negotiated',
    'event',
    'closeNotify',
    'failed',
  ];
  for (const role of ['client', 'server'] as const)
    for (const name of names) {
      let after: string[] = [];
      const callback = (called: string, end: End): void => {
        if (after.length > 0) after.push(called);
        if (called !== name || end.engine === undefined || after.length > 0) return;
        after = [called];
        end.engine.destroy();
      };
      const pair = both(
        {
          client: client(role === 'client' && name === 'task' ? { verify: () => true } : {}),
          server: server(role === 'server' && name === 'task' ? { verify: () => true } : {}),
        },
        { [role]: { callback } },
      );
      const [end, other] = role === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
      if (end.ready?.maySend) end.send('x'.repeat(40_000));
      if (other.ready?.maySend) other.send('y'.repeat(40_000));
      carry(pair.client, pair.server);
      if (name === 'failed') end.give(Uint8Array.of(99, 1, 2, 3, 4, 5));
      if (other.error === undefined) other.engine?.sendCloseNotify();
      carry(pair.client, pair.server);
      t.same(after, [name], `${role}: nothing after destroy in ${name}`);
      const { engine } = end;
      t.doesNotThrow(() => {
        engine?.receiveCiphertext(Uint8Array.of(22));
        engine?.sendPlaintext(Uint8Array.of(1));
        engine?.sendCloseNotify();
        engine?.pause();
        engine?.resume();
        engine?.receiveEnd();
        engine?.abort('internal_error');
        engine?.destroy();
      });
      t.same(after, [name]);
    }
});

t.test('K4 (forge) no key and no master secret in errors, options, engines or events; keylog is opt-in', async (t) => {
  const keyLine = host.keyPem.split('\n')[3] ?? '';
  const masters: string[] = [];
  const logged = both({ client: client({ keylog: true }) });
  for (const event of logged.client.events) if (event.type === 'keylog') masters.push(event.line);
  t.equal(masters.length, 1);
  t.match(masters[0], /^CLIENT_RANDOM [\da-f]{64} [\da-f]{96}$/);
  const silent = both();
  t.notOk(silent.client.events.some(({ type }) => type === 'keylog'));
  const shown =
    inspect([silent, server(), logged.client.engine], { depth: 12, showHidden: true }) +
    JSON.stringify(silent.client.events);
  t.notMatch(shown, keyLine);
  for (const key of [
    '-----BEGIN RSA PRIVATE KEY-----\nsecretsecret\n-----END RSA PRIVATE KEY-----',
    host.keyPem.slice(0, 400),
  ])
    try {
      server({ credentials: { cert: host.pem, key } });
      t.fail('taken');
    } catch (error) {
      t.ok(error instanceof ApiMisuseError);
      t.notMatch(inspect(error), /secretsecret/);
      t.notMatch(inspect(error), keyLine);
    }
});

t.test('a seeded host gives the same bytes: every one comes from host.random and host.wallClock', async (t) => {
  const now = Date.now();
  const transcript = (delay: number): string => {
    const { client: a, server: b } = {
      client: new End(client(), { seed: 1, wallClock: () => now }),
      server: new End(server(), { seed: 2, wallClock: () => now }),
    };
    let wire = '';
    for (let turn = 0; turn < 4; turn++) {
      const [up, down] = [a.take(), b.take()];
      wire += toText(up) + toText(down);
      if (up.length > 0) b.give(up);
      if (down.length > 0) a.give(down);
      if (turn === 3) a.send('ping');
    }
    for (const end = Date.now() + delay; Date.now() < end; );
    a.engine?.sendCloseNotify();
    return wire + toText(a.take());
  };
  t.equal(transcript(2), transcript(0));
  const short = new End(client(), { seed: 1 });
  t.ok(short.randoms.includes('ClientHello.random'));
});

t.test('a host whose entropy fails or is short ends the connection, typed', async (t) => {
  for (const random of [
    () => {
      throw new Error('no entropy');
    },
    () => new Uint8Array(1),
  ]) {
    let failed: unknown;
    const sink = { ...silentSink, failed: (error: unknown) => (failed = error) };
    const host = {
      wallClock: Date.now,
      monotonicClock: () => 0,
      random,
      limits: (await import('@rxtls/core/engine')).defaultLimits,
    };
    t.doesNotThrow(() => client()(sink, host));
    t.ok(failed instanceof TlsError);
  }
});

const nothing = (): void => undefined;
const silentSink = {
  observed: false,
  ciphertext: nothing,
  sealed: nothing,
  consumed: nothing,
  plaintext: nothing,
  readiness: nothing,
  task: nothing,
  negotiated: nothing,
  event: nothing,
  closeNotify: nothing,
  failed: nothing,
};
