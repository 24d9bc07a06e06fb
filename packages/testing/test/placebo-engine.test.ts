import {
  AlertReceivedError,
  CertificateError,
  defaultLimits,
  type EngineTask,
  type Limits,
  LimitExceededError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsError,
  type TlsHost,
} from '@rxtls/core/engine';
import { placeboEngine, placeboRecords } from '@rxtls/testing';
import t from 'tap';

const bytes = (...values: number[]) => Uint8Array.from(values);
const textBytes = (text: string) => new TextEncoder().encode(text);
const data = (body: Uint8Array) => placeboRecords.applicationData(body);
const join = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** One engine whose sink writes down everything, in order. */
function probe(factory: TlsEngineFactory, limits: Partial<Limits> = {}, clock = { now: 0 }) {
  const log: string[] = [];
  const wire: Uint8Array[] = [];
  const tasks: EngineTask[] = [];
  const failures: TlsError[] = [];
  const seen = { consumed: 0, plaintext: [] as Uint8Array[], inside: (_name: string) => {} };
  const host: TlsHost = {
    wallClock: () => 0,
    monotonicClock: () => clock.now,
    random: (length) => new Uint8Array(length),
    limits: { ...defaultLimits, ...limits },
  };
  const note = (line: string, name = line) => {
    log.push(line);
    seen.inside(name);
  };
  const engine: TlsEngine = factory(
    {
      observed: true,
      ciphertext: (b) => {
        wire.push(b);
        note(`ciphertext ${b[0]}:${b.length}`, 'ciphertext');
      },
      sealed: (n, r) => note(`sealed ${n} ${r?.epoch}:${r?.first}-${r?.last}`, 'sealed'),
      consumed: (n) => {
        seen.consumed += n;
        seen.inside('consumed');
      },
      plaintext: (b) => {
        seen.plaintext.push(b);
        note(`plaintext ${b.length}`, 'plaintext');
      },
      readiness: (s) => note(s.state, 'readiness'),
      task: (task) => {
        tasks.push(task);
        note(`task ${task.name}`, 'task');
      },
      negotiated: (p) => note(`negotiated ${p.alpnProtocol ?? '-'} ${p.serverName ?? '-'}`, 'negotiated'),
      event: (e) => {
        if (e.type !== 'record') note(`event ${e.type}`, 'event');
      },
      closeNotify: () => note('closeNotify'),
      failed: (error) => {
        failures.push(error);
        note(`failed ${error.name} ${error.alert ?? ''}`.trim(), 'failed');
      },
    },
    host,
  );
  return { engine, log, wire, tasks, failures, seen, clock, take: () => join(wire.splice(0)) };
}
const open = (limits: Partial<Limits> = {}, options: Parameters<typeof placeboEngine.server>[0] = {}) => {
  const server = probe(placeboEngine.server(options), limits);
  server.engine.receiveCiphertext(placeboRecords.clientHello({ version: options?.version ?? 'TLSv1.3' }));
  server.engine.receiveCiphertext(placeboRecords.finished());
  server.log.length = 0;
  server.take();
  return server;
};

t.test('a handshake of one round trip, then data both ways, then close', async (t) => {
  const client = probe(placeboEngine.client({ serverName: 'a.example', alpnProtocols: ['h2', 'x'] }));
  const server = probe(placeboEngine.server({ alpnProtocols: ['x'], tickets: 1 }));
  server.engine.receiveCiphertext(client.take());
  client.engine.receiveCiphertext(server.take());
  server.engine.receiveCiphertext(client.take());
  client.engine.receiveCiphertext(server.take());
  t.same(client.log, [
    'WANT_READ',
    'ciphertext 22:88',
    'ciphertext 22:10',
    'negotiated x a.example',
    'READY',
    'event ticket',
  ]);
  t.equal(server.log.includes('negotiated x a.example'), true);
  client.engine.sendPlaintext(textBytes('hello'));
  client.engine.sendCloseNotify();
  server.engine.receiveCiphertext(join([client.take(), bytes(1, 2, 3)]));
  t.same(server.log.slice(-3), ['plaintext 5', 'event alert', 'closeNotify']);
  server.engine.sendPlaintext(new Uint8Array(40_000));
  t.match(server.log.at(-1), 'sealed 40000 1:1-3');
});

t.test('further round trips are counted by the server', async (t) => {
  const client = probe(placeboEngine.client());
  const server = probe(placeboEngine.server({ roundTrips: 3 }));
  let trips = 0;
  for (; !server.log.includes('READY'); trips++) {
    server.engine.receiveCiphertext(client.take());
    const answer = server.take();
    if (answer.length > 0) client.engine.receiveCiphertext(answer);
  }
  t.equal(trips, 4);
});

