// engine-tls13 with GnuTLS: record_size_limit (RFC 8449), HelloRetryRequest, suites and certificates. The rest is in tls13-peers.test.ts.
import type { TlsEvent } from '@rxtls/core';
import t from 'tap';
import { completed, dial, eventually, hexLines, Reading, serve } from './ends.ts';
import { gnutlsCli, gnutlsCliMissing, gnutlsServ, gnutlsServMissing } from './gnutls.ts';
import { hash } from './our-client.ts';
import { tls13Client, tls13Server } from './our-tls13.ts';

t.setTimeout(120_000);
const version = 'TLSv1.3';
const cli = gnutlsCliMissing === undefined ? {} : { skip: gnutlsCliMissing };
const serv = gnutlsServMissing === undefined ? {} : { skip: gnutlsServMissing };
const only = (what: string): readonly string[] => ['--priority', `NORMAL:-VERS-ALL:+VERS-TLS1.3:${what}`];
const ciphers = [
  ['AES-128-GCM', 'TLS_AES_128_GCM_SHA256'],
  ['AES-256-GCM', 'TLS_AES_256_GCM_SHA384'],
  ['CHACHA20-POLY1305', 'TLS_CHACHA20_POLY1305_SHA256'],
] as const;
const groups = [
  ['X25519', 'x25519'],
  ['SECP256R1', 'secp256r1'],
  ['SECP384R1', 'secp384r1'],
] as const;
const leaves = ['ecdsa', 'p384', 'rsa', 'rsa-pss', 'ed25519'] as const;
/** The longest protected record of a direction: plaintext, type, padding and tag. */
const longest = (events: readonly TlsEvent[], direction: 'received' | 'sent'): number =>
  Math.max(
    ...events.map((event) =>
      event.type === 'record' && event.direction === direction && event.contentType === 'applicationData'
        ? event.bytes
        : 0,
    ),
  );

t.test('gnutls-serv: certificates, suites and groups', serv, async (t) => {
  for (const [at, leaf] of leaves.entries()) {
    const [, cipherSuite] = ciphers[at % 3]!;
    const [, group] = groups[at % 3]!;
    const { port } = await gnutlsServ(t, { version, leaf });
    const { connection, reading } = await dial(t, port, tls13Client({ cipherSuites: [cipherSuite], groups: [group] }));
    t.match(connection.negotiated, { cipherSuite, group, peer: { verification: 'passed' } }, leaf);
    const bytes = hexLines(20_000);
    connection.write(bytes);
    t.equal(hash(await reading.atLeast(bytes.length)), hash(bytes));
    t.equal(await completed(connection.close()), undefined);
  }
});

t.test('gnutls-serv answers our share of x25519 with a HelloRetryRequest', serv, async (t) => {
  const { port } = await gnutlsServ(t, { version, leaf: 'ecdsa', http: true }, only('-GROUP-ALL:+GROUP-SECP384R1'));
  const engine = tls13Client();
  for (const resumed of [false, true]) {
    const { connection, reading } = await dial(t, port, engine);
    t.match(connection.negotiated, { group: 'secp384r1', resumed });
    connection.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    t.equal(await reading.over, 'complete');
  }
});

t.test('gnutls-cli: certificates, suites and groups', cli, async (t) => {
  for (const [at, leaf] of leaves.entries()) {
    const [cipher, cipherSuite] = ciphers[at % 3]!;
    const [theirs, group] = groups[at % 3]!;
    const server = await serve(t, await tls13Server(leaf));
    const extra = only(`-CIPHER-ALL:+${cipher}:-GROUP-ALL:+GROUP-${theirs}`);
    const { program } = await gnutlsCli(t, server.port, { version }, extra);
    const connection = await server.next();
    t.match(connection.negotiated, { cipherSuite, group }, leaf);
    connection.write(Buffer.from('hello\n'));
    t.equal((await program.outputs(6)).toString(), 'hello\n');
  }
});

t.test('gnutls-cli with a share that we do not take is sent a HelloRetryRequest', cli, async (t) => {
  const server = await serve(t, await tls13Server('ecdsa', { groups: ['secp384r1'] }));
  const extra = ['--single-key-share', ...only('-GROUP-ALL:+GROUP-X25519:+GROUP-SECP384R1')];
  const { program } = await gnutlsCli(t, server.port, { version }, extra);
  const connection = await server.next();
  t.equal(connection.negotiated.group, 'secp384r1');
  connection.write(Buffer.from('hello\n'));
  t.equal((await program.outputs(6)).toString(), 'hello\n');
});

