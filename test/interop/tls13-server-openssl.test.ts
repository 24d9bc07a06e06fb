// engine-tls13's server with openssl s_client: what only TLS 1.3 has. What every engine goes through is in tls13-peers.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import type { TlsConnection, TlsEvent } from '@rxtls/core';
import { tls13Engine as tls13OnNoble } from '@rxtls/engine-tls13/noble';
import type { TestLeafName } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { completed, credentials, eventually, hexLines, mebibyte, pki, Reading, serve } from './ends.ts';
import { authorityFile, fileName } from './files.ts';
import { opensslMissing, sClient, sServer } from './openssl.ts';
import { hash } from './our-client.ts';
import { tls13Server } from './our-tls13.ts';
import type { Program } from './program.ts';

t.setTimeout(120_000);
const skip = opensslMissing === undefined ? {} : { skip: opensslMissing };
const version = 'TLSv1.3';
const suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const;
const groups = [
  ['X25519', 'x25519'],
  ['P-256', 'secp256r1'],
  ['P-384', 'secp384r1'],
] as const;
/** With a certificate on P-256 every suite meets every group; with the others each one once. */
const combinations = (leaf: TestLeafName) =>
  suites.flatMap((suite, at) =>
    groups.flatMap((group, beside) => (leaf === 'ecdsa' || at === beside ? [[suite, group] as const] : [])),
  );
const leaves: readonly TestLeafName[] = ['ecdsa', 'p384', 'rsa', 'rsa-pss', 'ed25519'];
const psk = { identity: Buffer.from('rxtls'), key: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex') };
const hello = (connection: TlsConnection) => connection.exchange([Buffer.from('hello from rxtls\n')]);
const quiet = ['-quiet', '-no_ign_eof', '-nocommands'];

/** Runs s_client until it has our line, and ends it with its input. */
async function greeted(t: Test, port: number, extra: readonly string[]): Promise<Program> {
  const program = await sClient(t, port, { version }, extra);
  await program.says(/hello from rxtls/);
  program.endInput();
  t.equal(await program.exited, 0, extra.join(' '));
  return program;
}

const count = (events: readonly TlsEvent[], type: TlsEvent['type'], direction: string): number =>
  events.filter((event) => event.type === type && 'direction' in event && event.direction === direction).length;

for (const leaf of leaves)
  t.test(`s_client at a certificate of ${leaf}: suites and groups`, skip, async (t) => {
    const server = await serve(t, await tls13Server(leaf), {}, hello);
    for (const [suite, [theirs, group]] of combinations(leaf)) {
      await greeted(t, server.port, ['-ciphersuites', suite, '-groups', theirs]);
      t.match((await server.next()).negotiated, { version, cipherSuite: suite, group, serverName: 'localhost' });
    }
    t.same(server.failures, []);
  });

t.test('s_client with a share we do not take is sent a HelloRetryRequest, at resumption too', skip, async (t) => {
  for (const [offered, ours] of [
    ['X25519:P-384', 'secp384r1'],
    ['P-521:P-256', 'secp256r1'],
    ['P-384:X25519', 'x25519'],
  ] as const) {
    const server = await serve(t, await tls13Server('ecdsa', { groups: [ours] }), {}, hello);
    const session = fileName(`retried-${ours}.pem`);
    for (const [resumed, extra] of [
      [false, ['-sess_out', session]],
      [true, ['-sess_in', session]],
    ] as const) {
      await greeted(t, server.port, ['-groups', offered, ...extra]);
      t.match((await server.next()).negotiated, { group: ours, resumed }, offered);
    }
  }
});

t.test('s_client with no group in common hears handshake_failure', skip, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa'));
  const program = await sClient(t, server.port, { version }, ['-groups', 'P-521']);
  t.match((await server.failure()).error, { name: 'PeerIncompatibleError', alert: 'handshake_failure' });
  await program.says(/alert handshake failure/);
});

t.test('s_client of TLS 1.2 alone hears protocol_version', skip, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa'));
  const program = await sClient(t, server.port, { version: 'TLSv1.2' });
  t.match((await server.failure()).error, { name: 'PeerIncompatibleError', alert: 'protocol_version' });
  await program.says(/alert protocol version/);
});

t.test('s_client of both versions, and with the extensions of TLS 1.2, gets TLS 1.3', skip, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa'), {}, hello);
  for (const extra of [
    ['-maxfraglen', '512'],
    ['-enable_pha'],
    ['-no_middlebox'],
    ['-status'],
    ['-legacy_renegotiation'],
  ]) {
    const program = await sClient(t, server.port, {}, extra);
    await program.says(/hello from rxtls/);
    program.endInput();
    t.equal((await server.next()).negotiated.version, version, extra.join(' '));
  }
});

