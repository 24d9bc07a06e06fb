// engine-tls13's client with openssl s_server: what only TLS 1.3 has. What every engine goes through is in tls13-peers.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import type { TlsConnection, TlsEvent } from '@rxtls/core';
import { tls13Engine as tls13OnNoble } from '@rxtls/engine-tls13/noble';
import type { TestLeafName } from '@rxtls/testing';
import t from 'tap';
import { completed, credentials, dial, eventually, hexLines, mebibyte, pki, Reading, refusal } from './ends.ts';
import { fileName } from './files.ts';
import { opensslMissing, sServer } from './openssl.ts';
import { hash } from './our-client.ts';
import { tls13Client } from './our-tls13.ts';

t.setTimeout(120_000);
const skip = opensslMissing === undefined ? {} : { skip: opensslMissing };
const suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const;
const groups = ['x25519', 'secp256r1', 'secp384r1'] as const;
/** With a certificate on P-256 every suite meets every group; with the others each one once. */
const combinations = (leaf: TestLeafName) =>
  suites.flatMap((suite, at) =>
    groups.flatMap((group, beside) => (leaf === 'ecdsa' || at === beside ? [[suite, group] as const] : [])),
  );
const leaves: readonly TestLeafName[] = ['ecdsa', 'p384', 'rsa', 'rsa-pss', 'ed25519'];
const version = 'TLSv1.3';
const get = Buffer.from('GET / HTTP/1.0\r\n\r\n');
const psk = { identity: Buffer.from('rxtls'), key: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex') };

/** Asks for the status page of `-www`. */
async function page(connection: TlsConnection, reading: Reading): Promise<string> {
  connection.write(get);
  await reading.over;
  return reading.text;
}
const count = (events: readonly TlsEvent[], type: TlsEvent['type'], direction: string): number =>
  events.filter((event) => event.type === type && 'direction' in event && event.direction === direction).length;

for (const leaf of leaves)
  t.test(`s_server with a certificate of ${leaf}: suites and groups`, skip, async (t) => {
    const { port } = await sServer(t, { version, leaf, http: true });
    for (const [suite, group] of combinations(leaf)) {
      const engine = tls13Client({ cipherSuites: [suite], groups: [group] });
      const { connection, reading } = await dial(t, port, engine);
      t.match(connection.negotiated, { version, cipherSuite: suite, group, peer: { verification: 'passed' } });
      t.match(await page(connection, reading), `TLSv1.3, Cipher is ${suite}`, `${suite} ${group}`);
      t.equal(reading.outcome, 'complete');
    }
  });

for (const [theirs, group] of [
  ['P-256', 'secp256r1'],
  ['P-384', 'secp384r1'],
] as const)
  t.test(
    `s_server that takes ${theirs} alone answers our share of x25519 with a HelloRetryRequest`,
    skip,
    async (t) => {
      const { port } = await sServer(t, { version, leaf: 'ecdsa', http: true }, ['-groups', theirs]);
      for (const suite of suites) {
        const engine = tls13Client({ cipherSuites: [suite] });
        for (const resumed of [false, true]) {
          const { connection, reading } = await dial(t, port, engine);
          t.match(connection.negotiated, { group, resumed, cipherSuite: suite });
          t.match(await page(connection, reading), 'HTTP/1.0 200', 'resumed too: the binder is over both hellos');
        }
      }
    },
  );

t.test('s_server with no group in common refuses with handshake_failure', skip, async (t) => {
  const { port } = await sServer(t, { version, leaf: 'ecdsa' }, ['-groups', 'X448']);
  t.match(await refusal(dial(t, port, tls13Client())), { name: 'AlertReceivedError', alert: 'handshake_failure' });
});

t.test('s_server, 5 MiB each way, with small fragments and padding on both sides', skip, async (t) => {
  const extra = ['-max_send_frag', '512', '-record_padding', '300'];
  const { program, port } = await sServer(t, { version, leaf: 'ecdsa' }, extra);
  const events: TlsEvent[] = [];
  const engine = tls13Client({ padding: (_type, bytes) => bytes % 97 });
  const { connection, reading } = await dial(t, port, engine, { observe: { events: { next: (e) => events.push(e) } } });
  const [ours, theirs] = [hexLines(5 * mebibyte), hexLines(5 * mebibyte + 64)];
  program.type(theirs);
  const written = completed(connection.writeFrom([ours]));
  t.equal(hash(await reading.atLeast(theirs.length)), hash(theirs), 'what it sent');
  t.equal(hash(await program.outputs(ours.length)), hash(ours), 'what it received');
  t.equal(await written, undefined);
  t.equal(await completed(connection.close()), undefined);
});

for (const [command, answers] of [
  ['k', 0],
  ['K', 1],
] as const)
  t.test(
    `s_server's KeyUpdates, ${answers === 0 ? 'not asking for' : 'asking for'} ours, among data`,
    skip,
    async (t) => {
      const { program, port } = await sServer(t, { version, leaf: 'ecdsa', talks: true });
      const { connection, reading, events } = await dial(t, port, tls13Client());
      for (let round = 1; round <= 5; round++) {
        program.type(`${command}\n`);
        await eventually(() => count(events, 'key-update', 'received') >= round);
        program.type(`a line ${round}\n`);
        await reading.until(() => reading.text.includes(`a line ${round}\n`));
        connection.write(Buffer.from(`an answer ${round}\n`));
        await program.says(new RegExp(`an answer ${round}`));
      }
      t.equal(count(events, 'key-update', 'received'), 5);
      t.equal(count(events, 'key-update', 'sent'), 5 * answers);
      t.equal(await completed(connection.close()), undefined);
    },
  );

t.test('our KeyUpdates among data: s_server answers each', skip, async (t) => {
  const { program, port } = await sServer(t, { version, leaf: 'ecdsa' });
  const { connection, reading, events } = await dial(t, port, tls13Client());
  const line = hexLines(40_000);
  for (let round = 1; round <= 10; round++) {
    connection.write(line);
    connection.updateKeys();
    await program.outputs(round * line.length);
    // OpenSSL puts its own KeyUpdate before what it sends next.
    program.type(line);
    await reading.atLeast(round * line.length);
    t.equal(count(events, 'key-update', 'received'), round);
  }
  t.equal(hash(reading.bytes), hash(Buffer.concat(Array.from({ length: 10 }, () => line))));
  t.equal(hash(await program.outputs(10 * line.length)), hash(Buffer.concat(Array.from({ length: 10 }, () => line))));
  t.equal(count(events, 'key-update', 'sent'), 10);
  t.equal(await completed(connection.close()), undefined);
});

t.test('client certificates of every kind of key', skip, async (t) => {
  const { port } = await sServer(t, { version, leaf: 'ecdsa', requireClient: true, http: true });
  for (const leaf of ['client', 'client-p384', 'client-rsa', 'client-rsa-pss', 'client-ed25519'] as const) {
    const engine = tls13Client({ credentials: credentials(await pki.leaf(leaf)) });
    for (const resumed of [false, true]) {
      const { connection, reading } = await dial(t, port, engine);
      t.equal(connection.negotiated.resumed, resumed, leaf);
      t.match(await page(connection, reading), 'HTTP/1.0 200', leaf);
    }
  }
});

t.test('s_server, tickets: several, none, and of the stateful kind', skip, async (t) => {
  for (const [extra, resumed] of [
    [['-num_tickets', '5'], true],
    [['-num_tickets', '0'], false],
    [['-no_ticket'], true],
    [['-no_middlebox'], true],
  ] as const) {
    const { port } = await sServer(t, { version, leaf: 'ecdsa', http: true }, extra);
    const engine = tls13Client();
    for (const expected of [false, resumed]) {
      const { connection, reading } = await dial(t, port, engine);
      t.equal(connection.negotiated.resumed, expected, extra.join(' '));
      t.match(await page(connection, reading), 'HTTP/1.0 200');
    }
  }
});

t.test('without middlebox compatibility', skip, async (t) => {
  const { port } = await sServer(t, { version, leaf: 'ecdsa', http: true });
  const { connection, reading } = await dial(t, port, tls13Client({ middleboxCompatibility: false }));
  t.match(await page(connection, reading), 'HTTP/1.0 200');
});

t.test('an external key: no certificate on either side; another key is refused', skip, async (t) => {
  const args = ['-psk', psk.key.toString('hex'), '-psk_identity', 'rxtls'];
  const { port } = await sServer(t, { version, leaf: 'ecdsa', http: true }, args);
  const { connection, reading } = await dial(t, port, tls13Client({ externalPsks: psk }));
  t.match(connection.negotiated, { version, peer: { chain: [], verification: 'passed' } });
  t.match(await page(connection, reading), 'HTTP/1.0 200');
  const wrong = { ...psk, key: Buffer.from(psk.key).reverse() };
  t.match(await refusal(dial(t, port, tls13Client({ externalPsks: wrong }))), { name: 'AlertReceivedError' });
  const unknown = { ...psk, identity: Buffer.from('somebody') };
  const full = await dial(t, port, tls13Client({ externalPsks: unknown }));
  t.same(
    full.connection.negotiated.peer.chain[0],
    (await pki.leaf('ecdsa')).leafDer,
    'an identity it does not know: a full handshake',
  );
});

t.test('an OCSP staple comes to the application as it is', skip, async (t) => {
  // OCSPResponse with the status tryLater (RFC 6960 §4.2.1): the shortest that s_server takes.
  const staple = Buffer.from('30030a0103', 'hex');
  const file = fileName('staple.der');
  writeFileSync(file, staple);
  const { port } = await sServer(t, { version, leaf: 'ecdsa' }, ['-status_file', file]);
  for (const requestOcsp of [true, false]) {
    const { connection, cut } = await dial(t, port, tls13Client({ requestOcsp }));
    t.same(connection.negotiated.peer.ocspStaple, requestOcsp ? staple : undefined);
    cut();
  }
});

t.test('key log and exporter are those of s_server', skip, async (t) => {
  const log = fileName('s_server.keylog');
  const extra = ['-keylogfile', log, '-keymatexport', 'EXPORTER-rxtls', '-keymatexportlen', '48'];
  const { program, port } = await sServer(t, { version, leaf: 'ecdsa', talks: true }, extra);
  const { connection, events } = await dial(t, port, tls13Client({ keylog: true }));
  const [, material = ''] = await program.says(/Keying material: ([0-9A-F]+)/);
  const made = connection.exportKeyingMaterial('EXPORTER-rxtls', undefined, 48);
  t.equal(Buffer.from(made).toString('hex').toUpperCase(), material);
  const ours = events.flatMap((event) => (event.type === 'keylog' ? [event.line] : []));
  const theirs = readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  t.equal(ours.length, 5);
  t.same([...ours].sort(), theirs.sort());
});

t.test('a server of TLS 1.2 alone is refused in words, by it or by us', skip, async (t) => {
  const { port } = await sServer(t, { version: 'TLSv1.2', leaf: 'ecdsa' });
  const error = await refusal(dial(t, port, tls13Client()));
  t.match(error, { name: 'AlertReceivedError', alert: 'protocol_version' });
});

for (const [leaf, reason, alert] of [
  ['expired', 'expired', /alert certificate expired/],
  ['wrong-name', 'wrong-name', /alert bad certificate/],
  ['untrusted', 'unknown-authority', /alert unknown ca/],
  ['wrong-usage', 'wrong-usage', /alert /],
] as const)
  t.test(`a server whose certificate is ${leaf}: a typed error, and it is told why`, skip, async (t) => {
    const { program, port } = await sServer(t, { version, leaf, talks: true });
    t.match(await refusal(dial(t, port, tls13Client())), { name: 'CertificateError', reason });
    t.match((await program.says(/SSL routines:[^\n]*alert[^\n]*/))[0], alert);
  });

t.test(
  'on noble: every kind of certificate and group, a HelloRetryRequest, resumption, 1 MiB each way',
  skip,
  async (t) => {
    for (const leaf of leaves) {
      const { port } = await sServer(t, { version, leaf, http: true }, ['-groups', 'P-384:P-256:X25519']);
      for (const group of groups) {
        const { connection, reading } = await dial(t, port, tls13Client({ groups: [group] }, tls13OnNoble));
        t.match(connection.negotiated, { group, peer: { verification: 'passed' } }, leaf);
        t.match(await page(connection, reading), 'HTTP/1.0 200');
      }
    }
    const { program, port } = await sServer(t, { version, leaf: 'ecdsa' }, ['-groups', 'P-256']);
    const engine = tls13Client({}, tls13OnNoble);
    const bytes = hexLines(mebibyte);
    for (const resumed of [false, true]) {
      const { connection, reading } = await dial(t, port, engine);
      t.match(connection.negotiated, { group: 'secp256r1', resumed });
      const before = program.outputLength;
      program.type(bytes);
      t.equal(await completed(connection.writeFrom([bytes])), undefined);
      t.equal(hash(await reading.atLeast(bytes.length)), hash(bytes));
      t.equal(hash((await program.outputs(before + bytes.length)).subarray(before)), hash(bytes));
      t.equal(await completed(connection.close()), undefined);
    }
  },
);
