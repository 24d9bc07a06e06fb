// One whole connection byte by byte: keys, certificates, both engines and the clock come from seeds. To accept a change:
// RXTLS_UPDATE_GOLDEN=1 node --conditions=rxtls:source --import @oxc-node/core/register packages/engine-forge/test/golden.test.ts
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';
import t, { type Test } from 'tap';
import { forgeEngine } from '../src/index.ts';
import { End, legacy, records, seededBytes, toText } from './harness.ts';

const file = join(import.meta.dirname, 'golden-transcript.txt');
const now = Date.UTC(2026, 0, 15);
const contentTypes = ['change_cipher_spec', 'alert', 'handshake', 'application_data'];

/** A key and a certificate that signs itself, the same for the same seed. */
function seededCredentials(seed: number): { cert: string; key: string } {
  const random = seededBytes(seed);
  const prng = { getBytesSync: (length: number) => toText(random(length)) };
  const { publicKey, privateKey } = forge.pki.rsa.generateKeyPair({ bits: 1_024, prng, algorithm: 'PRIMEINC' });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = '01';
  certificate.validity = { notBefore: new Date(now - 1_000), notAfter: new Date(now + 86_400_000) };
  const name = [{ name: 'commonName', value: 'golden' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: 'host.test' }] }]);
  certificate.sign(privateKey, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: forge.pki.privateKeyToPem(privateKey) };
}

function transcript(t: Test): string {
  const own = seededCredentials(7);
  const options = { limits: { minRsaKeyBits: 1_024 }, wallClock: () => now };
  const client = new End(forgeEngine.client({ ...legacy, serverName: 'host.test', ca: own.cert, sessions: 'none' }), {
    ...options,
    seed: 1,
  });
  const server = new End(forgeEngine.server({ ...legacy, credentials: own }), { ...options, seed: 2 });
  const lines: string[] = [];
  const turn = (): void => {
    for (const [who, from, to] of [
      ['client', client, server],
      ['server', server, client],
    ] as const) {
      const flight = from.take();
      for (const record of records(flight))
        lines.push(`${who} ${contentTypes[record[0]! - 20]} ${Buffer.from(record).toString('hex')}`);
      if (flight.length > 0 && !to.closed) to.give(flight);
    }
  };
  turn();
  turn();
  client.send('ping');
  turn();
  server.send('pong');
  server.engine?.sendCloseNotify();
  turn();
  client.engine?.sendCloseNotify();
  turn();
  t.equal(server.text + client.text, 'pingpong');
  t.ok(client.closed && server.closed, String(client.error ?? server.error));
  return `${lines.join('\n')}\n`;
}

t.test('a seeded host gives the same bytes on the wire, today and as they were written down', async (t) => {
  const now = transcript(t);
  t.equal(transcript(t), now, 'twice the same');
  if (process.env['RXTLS_UPDATE_GOLDEN'] === '1') writeFileSync(file, now);
  t.equal(now, existsSync(file) ? readFileSync(file, 'utf8') : '', 'the golden transcript');
});
