// A key log (RFC 9850) is what gives the traffic away: read by an independent decryptor, and by Wireshark's where it is installed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isInstalled, Program } from '../interop/program.ts';
import { duo, type Duo, until } from '../rules-node/bench.ts';
import { type Capture, capture, keylogOf, said } from './capture.ts';
import { decrypt } from './decrypt.ts';
import { engines } from './engines.ts';
import { addresses, pcap } from './pcap.ts';

t.setTimeout(120_000);

const captures = new Map<string, Capture>();
for (const [name, engine] of Object.entries(engines)) {
  const options = engine();
  captures.set(name, await capture(options));
  captures.set(`${name}, resumed`, await capture(options));
}

/** RFC 9850 §2: a label, the random of the ClientHello, a secret as long as the hash, or 48 bytes before TLS 1.3. */
const format = /^(CLIENT_RANDOM [\da-f]{64} [\da-f]{96}|[A-Z]+(_[A-Z]+)+(_0)? [\da-f]{64} ([\da-f]{64}|[\da-f]{96}))$/;

for (const [name, { segments, keylog, isResumed }] of captures)
  t.test(`key log (${name}): what both ends said can be read with its lines, and not without`, async (t) => {
    t.equal(isResumed, name.endsWith('resumed'));
    t.same([...keylog.client].sort(), [...keylog.server].sort(), 'both ends log the same');
    for (const line of keylog.client) t.match(line, format);
    t.equal(new Set(keylog.client).size, keylog.client.length, 'each line once');
    for (const lines of [keylog.client, keylog.server]) t.same(decrypt(segments, lines), said);
    const wire = Buffer.concat(segments.map(({ bytes }) => bytes)).toString('latin1');
    t.notOk(wire.includes(said.client.slice(0, 10)), 'on the wire it is not to be seen');
    t.throws(() => decrypt(segments, []), /no [A-Z_0-9]+ for this ClientHello/);
    const wrong = keylog.client.map((line) => line.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')));
    t.throws(() => decrypt(segments, wrong), 'nor with secrets that differ in a bit');
  });

for (const [name, engine] of Object.entries(engines))
  t.test(`key log (${name}): of handshakes side by side each connection logs its own`, async (t) => {
    const options = engine();
    const pairs: Duo[] = Array.from({ length: 4 }, () => duo(options));
    t.teardown(() => pairs.forEach((pair) => pair.destroy()));
    await until(
      () => pairs.every(({ client, server }) => client.connections.length + server.connections.length === 2),
      'all',
    );
    const randoms = new Set<string>();
    for (const { client, server } of pairs) {
      const random = Buffer.concat(client.wire.written).subarray(11, 43).toString('hex');
      randoms.add(random);
      t.same([...keylogOf(client)].sort(), [...keylogOf(server)].sort());
      t.ok(keylogOf(server).every((line) => line.split(' ')[1] === random) && keylogOf(server).length > 0);
    }
    t.equal(randoms.size, pairs.length);
  });

const skip = isInstalled('tshark') ? {} : { skip: 'skipped: tshark is not installed' };
for (const [name, { segments, keylog }] of captures)
  t.test(`key log (${name}): Wireshark shows what was said`, skip, async (t) => {
    const folder = t.testdir({});
    const [file, log] = [join(folder, 'captured.pcap'), join(folder, 'keys.log')];
    writeFileSync(file, pcap(segments));
    /** What it takes for the connection's plaintext: pieces in hexadecimal, those of its "Node 1" behind a tab. */
    const follow = async (lines: readonly string[]): Promise<{ client: string; server: string }> => {
      writeFileSync(log, lines.map((line) => `${line}\n`).join(''));
      const checks = ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
      const options = ['-r', file, '-o', `tls.keylog_file:${log}`, ...checks, '-q', '-z', 'follow,tls,raw,0'];
      const tshark = new Program(t, 'tshark', options);
      t.equal(await tshark.exited, 0);
      const printed = Buffer.concat(tshark.output).toString('latin1');
      const pieces = (which: RegExp): string =>
        Array.from(printed.matchAll(which), (match) => Buffer.from(match[1]!, 'hex').toString('latin1')).join('');
      const [first, second] = [pieces(/^([\da-f]+)$/gm), pieces(/^\t([\da-f]+)$/gm)];
      const isServerFirst = printed.includes(`Node 0: ${addresses.server.ip.join('.')}:`);
      return isServerFirst ? { client: second, server: first } : { client: first, server: second };
    };
    t.same(await follow(keylog.client), said);
    t.same(await follow([]), { client: '', server: '' }, 'and nothing without the key log');
  });
