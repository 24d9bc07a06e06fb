// Whom a certificate is for, vector by vector (RFC 9525, and what x509-limbo tries); what options cannot switch off; what is kept of secrets.
import { ApiMisuseError } from '@rxtls/core/engine';
import { inspect } from 'node:util';
import t from 'tap';
import { forgeEngine, type ForgeClientOptions } from '../src/index.ts';
import { type ForgeConnection, library } from '../src/forge-library.ts';
import { matchesIdentity, referenceIdentity, subjectAlternativeNames } from '@rxtls/core/engine-parts';
import { both, carry, client, legacy, server, toText } from './harness.ts';
import { credentials, host, root, short, type Wish } from './rsa-pki.ts';

const key = short({});
const matches = (wish: Wish, name: string): boolean =>
  matchesIdentity(subjectAlternativeNames(short({ key, ...wish }).der), referenceIdentity(name));

t.test('A5 (forge) names by RFC 9525, vector by vector', async (t) => {
  const dns: readonly (readonly [pattern: string, name: string, expected: boolean])[] = [
    ['host.test', 'HOST.test', true],
    ['HOST.TEST', 'host.test', true],
    ['host.test', 'host.test.', true],
    ['host.test.', 'host.test', false],
    ['host.test.evil', 'host.test', false],
    ['evilhost.test', 'host.test', false],
    ['*.host.test', 'a.host.test', true],
    ['*.host.test', 'host.test', false],
    ['*.host.test', 'a.b.host.test', false],
    ['a*.host.test', 'ab.host.test', false],
    ['*a.host.test', 'ba.host.test', false],
    ['a.*.test', 'a.b.test', false],
    ['*.*.test', 'a.b.test', false],
    ['**.host.test', 'a.host.test', false],
    ['*.test', 'host.test', false],
    ['*.', 'host.test', false],
    ['*', 'host', false],
    ['*', 'host.test', false],
    ['xn--*.host.test', 'xn--a.host.test', false],
    ['xn--bcher-kva.test', 'xn--bcher-kva.test', true],
    ['xn--bcher-kva.test', 'XN--BCHER-KVA.test', true],
    ['b\u00fccher.test', 'xn--bcher-kva.test', false],
    ['*.bcher.test', 'xn--a.bcher.test', true],
    ['.host.test', 'a.host.test', false],
    ['host.test\0', 'host.test', false],
    ['host.test\0.evil.test', 'host.test', false],
    ['\0host.test', 'host.test', false],
    ['host.test ', 'host.test', false],
    ['host.test\n', 'host.test', false],
    ['https://host.test', 'host.test', false],
    ['', 'host.test', false],
    ['127.0.0.1', '127.0.0.1', false],
    ['*.0.0.1', '127.0.0.1', false],
    ['::1', '::1', false],
  ];
  for (const [pattern, name, expected] of dns)
    t.equal(matches({ dns: [pattern] }, name), expected, `${JSON.stringify(pattern)} for ${name}`);
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 8, 8, 0, 0x20, 0xc, 0x41, 0x7a];
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1];
  const addresses: readonly (readonly [address: readonly number[], name: string, expected: boolean])[] = [
    [[127, 0, 0, 1], '127.0.0.1', true],
    [[127, 0, 0, 2], '127.0.0.1', false],
    [[127, 0, 0, 1, 255, 255, 255, 255], '127.0.0.1', false],
    [[127, 0, 0], '127.0.0.1', false],
    [mapped, '127.0.0.1', false],
    [mapped, '::ffff:127.0.0.1', true],
    [v6, '2001:db8::8:800:200c:417a', true],
    [v6, '2001:DB8:0:0:8:800:200C:417A', true],
    [v6, '2001:db8::8:800:200c:417b', false],
  ];
  for (const [address, name, expected] of addresses)
    t.equal(matches({ ips: [address] }, name), expected, `${address.join('.')} for ${name}`);
  t.notOk(matches({ cn: 'host.test' }, 'host.test'), 'CN alone');
  t.notOk(matches({ cn: 'host.test', dns: ['other.test'] }, 'host.test'), 'CN besides');
  t.notOk(matches({ cn: '127.0.0.1' }, '127.0.0.1'), 'an address as CN');
  t.ok(matches({ dns: ['other.test', 'host.test'] }, 'host.test'), 'one of several');
});

t.test('A5 (forge) a client always has a name, in ASCII, and nobody makes a name of an address', async (t) => {
  const names = [undefined, null, '', ' ', '.', '..', 'a..b', '-a.test', 'a-.test', '*.host.test', 'host.test/', 'a b'];
  const odd = [
    'b\u00fccher.test',
    '\u212Aey.test',
    'host.test\0',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '0x7f.1',
    '[::1]',
  ];
  const long = ['fe80::1%eth0', ':::', '1::2::3', `${'a'.repeat(64)}.test`, `${'a.'.repeat(127)}test`];
  for (const serverName of [...names, ...odd, ...long])
    t.throws(() => client({ serverName: serverName as string }), ApiMisuseError, JSON.stringify(serverName));
});

