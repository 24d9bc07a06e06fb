// The example with its own broker, with mosquitto, and with brokers that fail it in every way.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { testPki } from '@rxtls/testing';
import { lastValueFrom, of, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/07-mqtt-reconnect/arguments.ts';
import { backoff } from '../../examples/07-mqtt-reconnect/backoff.ts';
import { mqttPackets } from '../../examples/07-mqtt-reconnect/mqtt-packets.ts';
import { mosquitto, mosquittoMissing } from './mosquitto.ts';
import { type Outcome, runExample } from './run-example.ts';
import { listening, tlsPeer } from './tls-peers.ts';

t.setTimeout(120_000);

const pki = await testPki();
const leaf = await pki.leaf('ecdsa');
const ca = join(t.testdir({}), 'authority.pem');
writeFileSync(ca, pki.authorityPem);

const run = (...args: readonly string[]): Promise<Outcome> => runExample('07-mqtt-reconnect', args);
const to = (port: number, ...more: readonly string[]): Promise<Outcome> =>
  run('--connect', `localhost:${port}`, '--ca', ca, ...more);
const fails = (t: Test, { code, stderr }: Outcome, line: RegExp): void => {
  t.equal(code, 1, stderr);
  t.match(stderr, line);
  t.match(stderr, /^error: [^\n]*\n$/, 'one line');
};
const lines = ({ stdout }: Outcome, { source }: RegExp): RegExpExecArray[] => [
  ...stdout.matchAll(new RegExp(source, 'gm')),
];

/** Every reading came; which of them again is for the broker and chance to say. */
function hasAll(t: Test, outcome: Outcome, count: number): void {
  t.equal(outcome.code, 0, outcome.stderr);
  t.equal(outcome.stderr, '');
  const seen = lines(outcome, /^reader {2}reading (\d+)(?: again)?$/).map(([, reading]) => Number(reading));
  t.same(
    [...new Set(seen)].sort((a, b) => a - b),
    Array.from({ length: count }, (_, index) => index + 1),
  );
  t.match(outcome.stdout, new RegExp(`\\ndone {4}${count} of ${count} readings\\n$`));
}

/** Each wait is between half of what it may be and all of it, twice as long as the one before, and not over a second. */
function backsOff(t: Test, { stdout }: Outcome, client: string): void {
  let attempt = 0;
  let longest = 0;
  for (const line of stdout.split('\n').filter((each) => each.startsWith(client))) {
    if (line.includes('connected:')) attempt = 0;
    const [, wait] = /^\w+ +lost: \w+; again in (\d+) ms$/.exec(line) ?? [];
    if (wait === undefined) continue;
    const most = Math.min(1_000, 50 * 2 ** attempt++);
    if (Number(wait) < Math.floor(most / 2) || Number(wait) > most)
      t.fail(`${line} is not from ${most / 2} to ${most}`);
    longest = Math.max(longest, attempt);
  }
  t.ok(longest >= 3, `${client}: ${longest} tries in a row`);
}

t.test('its own broker, killed five times: every reading comes, the waits grow, and TLS is resumed', async (t) => {
  const outcome = await run('--kills', '5', '--count', '200', '--every', '20');
  hasAll(t, outcome, 200);
  t.equal(lines(outcome, /^broker {2}killed$/).length, 5);
  t.equal(lines(outcome, /^broker {2}started again$/).length, 5);
  backsOff(t, outcome, 'reader');
  backsOff(t, outcome, 'sensor');
  for (const client of ['reader', 'sensor']) {
    const connected = lines(outcome, new RegExp(`^${client} {2}connected: TLSv1\\.3, (.*); (.*)$`));
    t.ok(connected.length >= 6, `${client} was connected ${connected.length} times`);
    t.equal(connected[0]![1], 'a full handshake');
    t.equal(connected[1]![1], 'resumed', 'with the first handshake’s tickets');
  }
  const [first, ...more] = lines(outcome, /^reader {2}connected: .*; (.*)$/).map(([, known]) => known);
  t.equal(first, 'new to the broker');
  t.same([...new Set(more)], ['the broker knows it']);
});

t.test('what the README shows', async (t) => {
  const outcome = await run();
  hasAll(t, outcome, 20);
  t.equal(lines(outcome, /^broker {2}killed$/).length, 2);
  for (const line of outcome.stdout.trimEnd().split('\n'))
    t.match(
      line,
      /^(?:(?:reader|sensor) {2}(?:connected: TLSv1\.3, (?:resumed|a full handshake); (?:the broker knows it|new to the broker)|lost: \w+; again in \d+ ms)|reader {2}reading \d+(?: again)?|broker {2}(?:killed|started again)|done {4}20 of 20 readings)$/,
    );
});

t.test(
  'mosquitto, ended and started again five times',
  mosquittoMissing === undefined ? {} : { skip: mosquittoMissing },
  async (t) => {
    const broker = await mosquitto(t, leaf);
    const running = to(broker.port, '--count', '200', '--every', '20');
    for (let kill = 0; kill < 5; kill++) {
      await broker.clients();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await broker.stop();
      await new Promise((resolve) => setTimeout(resolve, 100));
      await broker.start();
    }
    const outcome = await running;
    hasAll(t, outcome, 200);
    const known = lines(outcome, /^reader {2}connected: .*; (.*)$/).map(([, each]) => each);
    t.ok(known.length >= 6, `connected ${known.length} times`);
    t.same([...new Set(known.slice(1))], ['the broker knows it']);
  },
);

t.test('a certificate of another authority, or for another name, is not tried again', async (t) => {
  const peer = await tlsPeer(leaf, (socket) => socket.resume());
  t.teardown(() => peer.close());
  for (const outcome of [
    await run('--connect', `localhost:${peer.port}`),
    await to(peer.port, '--server-name', 'other.example'),
  ]) {
    fails(t, outcome, /\(CertificateError\)\n$/);
    t.equal(outcome.stdout, '');
  }
});

t.test('nobody listens: it gives up after so many tries', async (t) => {
  const gone = await listening(createServer());
  gone.close();
  const outcome = await to(gone.port, '--attempts', '2');
  fails(t, outcome, /ECONNREFUSED.*\(AbortedError\)\n$/);
  for (const client of ['reader', 'sensor'])
    t.ok(lines(outcome, new RegExp(`^${client} {2}lost: AbortedError; again in \\d+ ms$`)).length <= 2);
  t.equal(lines(outcome, /^(?:reader|sensor) {2}lost/).length >= 3, true);
});

/** Answers each packet's first byte with what the test says. */
const broken =
  (answers: Readonly<Record<number, string>>) =>
  (socket: TLSSocket): void => {
    socket.on('data', (bytes: Buffer) => {
      const answer = answers[bytes[0]!];
      if (answer !== undefined) socket.write(Buffer.from(answer, 'hex'));
    });
  };
const connect = 0x10;
const subscribe = 0x82;

for (const [what, answers, error] of [
  ['that refuses CONNECT', { [connect]: '20020005' }, /the broker refused CONNECT \(5\) \(MqttRefusedError\)\n$/],
  [
    'that refuses the subscription',
    { [connect]: '20020000', [subscribe]: '9003ffff80' },
    /no subscription to rxtls\/[\w-]+ \(MqttRefusedError\)\n$/,
  ],
  [
    'that takes no reading',
    { [connect]: '20020000', [subscribe]: '9003ffff01' },
    /no reading came for 1500 ms \(BrokerGoneError\)\n$/,
  ],
  ['that speaks something else', { [connect]: '485454502f312e31' }, /no MQTT.*\(MqttProtocolError\)\n$/],
  ['that never answers', {}, /the broker was silent for 7500 ms \(BrokerGoneError\)\n$/],
] as const)
  t.test(`a broker ${what}`, async (t) => {
    const peer = await tlsPeer(leaf, broken(answers));
    t.teardown(() => peer.close());
    const outcome = await to(
      peer.port,
      '--attempts',
      '0',
      ...(what === 'that takes no reading' ? ['--timeout', '1500'] : []),
    );
    fails(t, outcome, error);
    t.ok(outcome.lingered < 5_000, `over ${Math.round(outcome.lingered)} ms later`);
  });

t.test('a broker that closes in good order is gone, too', async (t) => {
  const peer = await tlsPeer(leaf, (socket) => socket.end());
  t.teardown(() => peer.close());
  fails(t, await to(peer.port, '--attempts', '1'), /the broker closed the connection \(BrokerGoneError\)\n$/);
});

t.test('backoff doubles, is capped, and is spread', async (t) => {
  const lost = Object.assign(new Error('lost'), { retryable: true });
  const waits = (random: number): number[] => {
    const found: number[] = [];
    new TestScheduler((actual, expected) => t.same(actual, expected)).run(({ expectObservable }) => {
      const delay = backoff({ first: 50, most: 1_000, attempts: 8, random: () => random });
      for (let attempt = 1; attempt <= 8; attempt++) {
        const most = Math.min(1_000, 50 * 2 ** (attempt - 1));
        const wait = (most * (1 + random)) / 2;
        expectObservable(delay(lost, attempt)).toBe(`${wait}ms (a|)`, { a: 0 });
        found.push(wait);
      }
      expectObservable(delay(lost, 9)).toBe('#', undefined, lost);
      const refused = new Error('refused');
      expectObservable(delay(refused, 1)).toBe('#', undefined, refused);
    });
    return found;
  };
  t.same(waits(1), [50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  t.same(waits(0), [25, 50, 100, 200, 400, 500, 500, 500]);
});

t.test('packets do not depend on the chunks, and are bounded', async (t) => {
  const read = (...chunks: readonly Uint8Array[]) => lastValueFrom(of(...chunks).pipe(mqttPackets(), toArray()));
  const bytes = Buffer.from('20020000d0004002000730050001616263', 'hex');
  const wanted = ['connack', 'pingresp', 'puback', 'publish'];
  for (let at = 0; at <= bytes.length; at++) {
    const packets = await read(bytes.subarray(0, at), bytes.subarray(at));
    t.same(
      packets.map(({ cmd }) => cmd),
      wanted,
      `cut at ${at}`,
    );
  }
  t.equal((await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).length, wanted.length);
  await t.rejects(read(Buffer.from('30ffffff7f', 'hex'), Buffer.alloc(70_000)), { name: 'MqttProtocolError' });
});

t.test('wrong arguments: 2, and one line', async (t) => {
  const outcome = await run('--count', 'many');
  t.match(outcome, { code: 2, stdout: '', stderr: /^error: --count "many": [^\n]*\n$/ });
  t.match(await run('--help'), { code: 0, stdout: /--connect HOST:PORT/, stderr: '' });
  for (const [args, message] of [
    [['--count', '0'], /^--count "0": a whole number from 1/],
    [['--ca', 'x'], /^--ca needs --connect/],
    [['--connect', 'a:1', '--kills', '1'], /^--kills is for its own broker/],
    [['--connect', 'a:1', '--user', 'u'], /MQTT_PASSWORD/],
    [['--connect', 'a'], /HOST:PORT/],
    [['stray'], /^Unexpected argument 'stray'/],
  ] as const)
    t.throws(() => readArguments(args, {}), { name: 'UsageError', message });
});
