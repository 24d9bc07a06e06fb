// forgeEngine with OpenSSL's own programs at the versions it knows, security level 0.
import { writeFileSync } from 'node:fs';
import { CertificateError } from '@rxtls/core';
import t, { type Test } from 'tap';
import { client, server } from '../../packages/engine-forge/test/harness.ts';
import {
  client as clientLeaf,
  credentials,
  host as hostLeaf,
  type Issued,
  root,
} from '../../packages/engine-forge/test/rsa-pki.ts';
import { completed, dial, hexLines, host, refusal, serve } from './ends.ts';
import { fileName } from './files.ts';
import { opensslMissing } from './openssl.ts';
import { hash } from './our-client.ts';
import { freePort, Program } from './program.ts';

t.setTimeout(120_000);
const skip = opensslMissing === undefined ? {} : { skip: opensslMissing };
const level = ['-cipher', 'AES128-SHA:AES256-SHA:@SECLEVEL=0'];
const size = 200_000;

function file(name: string, contents: string): string {
  const path = fileName(`forge-${name}.pem`);
  writeFileSync(path, contents, { mode: 0o600 });
  return path;
}
const authority = file('root', root.pem);
const chainOf = (name: string, leaf: Issued): readonly string[] => {
  const { cert, key } = credentials(leaf);
  const [own = '', ...above] = cert.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g) ?? [];
  const chain = above.length === 0 ? [] : ['-cert_chain', file(`${name}-above`, above.join(''))];
  return ['-cert', file(name, own), '-key', file(`${name}-key`, key), ...chain];
};
const ofHost = chainOf('host', hostLeaf);
const ofClient = chainOf('client', clientLeaf);

async function sServer(
  t: Test,
  version: string,
  extra: readonly string[],
): Promise<{ program: Program; port: number }> {
  const port = await freePort();
  const args = ['-accept', `${host}:${port}`, version, ...level, ...ofHost, ...extra];
  return { program: new Program(t, 'openssl', ['s_server', ...args]), port };
}

const sClient = (t: Test, port: number, extra: readonly string[], version: readonly string[] = ['-tls1']): Program =>
  new Program(t, 'openssl', [
    's_client',
    ['-connect', `${host}:${port}`, '-servername', 'host.test', ...version, ...level],
    ['-CAfile', authority, '-verify_return_error', '-verify_hostname', 'host.test', ...extra],
  ]);

for (const [flag, version] of [
  ['-tls1_1', 'TLSv1.1'],
  ['-tls1', 'TLSv1'],
] as const) {
  t.test(`openssl s_server, ${version}: data each way, and a clean end`, skip, async (t) => {
    const { program, port } = await sServer(t, flag, ['-quiet']);
    const { connection, reading, ended } = await dial(t, port, client());
    t.equal(connection.negotiated.version, version);
    t.equal(connection.negotiated.peer.verification, 'passed');
    const [ours, theirs] = [hexLines(size), hexLines(size + 64)];
    const written = completed(connection.writeFrom([ours]));
    program.type(theirs);
    t.equal(hash(await reading.atLeast(theirs.length)), hash(theirs));
    t.equal(hash(await program.outputs(ours.length)), hash(ours));
    t.equal(await written, undefined);
    t.equal(await completed(connection.close()), undefined);
    t.equal(await ended, undefined);
    t.equal(reading.outcome, 'complete');
  });

  t.test(`openssl s_server, ${version}: resumption, their close_notify, a client certificate`, skip, async (t) => {
    const { port } = await sServer(t, flag, ['-www', '-CAfile', authority, '-Verify', '3', '-verify_return_error']);
    const engine = client({ credentials: credentials(clientLeaf), sessions: undefined as never });
    for (const resumed of [false, true, false]) {
      const { connection, reading } = await dial(t, port, engine);
      t.equal(connection.negotiated.resumed, resumed);
      connection.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
      t.equal(await reading.over, 'complete');
      t.ok(reading.text.startsWith('HTTP/1.0 200'), reading.text.slice(0, 60));
    }
  });

  t.test(
    `openssl s_server, ${version}: a wrong name is refused, and it hears why; a kill is a cut`,
    skip,
    async (t) => {
      const { program, port } = await sServer(t, flag, []);
      const refused = await refusal(dial(t, port, client({ serverName: 'other.test' })));
      t.ok(refused instanceof CertificateError && refused.reason === 'wrong-name', String(refused));
      await program.says(/alert bad certificate/);
      const { reading } = await dial(t, port, client());
      program.kill();
      const outcome = await reading.over;
      t.ok(outcome !== 'complete', String(outcome));
    },
  );
}

t.test('openssl s_client, TLSv1: data each way, and a clean end', skip, async (t) => {
  const served = await serve(t, server());
  const program = sClient(t, served.port, ['-quiet', '-no_ign_eof', '-nocommands']);
  const connection = await served.next();
  t.equal(connection.negotiated.version, 'TLSv1');
  t.equal(connection.negotiated.serverName, 'host.test');
  const received: Uint8Array[] = [];
  const over = new Promise<string>((resolve) => {
    connection.plaintext.subscribe({
      next: (bytes) => received.push(bytes),
      error: (error: unknown) => resolve(String(error)),
      complete: () => resolve('complete'),
    });
  });
  const [ours, theirs] = [hexLines(size), hexLines(size + 64)];
  const written = completed(connection.writeFrom([ours]));
  program.type(theirs);
  t.equal(hash(await program.outputs(ours.length)), hash(ours));
  t.equal(await written, undefined);
  program.endInput();
  t.equal(await over, 'complete');
  t.equal(hash(Buffer.concat(received)), hash(theirs));
});

t.test('openssl s_client, TLSv1: resumption, a client certificate, a renegotiation refused', skip, async (t) => {
  const served = await serve(t, server({ clientAuth: 'require', clientCa: root.pem }));
  const session = fileName('forge-session.pem');
  for (const [option, resumed] of [
    ['-sess_out', false],
    ['-sess_in', true],
  ] as const) {
    const program = sClient(t, served.port, [...ofClient, option, session]);
    const connection = await served.next();
    t.equal(connection.negotiated.resumed, resumed);
    t.equal(connection.negotiated.peer.verification, 'passed');
    t.same(connection.negotiated.peer.chain[0], new Uint8Array(clientLeaf.der));
    await program.says(resumed ? /Reused, / : /Secure Renegotiation IS supported/);
    connection.write(Buffer.from('hello from rxtls\n'));
    await program.says(/hello from rxtls/);
    program.type(resumed ? 'R\n' : 'Q\n');
    if (resumed) await program.says(/no renegotiation/);
  }
  const without = sClient(t, served.port, []);
  t.match(
    await served.failure(),
    { error: { name: 'AlertReceivedError' } },
    'OpenSSL does not say goodbye to a refusal',
  );
  without.kill();
});

t.test('openssl s_client that knows newer versions takes the sentinel for what it is', skip, async (t) => {
  const served = await serve(t, server());
  const program = sClient(t, served.port, [], ['-min_protocol', 'TLSv1']);
  await program.says(/inappropriate fallback/);
  t.match(await served.failure(), { error: { name: 'AlertReceivedError', alert: 'illegal_parameter' } });
  const alone = await serve(t, server({ dangerouslyAllowFallback: true }));
  sClient(t, alone.port, [], ['-min_protocol', 'TLSv1']);
  t.equal((await alone.next()).negotiated.version, 'TLSv1');
});
