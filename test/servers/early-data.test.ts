// Row S6 for servers: no engine here takes early data (0-RTT), so there is nothing to replay. A client that sends some all the
// same, under a session that the server does resume, is OpenSSL's s_client with a session in which a promise was forged.
import { readFileSync, writeFileSync } from 'node:fs';
import type { TlsConnection } from '@rxtls/core';
import { ignoreElements, merge, tap } from 'rxjs';
import t, { type Test } from 'tap';
import { fileName } from '../interop/files.ts';
import { opensslMissing } from '../interop/openssl.ts';
import { Program } from '../interop/program.ts';
import { firstFlight } from './first-flight.ts';
import { kits, kitsWithTickets, type ServerKit } from './kits.ts';
import { host, type Listening, listening } from './listening.ts';
import { served } from './served.ts';

const skip = opensslMissing === undefined ? {} : { skip: opensslMissing };

/** [15] EXPLICIT INTEGER, as OpenSSL writes a session's max_early_data: 16 384 bytes. */
const promise = Buffer.from('af0402024000', 'hex');

/** The members of a DER SEQUENCE, whole. */
function members(der: Buffer): Buffer[] {
  const head = (at: number): { readonly body: number; readonly end: number } => {
    const first = der[at + 1]!;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
    return { body: at + 2 + lengthBytes, end: at + 2 + lengthBytes + length };
  };
  const found: Buffer[] = [];
  for (let at = head(0).body; at < der.length; at = head(at).end) found.push(der.subarray(at, head(at).end));
  return found;
}

/** The session as if its ticket had promised to take early data. It has promised none: that is checked. */
function withPromise(t: Test, pem: string): string {
  const der = Buffer.from(/SESSION PARAMETERS-----([^]*?)-----END/.exec(pem)![1]!, 'base64');
  const all = members(der);
  t.notOk(
    all.some((member) => member[0] === promise[0]),
    'its ticket promises nothing',
  );
  const after = all.findIndex((member) => member[0]! > promise[0]! && member[0]! < 0xc0);
  all.splice(after < 0 ? all.length : after, 0, promise);
  const body = Buffer.concat(all);
  const changed = Buffer.concat([Buffer.from([0x30, 0x82, body.length >> 8, body.length & 0xff]), body]);
  return `-----BEGIN SSL SESSION PARAMETERS-----\n${changed.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END SSL SESSION PARAMETERS-----\n`;
}

const sClient = (t: Test, { port }: Listening, kit: ServerKit, extra: readonly string[]): Program => {
  const authority = fileName(`${kit.name}.authority.pem`);
  writeFileSync(authority, kit.pki.authorityPem);
  return new Program(t, 'openssl', [
    ['s_client', '-connect', `${host}:${port}`, '-servername', 'localhost', '-tls1_3'],
    ['-CAfile', authority, '-verify_return_error', ...extra],
  ]);
};

for (const kit of kitsWithTickets)
  t.test(
    `S6 (${kit.name}): early data under a session that is resumed are refused, skipped and never seen`,
    skip,
    async (t) => {
      const seen: string[] = [];
      const heard = ({ plaintext }: TlsConnection) =>
        plaintext.pipe(tap((bytes) => seen.push(Buffer.from(bytes).toString('latin1'))));
      const server = await listening(t, kit.server({ credentials: await kit.issue() }), {}, (connection) =>
        merge(connection.write(Buffer.from('hello from rxtls\n')), heard(connection)).pipe(ignoreElements()),
      );
      const session = fileName(`${kit.name}.session.pem`);
      const first = sClient(t, server, kit, ['-sess_out', session]);
      await first.says(/hello from rxtls/);
      first.endInput();
      await first.exited;
      const early = fileName('pay.txt');
      writeFileSync(early, 'pay 100\n'.repeat(200));
      writeFileSync(session, withPromise(t, readFileSync(session, 'latin1')));
      const second = sClient(t, server, kit, ['-sess_in', session, '-early_data', early]);
      await second.says(/hello from rxtls/);
      second.type('a line after it\n');
      second.endInput();
      await second.exited;
      t.match(second.text, /Early data was rejected/);
      t.match(second.text, /Reused, TLSv1\.3/);
      t.match(server.connections.at(-1)!.negotiated, { resumed: true });
      t.equal(seen.join(''), 'a line after it\n');
      t.same(server.failures, []);
    },
  );

for (const kit of kits)
  t.test(`S6 (${kit.name}): a ClientHello that is played again gives nothing but a handshake of its own`, async (t) => {
    const hello = await firstFlight(kit);
    const server = served(t, kit.server({ credentials: await kit.issue() }), { limits: { handshakeTimeout: 500 } });
    const answers = [server.raw(hello), server.raw(hello)].map(({ answer }) => answer);
    while (server.failures.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    t.equal(server.connections.length, 0);
    const [one, two] = answers.map((answer) => answer().toString('hex'));
    t.ok(one!.length > 100 && two!.length > 100);
    t.not(one, two, 'another random, other keys');
  });