t.test('gnutls-cli --rehandshake is a KeyUpdate, and data goes on', cli, async (t) => {
  const events: TlsEvent[] = [];
  const observe = { events: { next: (event: TlsEvent) => void events.push(event) } };
  const server = await serve(t, await tls13Server('ecdsa'), { observe });
  const { program } = await gnutlsCli(t, server.port, { version }, ['--rehandshake']);
  const connection = await server.next();
  const reading = new Reading(connection);
  const updated = (direction: string) => (): boolean =>
    events.some((event) => event.type === 'key-update' && event.direction === direction);
  t.ok(await eventually(updated('received')));
  const bytes = hexLines(50_000);
  program.type(bytes);
  connection.write(bytes);
  t.equal(hash(await reading.atLeast(bytes.length)), hash(bytes));
  t.equal(hash(await program.outputs(bytes.length)), hash(bytes));
  connection.updateKeys();
  connection.write(bytes);
  t.equal(hash((await program.outputs(2 * bytes.length)).subarray(bytes.length)), hash(bytes));
  t.ok(updated('sent')());
});

for (const limit of [64, 512, 16_385])
  t.test(`record_size_limit ${limit} of ours is kept by gnutls-serv`, serv, async (t) => {
    // Without it GnuTLS answers no limit below 512, and then there is none.
    const { port } = await gnutlsServ(t, { version, leaf: 'ecdsa' }, only('%ALLOW_SMALL_RECORDS'));
    const { connection, reading, events } = await dial(t, port, tls13Client({ recordSizeLimit: limit }));
    const bytes = hexLines(30_000);
    connection.write(bytes);
    t.equal(hash(await reading.atLeast(bytes.length)), hash(bytes));
    // GnuTLS is free to stay below; what it may not is to go past.
    t.ok(longest(events, 'received') <= limit + 16, String(longest(events, 'received')));
  });

t.test('record_size_limit of ours is kept by gnutls-cli', cli, async (t) => {
  const events: TlsEvent[] = [];
  const observe = { events: { next: (event: TlsEvent) => void events.push(event) } };
  const server = await serve(t, await tls13Server('ecdsa', { recordSizeLimit: 512 }), { observe });
  const { program } = await gnutlsCli(t, server.port, { version });
  const reading = new Reading(await server.next());
  program.type(hexLines(4_000));
  // Of what it reads at once it sends one record and drops the rest ("Only sent 511 bytes instead of 4000").
  t.equal((await reading.atLeast(511)).toString(), hexLines(4_000).subarray(0, 511).toString());
  t.equal(longest(events, 'received'), 512 + 16);
  program.type('more\n');
  t.ok(await reading.until(() => reading.text.endsWith('more\n')));
  t.same(server.failures, []);
});

t.test('record_size_limit of gnutls-cli and gnutls-serv is kept by us', { ...cli, ...serv }, async (t) => {
  const bytes = hexLines(30_000);
  const events: TlsEvent[] = [];
  const observe = { events: { next: (event: TlsEvent) => void events.push(event) } };
  const server = await serve(t, await tls13Server('ecdsa', { recordSizeLimit: 16_385 }), { observe });
  const { program } = await gnutlsCli(t, server.port, { version }, ['--recordsize', '600']);
  const connection = await server.next();
  connection.write(bytes);
  t.equal(hash(await program.outputs(bytes.length)), hash(bytes));
  t.ok(longest(events, 'sent') <= 601 + 16, `to gnutls-cli: ${longest(events, 'sent')}`);
  const { port } = await gnutlsServ(t, { version, leaf: 'ecdsa' }, ['--recordsize', '600']);
  const dialled = await dial(t, port, tls13Client({ recordSizeLimit: 16_385 }));
  dialled.connection.write(bytes);
  t.equal(hash(await dialled.reading.atLeast(bytes.length)), hash(bytes));
  t.ok(longest(dialled.events, 'sent') <= 601 + 16, `to gnutls-serv: ${longest(dialled.events, 'sent')}`);
});