t.test('s_client, 5 MiB each way, with small fragments and padding on both sides', skip, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa', { padding: (_type, bytes) => bytes % 97 }));
  const extra = [...quiet, '-max_send_frag', '512', '-record_padding', '300'];
  const program = await sClient(t, server.port, { version }, extra);
  const connection = await server.next();
  const reading = new Reading(connection);
  const [ours, theirs] = [hexLines(5 * mebibyte), hexLines(5 * mebibyte + 64)];
  program.type(theirs);
  const written = completed(connection.writeFrom([ours]));
  t.equal(hash(await reading.atLeast(theirs.length)), hash(theirs), 'what it sent');
  t.equal(hash(await program.outputs(ours.length)), hash(ours), 'what it received');
  t.equal(await written, undefined);
  program.endInput();
  t.equal(await reading.over, 'complete');
  t.equal(await program.exited, 0);
});

for (const [command, answers] of [
  ['k', 0],
  ['K', 1],
] as const)
  t.test(
    `s_client's KeyUpdates, ${answers === 0 ? 'not asking for' : 'asking for'} ours, among data`,
    skip,
    async (t) => {
      const events: TlsEvent[] = [];
      const server = await serve(t, await tls13Server('ecdsa'));
      const program = await sClient(t, server.port, { version });
      const connection = await server.next();
      connection.events.subscribe((event) => events.push(event));
      const reading = new Reading(connection);
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
    },
  );

t.test('our KeyUpdates among data: s_client answers each', skip, async (t) => {
  const events: TlsEvent[] = [];
  const server = await serve(t, await tls13Server('ecdsa'));
  const program = await sClient(t, server.port, { version }, quiet);
  const connection = await server.next();
  connection.events.subscribe((event) => events.push(event));
  const reading = new Reading(connection);
  const line = hexLines(40_000);
  for (let round = 1; round <= 10; round++) {
    connection.write(line);
    connection.updateKeys();
    await program.outputs(round * line.length);
    program.type(line);
    await reading.atLeast(round * line.length);
    t.equal(count(events, 'key-update', 'received'), round);
  }
  const whole = hash(Buffer.concat(Array.from({ length: 10 }, () => line)));
  t.equal(hash(reading.bytes), whole);
  t.equal(hash(await program.outputs(10 * line.length)), whole);
  t.equal(count(events, 'key-update', 'sent'), 10);
});

t.test('client certificates of every kind of key, and again in a resumption', skip, async (t) => {
  const engine = await tls13Server('ecdsa', { clientAuth: 'require', clientCa: pki.authorityPem });
  const server = await serve(t, engine, {}, hello);
  for (const leaf of ['client', 'client-p384', 'client-rsa', 'client-rsa-pss', 'client-ed25519'] as const) {
    const session = fileName(`${leaf}.session.pem`);
    for (const [resumed, extra] of [
      [false, ['-sess_out', session]],
      [true, ['-sess_in', session]],
    ] as const) {
      const program = await sClient(t, server.port, { version, leaf }, extra);
      await program.says(/hello from rxtls/);
      program.endInput();
      const { negotiated } = await server.next();
      t.match(negotiated, { resumed, peer: { verification: 'passed' } }, leaf);
      t.same(negotiated.peer.chain[0], (await pki.leaf(leaf)).leafDer);
    }
  }
});

t.test('an external key: no certificate on either side; another key is refused', skip, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa', { externalPsks: psk }), {}, hello);
  const key = psk.key.toString('hex');
  const program = await greeted(t, server.port, ['-psk', key, '-psk_identity', 'rxtls']);
  t.match(program.text, /no peer certificate available/);
  t.match((await server.next()).negotiated, { peer: { chain: [], verification: 'passed' } });
  const full = await greeted(t, server.port, ['-psk', key, '-psk_identity', 'somebody']);
  t.match(full.text, /Server certificate/, 'an identity we do not know: a full handshake');
  const wrong = await sClient(t, server.port, { version }, ['-psk', `ff${key.slice(2)}`, '-psk_identity', 'rxtls']);
  t.match((await server.failure()).error, { name: 'PeerMisbehavedError', alert: 'decrypt_error' });
  await wrong.says(/alert decrypt error/);
});

t.test('s_client sees our OCSP staple when it asks', skip, async (t) => {
  const ocspStaple = Buffer.from('30030a0103', 'hex');
  const server = await serve(t, await tls13Server('ecdsa', { ocspStaple }), {}, hello);
  t.match((await greeted(t, server.port, ['-status'])).text, /OCSP Response Status: trylater/);
  t.notMatch((await greeted(t, server.port, [])).text, /OCSP/);
});