t.test("A7 (forge) a server's verify adds to our checks: it is not asked about whom they refuse", async (t) => {
  const asking = server({ verify: () => true, clientAuth: 'require', clientCa: root.pem });
  const pair = both({ client: client({ credentials: credentials(host) }), server: asking });
  t.match(pair.server.error, { name: 'CertificateError', reason: 'wrong-usage' });
  t.equal(pair.server.tasks.length, 0);
  for (const name of ['checkServerIdentity', 'rejectUnauthorized', 'replaceVerification', 'insecure', 'verifyServer'])
    t.throws(() => client({ [name]: () => true }), ApiMisuseError, `no ${name}: it would have to say dangerously`);
});

t.test('D4 (forge) every option of a server: null, 0 and the empty string switch nothing off', async (t) => {
  for (const name of [
    'dangerouslyAllowLegacyVersions',
    'credentials',
    'keysOfOtherEngines',
    'clientAuth',
    'clientCa',
    'verify',
    'dangerouslyAllowSha1Signatures',
    'dangerouslyAllowFallback',
    'sessions',
    'keylog',
  ])
    for (const value of [null, 0, ''])
      t.throws(() => server({ [name]: value }), ApiMisuseError, `server ${name}: ${JSON.stringify(value)}`);
  for (const name of ['credentials', 'dangerouslyAllowSha1Signatures', 'sessions', 'keylog'])
    for (const value of [null, 0, ''])
      t.throws(() => client({ [name]: value }), ApiMisuseError, `client ${name}: ${JSON.stringify(value)}`);
});

t.test('D4 (forge) a polluted prototype and a change of mind reach no engine', async (t) => {
  const polluted: Record<string, unknown> = {
    dangerouslyReplaceVerification: () => true,
    dangerouslyAllowSha1Signatures: true,
    keylog: true,
    verify: () => true,
  };
  const prototype = Object.prototype as Record<string, unknown>;
  const wrong = { ...legacy, serverName: 'other.test', ca: root.pem, sessions: 'none' } as const;
  for (const [name, value] of Object.entries(polluted)) prototype[name] = value;
  try {
    const pair = both({ client: forgeEngine.client(wrong) });
    t.match(pair.client.error, { name: 'CertificateError', reason: 'wrong-name' });
    t.equal(pair.client.tasks.length, 0);
    t.notOk(pair.client.events.some(({ type }) => type === 'keylog'));
  } finally {
    for (const name of Object.keys(polluted)) Reflect.deleteProperty(prototype, name);
  }
  const changing: { -readonly [K in keyof ForgeClientOptions]: ForgeClientOptions[K] } = { ...wrong };
  const factory = forgeEngine.client(changing);
  changing.serverName = 'host.test';
  changing.dangerouslyReplaceVerification = () => true;
  t.match(both({ client: factory }).client.error, { reason: 'wrong-name' }, 'changed afterwards');
});

t.test('K4 (forge) what is destroyed, or fails, keeps no secret', async (t) => {
  const made: ForgeConnection[] = [];
  const tls = library.tls as { createConnection: typeof library.tls.createConnection };
  const { createConnection } = tls;
  tls.createConnection = (options) => {
    const connection = createConnection(options);
    made.push(connection);
    return connection;
  };
  const ways: Record<string, (pair: ReturnType<typeof both>) => void> = {
    destroy: (pair) => pair.client.engine?.destroy(),
    abort: (pair) => pair.client.engine?.abort('internal_error'),
    failure: (pair) => void pair.client.give(Uint8Array.of(23, 3, 1, 0, 32, ...new Uint8Array(32))),
  };
  try {
    for (const [name, leave] of Object.entries(ways)) {
      made.length = 0;
      const pair = both({ client: client({ keylog: true }) });
      pair.server.send('a word');
      carry(pair.client, pair.server);
      t.equal(pair.client.text, 'a word');
      const line = pair.client.events.flatMap((event) => (event.type === 'keylog' ? [event.line] : []))[0] ?? '';
      const master = toText(Buffer.from(line.split(' ')[2] ?? '', 'hex'));
      t.equal(master.length, 48);
      const [connection] = made;
      const holds = (): boolean => {
        const seen = new Set<unknown>();
        const search = (value: unknown): boolean => {
          if (typeof value === 'string') return value.includes(master);
          if (typeof value !== 'object' || value === null || seen.has(value)) return false;
          seen.add(value);
          return Object.values(value).some(search);
        };
        return search(connection);
      };
      t.ok(holds(), 'while it lives it is there to be found');
      leave(pair);
      t.notOk(holds(), name);
      t.equal(connection?.session, null);
      t.same(connection?.state, { pending: null, current: null });
      t.notOk(inspect(pair.client.error).includes('a word'));
    }
  } finally {
    tls.createConnection = createConnection;
  }
});