t.test('close_notify is 15 03 03 00 02 01 00 and ends what is consumed', async (t) => {
  const server = open();
  server.engine.sendCloseNotify();
  t.same(server.take(), bytes(0x15, 3, 3, 0, 2, 1, 0));
  const before = server.seen.consumed;
  server.engine.receiveCiphertext(join([placeboRecords.closeNotify(), placeboRecords.applicationData(bytes(1))]));
  server.engine.receiveCiphertext(bytes(23, 3, 3));
  t.equal(server.seen.consumed - before, 7);
});

t.test('paused: data waits unconsumed, control records before it do not', async (t) => {
  const server = open();
  const before = server.seen.consumed;
  server.engine.pause();
  server.engine.receiveCiphertext(
    join([placeboRecords.keyUpdate(true), placeboRecords.applicationData(bytes(7)), placeboRecords.closeNotify()]),
  );
  t.same(server.log, ['event key-update', 'ciphertext 22:10', 'event key-update']);
  t.equal(server.seen.consumed - before, 10);
  server.engine.resume();
  t.same(server.log.slice(3), ['plaintext 1', 'event alert', 'closeNotify']);
});

t.test('many KeyUpdates: one answer a call, by rate fatal even with data between', async (t) => {
  const server = open({ keyUpdates: { burst: 3, perSecond: 1 } });
  const update = placeboRecords.keyUpdate(true);
  server.engine.receiveCiphertext(join([update, update, update]));
  t.equal(server.take().length, 10);
  server.clock.now = 1_000;
  server.engine.receiveCiphertext(join([update, placeboRecords.applicationData(bytes(1)), update]));
  t.match(server.failures[0], { limit: 'keyUpdates' });
  t.ok(server.failures[0] instanceof LimitExceededError);
  t.same(server.take().slice(-2), bytes(2, 10));
  const lazy = open({}, { keyUpdateResponse: 'with-next-write' });
  for (let n = 0; n < 30; n++) lazy.engine.receiveCiphertext(update.slice());
  t.equal(lazy.take().length, 0);
  lazy.engine.sendPlaintext(bytes(1));
  t.equal(lazy.take().length, 16);
});

t.test('TLS 1.2 renegotiation: WANT_READ in the middle of traffic, both ways round', async (t) => {
  const limits = { renegotiation: { max: 1 } };
  const server = open(limits, { version: 'TLSv1.2' });
  server.engine.updateKeys?.({ requestPeer: true });
  t.equal(server.log.at(-1), 'WANT_READ');
  t.throws(() => server.engine.sendPlaintext(bytes(1)), /while WANT_READ/);
  server.engine.receiveCiphertext(placeboRecords.clientHello({ version: 'TLSv1.2' }));
  server.engine.receiveCiphertext(placeboRecords.applicationData(bytes(1)));
  server.engine.receiveCiphertext(placeboRecords.finished());
  t.same(server.log.slice(-2), ['plaintext 1', 'READY']);
  const refusing = open({}, { version: 'TLSv1.2' });
  refusing.engine.receiveCiphertext(placeboRecords.clientHello({ version: 'TLSv1.2' }));
  t.same(refusing.take(), placeboRecords.alert('warning', 'no_renegotiation'));
  refusing.engine.receiveCiphertext(placeboRecords.clientHello({ version: 'TLSv1.2' }));
  t.match(refusing.failures[0], { limit: 'renegotiation' });
});

t.test('verify is a task; only true goes on, and data behind it is held', async (t) => {
  for (const [answer, state] of [
    [true, 'READY'],
    ['yes', 'failed CertificateError'],
  ] as const) {
    const server = probe(placeboEngine.server({ verify: () => true }));
    server.engine.receiveCiphertext(placeboRecords.clientHello({ version: 'TLSv1.3' }));
    server.engine.receiveCiphertext(join([placeboRecords.finished(), placeboRecords.applicationData(bytes(1))]));
    t.same(server.log.slice(-2), ['WANT_ASYNC', 'task verify']);
    server.tasks[0]?.resolve(answer);
    t.ok(server.log.includes(state));
    t.equal(server.seen.plaintext.length, answer === true ? 1 : 0);
    if (answer !== true) t.ok(server.failures[0] instanceof CertificateError);
    else t.throws(() => server.tasks[0]?.resolve(true), /settled twice/);
  }
});