t.test('key log and exporter are those of s_client', skip, async (t) => {
  const log = fileName('s_client.keylog');
  const lines: string[] = [];
  const server = await serve(t, await tls13Server('ecdsa', { keylog: true }), {
    observe: { events: { next: (event) => void (event.type === 'keylog' && lines.push(event.line)) } },
  });
  const extra = ['-keylogfile', log, '-keymatexport', 'EXPORTER-rxtls', '-keymatexportlen', '48'];
  const program = await sClient(t, server.port, { version }, extra);
  const [, material = ''] = await program.says(/Keying material: ([0-9A-F]+)/);
  const made = (await server.next()).exportKeyingMaterial('EXPORTER-rxtls', undefined, 48);
  t.equal(Buffer.from(made).toString('hex').toUpperCase(), material);
  const theirs = readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  t.equal(lines.length, 5);
  t.same(lines.sort(), theirs.sort());
});

t.test('s_client gets the certificate of the name that it sends', skip, async (t) => {
  const other = await pki.issue({ names: ['other.test'], key: 'ed25519' });
  const engine = await tls13Server('ecdsa', {
    serverNames: { 'other.test': credentials(other) },
    requireServerName: true,
  });
  const server = await serve(t, engine, {}, hello);
  // The last -servername is the one that counts.
  const program = await greeted(t, server.port, ['-servername', 'other.test', '-verify_hostname', 'other.test']);
  t.match(program.text, /CN = other\.test/);
  t.equal((await server.next()).negotiated.serverName, 'other.test');
  const refused = await sClient(t, server.port, { version });
  t.match((await server.failure()).error, { alert: 'unrecognized_name' });
  await refused.says(/SSL alert number 112/);
});

t.test('early data that was never promised is skipped, and the handshake goes on', skip, async (t) => {
  const session = fileName('early.session.pem');
  const early = fileName('early.txt');
  writeFileSync(early, hexLines(12_000));
  const { program: theirs, port } = await sServer(t, { version, leaf: 'ecdsa', talks: true }, ['-early_data']);
  const first = await sClient(t, port, { version }, ['-sess_out', session]);
  await theirs.says(/CIPHER is/);
  theirs.type('hello from s_server\n');
  await first.says(/hello from s_server/);
  first.endInput();
  await first.exited;
  for (const group of ['x25519', 'secp384r1'] as const) {
    const server = await serve(t, await tls13Server('ecdsa', { groups: [group] }));
    const program = await sClient(t, server.port, { version }, ['-sess_in', session, '-early_data', early]);
    const connection = await server.next();
    const reading = new Reading(connection);
    t.match(connection.negotiated, { group, resumed: false }, group);
    program.type('a line after it\n');
    t.equal((await reading.atLeast(16)).toString(), 'a line after it\n', 'nothing of the early data');
    connection.write(Buffer.from('hello from rxtls\n'));
    await program.says(/hello from rxtls/);
    t.match(program.text, /Early data was rejected/);
    t.same(server.failures, []);
  }
});

for (const [leaf, alert] of [
  ['expired', 'certificate_expired'],
  ['untrusted', 'unknown_ca'],
  ['wrong-name', 'bad_certificate'],
  ['wrong-usage', 'unsupported_certificate'],
] as const)
  t.test(`a certificate of ours that is ${leaf}: s_client's alert is what we hear`, skip, async (t) => {
    const server = await serve(t, await tls13Server(leaf));
    await sClient(t, server.port, { version });
    t.match((await server.failure()).error, { name: 'AlertReceivedError', alert });
  });

t.test('on noble: certificates, groups, HelloRetryRequest, resumption, 1 MiB each way', skip, async (t) => {
  for (const leaf of ['ecdsa', 'p384', 'ed25519'] as const) {
    const server = await serve(
      t,
      await tls13Server(leaf, { groups: ['secp256r1', 'x25519'] }, tls13OnNoble),
      {},
      hello,
    );
    const session = fileName(`noble-${leaf}.pem`);
    for (const [group, offered, resumed, extra] of [
      ['secp256r1', 'P-384:P-256', false, ['-sess_out', session]],
      ['secp256r1', 'P-256', true, ['-sess_in', session]],
      ['x25519', 'X25519', false, ['-CAfile', authorityFile]],
    ] as const) {
      await greeted(t, server.port, ['-groups', offered, ...extra]);
      t.match((await server.next()).negotiated, { group, resumed }, leaf);
    }
  }
  const server = await serve(t, await tls13Server('ecdsa', {}, tls13OnNoble));
  for (const suite of suites) {
    const program = await sClient(t, server.port, { version }, [...quiet, '-ciphersuites', suite]);
    const connection = await server.next();
    const reading = new Reading(connection);
    const bytes = hexLines(mebibyte);
    program.type(bytes);
    t.equal(await completed(connection.writeFrom([bytes])), undefined, suite);
    t.equal(hash(await reading.atLeast(bytes.length)), hash(bytes));
    t.equal(hash(await program.outputs(bytes.length)), hash(bytes));
    program.endInput();
    t.equal(await reading.over, 'complete');
  }
});