t.test('it is strict with the peer', async (t) => {
  const cases: [string, Uint8Array, abstract new (...input: never[]) => TlsError, string][] = [
    ['oversize', bytes(23, 3, 3, 0x40, 1), PeerMisbehavedError, 'record_overflow'],
    ['unknown type', bytes(99), PeerMisbehavedError, 'unexpected_message'],
    ['heartbeat', bytes(24, 3, 3, 0, 0), PeerMisbehavedError, 'unexpected_message'],
    ['late CCS', bytes(20, 3, 3, 0, 1, 1), PeerMisbehavedError, 'unexpected_message'],
    ['empty handshake', bytes(22, 3, 3, 0, 0), PeerMisbehavedError, 'unexpected_message'],
    ['late finished', placeboRecords.finished(), PeerMisbehavedError, 'unexpected_message'],
    [
      'data in a fragment',
      join([bytes(22, 3, 3, 0, 1, 24), data(bytes(1))]),
      PeerMisbehavedError,
      'unexpected_message',
    ],
    ['short alert', bytes(21, 3, 3, 0, 1, 1), PeerMisbehavedError, 'decode_error'],
    ['fatal alert', placeboRecords.alert('fatal', 'bad_record_mac'), AlertReceivedError, 'bad_record_mac'],
    ['empty flood', join(Array.from({ length: 33 }, () => data(bytes()))), LimitExceededError, ''],
  ];
  for (const [name, input, type, alert] of cases) {
    const server = open();
    server.engine.receiveCiphertext(input);
    t.ok(server.failures[0] instanceof type, name);
    if (alert !== '') t.equal(server.failures[0]?.alert, alert, name);
    t.equal(server.failures[0]?.phase, 'open', name);
  }
  const fresh = probe(placeboEngine.server());
  fresh.engine.receiveCiphertext(textBytes('GET / HTTP/1.1'));
  t.match(fresh.failures[0], { firstBytes: '474554202f20485454502f312e31' });
  const old = probe(placeboEngine.server({ version: 'TLSv1.2' }));
  old.engine.receiveCiphertext(placeboRecords.clientHello({ version: 'TLSv1.3' }));
  t.ok(old.failures[0] instanceof PeerIncompatibleError);
  const warned = open({}, { version: 'TLSv1.2' });
  for (let n = 0; n < 5; n++) warned.engine.receiveCiphertext(placeboRecords.alert('warning', 'user_canceled'));
  t.match(warned.failures[0], { limit: 'maxWarningAlerts' });
});

t.test('it is strict with its caller', async (t) => {
  const server = open();
  t.throws(() => server.engine.receiveCiphertext(new Uint8Array(65_537)), /65537 bytes/);
  let inner = '';
  server.seen.inside = (name) => {
    if (name !== 'plaintext') return;
    try {
      server.engine.resume();
    } catch (error) {
      inner = String(error);
    }
  };
  server.engine.receiveCiphertext(placeboRecords.applicationData(bytes(1)));
  t.match(inner, /resume was called inside the sink's plaintext/);
  server.engine.sendCloseNotify();
  t.throws(() => server.engine.sendCloseNotify(), /twice/);
  t.throws(() => server.engine.sendPlaintext(bytes(1)), /after sendCloseNotify/);
  server.engine.receiveEnd();
  t.throws(() => server.engine.receiveCiphertext(bytes(1)), /after receiveEnd/);
  server.engine.destroy();
  server.engine.destroy();
  t.throws(() => server.engine.resume(), /after destroy/);
  t.throws(() => probe(placeboEngine.client()).engine.sendPlaintext(bytes(1)), /WANT_READ/);
  const old = open({}, { version: 'TLSv1.2' });
  old.engine.receiveCiphertext(placeboRecords.closeNotify());
  t.throws(() => old.engine.sendPlaintext(bytes(1)), /without half-close/);
});

t.test('it fails where it is told to, and sends what an abort says', async (t) => {
  for (const failAt of ['start', 'handshake', 'negotiated', 'receive', 'send'] as const) {
    const server = probe(placeboEngine.server({ failAt }));
    const go = (run: () => void) => server.failures.length > 0 || run();
    go(() => server.engine.receiveCiphertext(placeboRecords.clientHello({ version: 'TLSv1.3' })));
    go(() => server.engine.receiveCiphertext(placeboRecords.finished()));
    if (failAt === 'send') go(() => server.engine.sendPlaintext(bytes(1)));
    go(() => server.engine.receiveCiphertext(placeboRecords.applicationData(bytes(1))));
    t.match(server.failures[0]?.message, `told to fail at ${failAt}`);
    t.same(server.take().slice(-2), bytes(2, 80), 'internal_error');
    t.equal(server.log.at(-1)?.startsWith('failed'), true);
  }
  const server = open();
  server.engine.abort('access_denied');
  t.same(server.take(), bytes(0x15, 3, 3, 0, 2, 2, 49));
});

t.test('destroy inside a callback is the last that is heard of it', async (t) => {
  for (const callback of ['ciphertext', 'sealed', 'consumed', 'plaintext', 'event', 'closeNotify', 'failed']) {
    const server = open();
    let after = 0;
    server.seen.inside = (name) => {
      if (after > 0) after += 1;
      if (name !== callback) return;
      after = 1;
      server.engine.destroy();
    };
    if (callback === 'sealed' || callback === 'ciphertext') server.engine.sendPlaintext(new Uint8Array(50_000));
    else
      server.engine.receiveCiphertext(
        join([
          placeboRecords.applicationData(bytes(1)),
          placeboRecords.keyUpdate(true),
          callback === 'failed' ? bytes(9) : placeboRecords.closeNotify(),
        ]),
      );
    t.equal(after, 1, callback);
  }
});
