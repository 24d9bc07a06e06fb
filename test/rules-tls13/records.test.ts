// Rows R of the checklist over tls13Engine. R16's table of states is in packages/engine-tls13/test/states.test.ts. R14 is TLS 1.2's
// renegotiation, which TLS 1.3 has not; R1 and R17 are core's: see packages/core/test and test/rules-node.
import { defaultLimits } from '@rxtls/core/engine';
import { LimitWatch } from '@rxtls/core/engine-parts';
import { memorySessions } from '@rxtls/engine-tls13/node';
import t from 'tap';
import { HandshakeDeframer } from '../../packages/engine-tls13/src/record/handshake-deframer.ts';
import { RecordReceiver } from '../../packages/engine-tls13/src/record/record-receiver.ts';
import { client, End, joined, root, seededBytes, server } from '../../packages/engine-tls13/test/ends.ts';
import { handshake, patched, put, RawPeer, type } from '../../packages/engine-tls13/test/raw-peer.ts';
import { clientAndPeer, serverAndPeer, type WithPeer } from '../../packages/engine-tls13/test/with-peer.ts';
import { sample, turns, until } from '../rules-node/bench.ts';
import { wired } from './wired.ts';

t.setTimeout(60_000);

const roles = ['client', 'server'] as const;
const meet = (role: 'client' | 'server', raw = {}, options = {}, end = {}): WithPeer =>
  role === 'client' ? clientAndPeer(raw, options, end) : serverAndPeer(raw, options, end);
const fresh = { client: () => new End(client()), server: () => new End(server()) };
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const earlyData = 42;
const recordSizeLimit = 28;
const uint16 = (value: number): Uint8Array => bytes(value >> 8, value & 0xff);

t.test('R2 (tls13) a hello that claims 16 MiB is refused at its header, and nothing is allocated for it', async (t) => {
  const factories = { client: client(), server: server() };
  for (const role of roles)
    for (const [kind, claim] of [
      [1, 0xffffff],
      [2, 0x7fffff],
      [11, 65_537],
    ] as const) {
      const end = new End(factories[role]);
      end.take();
      const before = process.memoryUsage().arrayBuffers;
      end.give(bytes(22, 3, 3, 0, 4, kind, claim >> 16, (claim >> 8) & 0xff, claim & 0xff));
      t.ok(process.memoryUsage().arrayBuffers - before < 65_536, `${role}: ${claim} bytes claimed`);
      t.match(end.error, { name: 'LimitExceededError', limit: 'maxHandshakeMessageBytes', alert: 'decode_error' });
    }
  // And one that is within the limit waits for its bytes, whatever it claims.
  const waiting = new End(factories.server);
  const before = process.memoryUsage().arrayBuffers;
  waiting.give(bytes(22, 3, 3, 0, 4, 1, 0, 0xff, 0xff));
  t.ok(process.memoryUsage().arrayBuffers - before < 65_536, 'nothing is made for bytes that have not come');
  t.equal(waiting.error, undefined);
  waiting.engine.destroy();
});

t.test('R3 (tls13) every record header is waited for, read, or refused by a typed error', async (t) => {
  const typed = new Set(['NotTlsError', 'PeerMisbehavedError']);
  const factory = server();
  const watch = new LimitWatch({ observed: false, event: () => undefined });
  let [waited, refused] = [0, 0];
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // 200 000 errors
  t.teardown(() => (Error.stackTraceLimit = stackTraceLimit));
  const judge = (first: number, length: number, error: (Error & { readonly alert?: string }) | undefined): void => {
    if (error === undefined) waited++;
    else if (typed.has(error.name)) refused++;
    else t.fail(`${first}, ${length}: ${error.stack}`);
    const most = first === 23 ? 18_432 : 16_384;
    if (length > most !== (error?.alert === 'record_overflow')) t.fail(`${first}, ${length}: ${error?.message}`);
  };
  // Every length at the record layer, for one type each of them, and a sample at the engine.
  for (const first of [20, 21, 22, 23])
    for (let length = 0; length < 65_536; length += first === 22 ? 1 : 11) {
      const header = bytes(first, 3, 1, length >> 8, length & 0xff);
      const receiver = new RecordReceiver(defaultLimits, watch);
      receiver.mayChangeCipherSpec = true;
      receiver.push(header);
      if (length > 0)
        judge(
          first,
          length,
          thrown(() => receiver.next()),
        );
      if (length % 111 === 0 || (length > 16_380 && length < 16_390))
        judge(first, length, new End(factory, { observed: false }).give(header).error);
    }
  t.ok(waited > 16_384 && refused > 49_151, `${waited} wait, ${refused} are refused`);
  for (let first = 0; first < 256; first++)
    for (const length of [0, 1, 4, 5, 16_384, 16_385, 65_535]) {
      const { error } = new End(factory).give(bytes(first, 3, 3, ...uint16(length)));
      if (error !== undefined && !typed.has(error.name)) t.fail(`${first}, ${length}: ${error.stack}`);
      if (first < 20 || first > 24) t.equal(error?.name, 'NotTlsError', `type ${first}`);
    }
  for (const role of roles)
    for (let length = 0; length < 65_536; length += 5_003)
      for (const first of [20, 21, 22, 23, 99]) {
        const { end, run } = meet(role);
        end.give(bytes(first, 3, 3, ...uint16(length)));
        run();
        if (end.error !== undefined && end.error.name !== 'PeerMisbehavedError') t.fail(String(end.error.stack));
        // An empty record is complete with its header.
        const isFatal = length > 16_640 || first === 99 || length === 0;
        if ((end.error !== undefined) !== isFatal) t.fail(`${role}, open: ${first}, ${length}: ${end.error?.message}`);
      }
});

t.test('R4 (tls13) what is not TLS is a NotTlsError with at most 32 bytes of it, and nothing comes back', async (t) => {
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: example.test\r\nX-Secret: very secret indeed\r\n\r\n');
  for (const role of roles)
    for (const garbage of [
      request,
      Buffer.from('SSH-2.0-OpenSSH_9\r\n'),
      Buffer.alloc(100, 0xee),
      Buffer.from([0x80]),
    ]) {
      const end = fresh[role]();
      end.take();
      end.give(garbage);
      t.equal(end.error?.name, 'NotTlsError');
      const { firstBytes } = end.error as unknown as { firstBytes: string };
      t.ok(firstBytes.length <= 64 && garbage.toString('hex').startsWith(firstBytes) && firstBytes !== '', firstBytes);
      t.same(Array.from(end.take()), [21, 3, 3, 0, 2, 2, 10], 'an alert alone, nothing of what came');
    }
});

t.test('R5 (tls13) a record or what it holds past its length is record_overflow', async (t) => {
  for (const role of roles) {
    const most = meet(role);
    most.peer.record(type.applicationData, new Uint8Array(16_384));
    most.run();
    t.equal(most.end.plaintext[0]?.length, 16_384, 'the most that may be');
    const padded = meet(role);
    padded.peer.record(type.applicationData, new Uint8Array(1), 16_383);
    padded.run();
    t.equal(padded.end.plaintext[0]?.length, 1, 'the most padding');
    const overflows: Record<string, (peer: RawPeer) => unknown> = {
      'ciphertext of 2^14 + 257': (peer) => peer.clear(type.applicationData, new Uint8Array(16_384 + 257)),
      'plaintext of 2^14 + 1': (peer) => peer.record(type.applicationData, new Uint8Array(16_385)),
      'plaintext and padding of 2^14 + 1': (peer) => peer.record(type.applicationData, new Uint8Array(100), 16_285),
      'handshake content of 2^14 + 1': (peer) => peer.record(type.handshake, new Uint8Array(16_385)),
    };
    for (const [name, act] of Object.entries(overflows)) {
      const { end, peer, run } = meet(role);
      act(peer);
      run();
      t.match(end.error, { name: 'PeerMisbehavedError', alert: 'record_overflow' }, `${role}: ${name}`);
      t.equal(peer.alerts.at(-1)?.number, 22, name);
      t.equal(end.plaintext.length, 0, name);
    }
    const first = fresh[role]();
    first.give(joined([bytes(22, 3, 1, 0x40, 1), new Uint8Array(16_385)]));
    t.match(first.error, { alert: 'record_overflow' }, `${role}: in the clear`);
  }
});

t.test('R6 (tls13) fragments of one byte work; any other record between fragments is fatal', async (t) => {
  for (const role of roles) {
    t.ok(meet(role, { fragment: 1 }).end.negotiated, `${role}: one byte a record`);
    const between: Record<string, (peer: RawPeer) => unknown> = {
      'application data': (peer) => peer.data('x'),
      'empty application data': (peer) => peer.data(''),
      'an alert': (peer) => peer.alert(1, 90),
      close_notify: (peer) => peer.alert(1, 0),
      ChangeCipherSpec: (peer) => peer.clear(type.changeCipherSpec, bytes(1)),
    };
    for (const [name, act] of Object.entries(between))
      for (const when of ['handshake', 'open']) {
        const step = role === 'client' ? 'EncryptedExtensions' : 'Finished';
        const { end, peer, run } = meet(
          role,
          when === 'open'
            ? {}
            : {
                alter: (each: string, message: Uint8Array, raw: RawPeer) => {
                  if (each !== step) return undefined;
                  raw.record(type.handshake, message.subarray(0, 2));
                  act(raw);
                  return message.subarray(2);
                },
              },
        );
        if (when === 'open') {
          act(peer.record(type.handshake, bytes(24, 0)));
          run();
        }
        t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, `${role}, ${when}: ${name}`);
        t.equal(end.plaintext.length, 0);
        t.notOk(end.closed);
      }
  }
});

t.test('R6 (tls13) the work for fragments grows with their bytes alone', async (t) => {
  // Were each fragment joined to those before it, these would be 45 GB of copies.
  const size = 300_000;
  const deframer = new HandshakeDeframer(
    { ...defaultLimits, maxHandshakeMessageBytes: size },
    new LimitWatch({ observed: false, event: () => undefined }),
  );
  const message = handshake(1, sample(size));
  const start = performance.now();
  for (let at = 0; at < message.length; at++) {
    deframer.push(message.slice(at, at + 1));
    if (at < message.length - 1 && deframer.next() !== undefined) t.fail('a message before its end');
  }
  const took = performance.now() - start;
  t.same(deframer.next(), { type: 1, bytes: message });
  t.ok(took < 3_000, `${took.toFixed(0)} ms`);
  // What was handed out stays as it is when more comes.
  const one = handshake(8, bytes(1, 2, 3));
  deframer.push(one.slice(0, 5));
  deframer.push(joined([one.subarray(5), one.subarray(0, 2)]));
  const first = deframer.next()!.bytes;
  for (const rest of [one.subarray(2), one, one]) deframer.push(rest);
  t.same(first, one);
  for (let count = 0; count < 3; count++) t.same(deframer.next()?.bytes, one);
  t.equal(deframer.pending, 0);
});

t.test('R7 (tls13) handshake bytes across a change of keys are fatal', async (t) => {
  const keyUpdate = handshake(24, bytes(0));
  for (const extra of [bytes(8), handshake(8, bytes(0, 0)), keyUpdate.subarray(0, 4)])
    for (const role of roles) {
      for (const step of role === 'client' ? ['ServerHello', 'Finished'] : ['ClientHello', 'Finished']) {
        const { end } = meet(role, {
          alter: (each: string, message: Uint8Array, raw: RawPeer) => {
            if (each !== step) return undefined;
            raw.record(type.handshake, joined([message, extra]));
            return [];
          },
        });
        t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, `${role}: behind ${step}`);
        t.equal(end.negotiated, undefined);
      }
      const { end, peer, run } = meet(role);
      peer
        .record(type.handshake, joined([keyUpdate, extra]))
        .nextSendingKey()
        .data('after');
      run();
      t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, `${role}: behind KeyUpdate`);
      t.equal(end.text, '');
    }
});

t.test('R8 (tls13) the 33rd empty record in a row is fatal, and so reported from the 24th on', async (t) => {
  for (const role of roles) {
    const { end, peer, run } = meet(role);
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 32; count++) peer.record(type.applicationData, new Uint8Array(0), count);
      peer.data('x');
    }
    run();
    t.equal(end.text, 'xxx', '32 with data between them are let pass');
    t.ok(end.approached('maxEmptyRecords'));
    for (let count = 0; count < 32; count++) peer.data('');
    run();
    t.equal(end.error, undefined);
    peer.data('');
    run();
    t.match(end.error, { name: 'LimitExceededError', limit: 'maxEmptyRecords' });
    t.equal(end.lastWord, 'unexpected_message');
  }
});

t.test('R9 (tls13) the fifth warning alert is fatal, and one that nobody knows at once', async (t) => {
  for (const role of roles) {
    const { end, peer, run } = meet(role);
    for (let count = 0; count < 4; count++) peer.alert(1, 90).data('.');
    run();
    t.equal(end.text, '....');
    t.ok(end.approached('maxWarningAlerts'));
    peer.alert(1, 90);
    run();
    t.match(end.error, { name: 'LimitExceededError', limit: 'maxWarningAlerts' }, 'data between them change nothing');
    for (const level of [1, 2]) {
      const unknown = meet(role);
      unknown.peer.alert(level, 99).data('after');
      unknown.run();
      t.equal(unknown.end.error?.name, 'AlertReceivedError', `level ${level}`);
      t.equal(unknown.end.error?.alert, undefined);
      t.equal(unknown.end.text, '');
    }
    const early = meet(role, {
      alter: (step: string, _message: Uint8Array, raw: RawPeer) => {
        if (step === 'Finished') for (let count = 0; count < 5; count++) raw.alert(1, 90);
      },
    });
    t.match(early.end.error, { name: 'LimitExceededError', limit: 'maxWarningAlerts' }, 'during the handshake too');
  }
});

t.test('R10 (tls13) key updates over their rate are fatal whatever comes between them', async (t) => {
  const { burst, perSecond } = defaultLimits.keyUpdates;
  for (const role of roles)
    for (const between of ['', 'data', 'much data'.repeat(1_000)]) {
      let clock = 0;
      const { end, peer, run } = meet(role, {}, {}, { monotonicClock: () => clock });
      let sent = 0;
      while (end.error === undefined && sent < 1_000) {
        peer.keyUpdate(false);
        if (between !== '') peer.data(between);
        sent++;
        run();
        if (between !== '' && end.error === undefined) end.send('ours');
        run();
      }
      t.equal(sent, burst + 1, `${role}: with ${between.length} bytes between them`);
      t.equal(end.error?.name, 'LimitExceededError');
      t.match((end.error as unknown as { limit: string }).limit, /^(keyUpdates|postHandshakeMessages)$/);
      t.ok(end.approached('keyUpdates'));
      // What time allows goes on for ever.
      const slow = meet(role, {}, {}, { monotonicClock: () => clock });
      for (let count = 0; count < 300; count++) {
        clock += 1_000 / perSecond;
        slow.peer.keyUpdate(false);
        slow.run();
      }
      t.equal(slow.end.error, undefined);
      const named = meet(role, {}, {}, { limits: { keyUpdates: { burst: 3, perSecond: 1 } } });
      for (let count = 0; count < 4; count++) named.peer.keyUpdate(true);
      named.run();
      t.match(named.end.error, { name: 'LimitExceededError', limit: 'keyUpdates' });
    }
});

const manyUpdates = {
  keyUpdates: { burst: 5_000, perSecond: 1 },
  postHandshakeMessages: { burst: 5_000, perSecond: 1 },
} as const;

t.test('R11 (tls13) a hundred key updates in one record: the first alone is done, one answer at most', async (t) => {
  for (const role of roles) {
    const { end, peer, run } = meet(role, {}, {}, { limits: manyUpdates });
    const before = end.events.length;
    peer.record(type.handshake, joined(Array.from({ length: 100 }, () => handshake(24, bytes(1)))));
    run();
    const updates = end.events.slice(before).filter((event) => event.type === 'key-update');
    t.ok(updates.length <= 2, `${updates.length} key updates made of it`);
    t.ok(peer.keyUpdatesReceived <= 1);
    // RFC 8446 §5.1: they would span a change of keys.
    t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' });
    // As records of one chunk they are legal: every one is done, and one is answered.
    const records = meet(role, {}, {}, { limits: manyUpdates });
    for (let count = 0; count < 100; count++) records.peer.keyUpdate(true);
    records.peer.data('after');
    records.run();
    t.equal(records.end.error, undefined);
    t.equal(records.end.text, 'after', 'no deadlock');
    t.equal(records.peer.keyUpdatesReceived, 1);
  }
});

t.test('R12 (tls13) a thousand update requests at a transport that takes nothing: one answer waits', async (t) => {
  for (const role of roles) {
    const { end, peer, run } = meet(role, {}, {}, { limits: manyUpdates });
    for (let count = 0; count < 1_000; count++) peer.keyUpdate(true);
    run();
    t.equal(end.error, undefined);
    t.equal(peer.keyUpdatesReceived, 1, `${role}: one answer`);
    end.send('a');
    run();
    t.equal(peer.keyUpdatesReceived, 2, 'and the one that is owed goes before our next data');
    end.send('b');
    run();
    t.equal(peer.keyUpdatesReceived, 2);
    t.equal(Buffer.concat(peer.plaintext).toString(), 'ab');
  }
  // And with core between: the wire takes nothing.
  const { link, side, peer, pump } = await wired({ limits: manyUpdates });
  link.starve(0);
  const written = side.wire.writtenBytes;
  for (let count = 0; count < 1_000; count++) peer.keyUpdate(true);
  side.write(sample(100_000));
  pump();
  await turns();
  t.ok(side.wire.writtenBytes - written <= 5 + 5 + 1 + 16 + 16_384 + 22, `${side.wire.writtenBytes - written} bytes`);
  t.equal(side.error, undefined);
  link.starve(Number.POSITIVE_INFINITY);
  await until(() => {
    pump();
    return joined(peer.plaintext).length === 100_000;
  }, 'the data');
  t.ok(peer.keyUpdatesReceived <= 2, `${peer.keyUpdatesReceived} answers`);
  side.subscription.unsubscribe();
});

t.test('R13 (tls13) tickets beyond maxTickets are ignored, and nothing grows with them', async (t) => {
  const sessions = memorySessions();
  const limits = { ...manyUpdates, maxTickets: 16 };
  const { end, peer, run } = meet('client', {}, { sessions }, { limits, observed: true });
  const big = new Uint8Array(10_000);
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 2_000; count++) {
    peer.ticket({ nonce: uint16(count), ticket: patched(big, 0, count >> 8, count & 0xff) });
    run();
  }
  const events = end.events.filter((event) => event.type === 'ticket');
  t.equal(events.filter((event) => event.type === 'ticket' && event.kept).length, 16);
  t.equal(events.length, 2_000, 'every other one is told of, and ignored');
  t.equal(sessions.size, 16);
  t.equal(end.error, undefined);
  globalThis.gc?.();
  t.ok(process.memoryUsage().arrayBuffers - before < 60_000_000, 'of 20 MB of tickets, each twice in the test itself');
  // Their rate has a limit of its own.
  const flood = meet('client', {}, { sessions });
  for (let count = 0; count < 33; count++) flood.peer.ticket({ nonce: bytes(count) });
  flood.run();
  t.match(flood.end.error, { name: 'LimitExceededError', limit: 'postHandshakeMessages' });
  t.ok(flood.end.approached('postHandshakeMessages'));
});

t.test(
  'R15 (tls13) close_notify right after the ClientHello ends it; a turn stops after maxStepsPerTurn',
  async (t) => {
    for (const when of ['ClientHello', 'Finished'] as const) {
      const { end } = serverAndPeer({
        alter: (step, message, raw) => {
          if (step !== when) return undefined;
          if (when === 'ClientHello') {
            raw.record(type.handshake, message).transcript.push(message);
            raw.clear(type.alert, bytes(1, 0));
          } else raw.alert(1, 0);
          return [];
        },
      });
      t.match(end.error, { name: 'AlertReceivedError', alert: 'close_notify', phase: 'handshake' }, when);
      t.equal(end.negotiated, undefined);
    }
    const { side, peer, pump } = await wired({ limits: { maxStepsPerTurn: 10 } });
    side.read();
    for (let count = 0; count < 2_000; count++) peer.data('x');
    const before = side.text.length;
    pump();
    const inOneTurn = side.text.length - before;
    await until(() => side.text.length === 2_000, 'the rest, in later turns');
    t.ok(inOneTurn < 20, `${inOneTurn} of 2000 records before it yielded`);
    side.subscription.unsubscribe();
  },
);

t.test(
  'R16 (tls13) a ChangeCipherSpec is taken between the first hello and the last Finished, and nowhere else',
  async (t) => {
    const window: Record<string, (peer: RawPeer) => unknown> = {
      'its one value': (peer) => peer.clear(type.changeCipherSpec, bytes(1)),
      'under protection': (peer) => peer.record(type.changeCipherSpec, bytes(1)),
      'of another value': (peer) => peer.clear(type.changeCipherSpec, bytes(2)),
      'of two bytes': (peer) => peer.clear(type.changeCipherSpec, bytes(1, 1)),
    };
    const places = {
      client: ['ServerHello', 'EncryptedExtensions', 'Certificate', 'CertificateVerify', 'Finished', 'open'],
      server: ['ClientHello', 'Finished', 'open'],
    } as const;
    for (const role of roles)
      for (const place of places[role])
        for (const [name, act] of Object.entries(window)) {
          if (name === 'under protection' && (place === 'ServerHello' || place === 'ClientHello')) continue;
          const { end, peer, run } = meet(role, {
            alter: (step: string, _: Uint8Array, raw: RawPeer) => {
              if (step === place) act(raw);
            },
          });
          if (place === 'open') {
            act(peer);
            run();
          }
          const isWindow = place !== 'open' && place !== 'ClientHello' && name === 'its one value';
          const text = `${role}, before ${place}: ${name}`;
          if (isWindow) t.ok(end.negotiated, `${text}: ${end.error?.message ?? 'dropped'}`);
          else t.match(end.error, { alert: 'unexpected_message' }, text);
        }
  },
);

t.test('R18 (tls13) a handshake of more than maxHandshakeBytes is fatal though each message is legal', async (t) => {
  for (const role of roles) {
    const options = role === 'client' ? {} : { clientAuth: 'require', clientCa: root.pem };
    const whole = meet(role, {}, options);
    t.ok(whole.end.negotiated);
    // A signature is a few bytes longer or shorter from time to time.
    const used = whole.end.given + 12;
    for (const [max, isFatal] of [
      [used, false],
      [used >> 1, true],
    ] as const) {
      const { end } = meet(role, {}, options, { limits: { maxHandshakeBytes: max } });
      if (!isFatal) {
        t.ok(end.negotiated, `${role}: ${max} are enough`);
        t.ok(end.approached('maxHandshakeBytes'), 'and reported');
        continue;
      }
      t.match(end.error, { name: 'LimitExceededError', limit: 'maxHandshakeBytes' }, `${role}: ${max} are not`);
      t.equal(end.negotiated, undefined);
    }
  }
  // With the default: messages of 64 KiB, each as long as it may be.
  const certificates = Array.from({ length: 9 }, () => new Uint8Array(7_000).fill(1));
  const { end } = clientAndPeer(
    {
      requestCertificate: true,
      alter: (step, message) => {
        if (step === 'EncryptedExtensions') return message;
        if (step === 'CertificateRequest')
          return handshake(
            13,
            joined([
              bytes(0),
              uint16(65_000),
              uint16(13),
              uint16(4),
              bytes(0, 2, 4, 3),
              uint16(0xfe77),
              uint16(64_988),
              new Uint8Array(64_988),
            ]),
          );
        return undefined;
      },
      chain: certificates,
    },
    {},
    { limits: { maxHandshakeBytes: 100_000 } },
  );
  t.match(end.error, { name: 'LimitExceededError', limit: 'maxHandshakeBytes' });
  t.equal(defaultLimits.maxHandshakeBytes, 262_144);
});

t.test("R19 (tls13) no record of ours is over the peer's limit, and one over ours is record_overflow", async (t) => {
  for (const limit of [64, 65, 500, 16_385])
    for (const padding of [undefined, () => 0, () => 7, () => 20_000]) {
      const own = { recordSizeLimit: 16_385, ...(padding && { padding }) };
      const made = {
        server: serverAndPeer({ extensions: put(recordSizeLimit, uint16(limit)) }, padding ? { padding } : {}),
        client: clientAndPeer(
          {
            alter: (step, message) =>
              step === 'EncryptedExtensions'
                ? handshake(8, joined([uint16(6), uint16(28), uint16(2), uint16(limit)]))
                : message,
          },
          own,
        ),
      };
      for (const role of roles) {
        const { end, peer, run } = made[role];
        t.ok(end.negotiated, `${role}, ${limit}: ${end.error?.message ?? 'no error'}`);
        end.engine.sendPlaintext(sample(20_000));
        end.engine.updateKeys?.({ requestPeer: false });
        end.engine.sendCloseNotify();
        run();
        t.ok(Buffer.from(joined(peer.plaintext)).equals(sample(20_000)), 'all of it arrives');
        const inner = peer.records.filter(({ outer }) => outer === 23).map(({ wire }) => wire - 5 - 16);
        t.ok(Math.max(...inner) <= limit, `${role}: ${Math.max(...inner)} bytes with type and padding, of ${limit}`);
        if (padding?.() === 20_000)
          t.equal(Math.max(...inner), Math.min(limit, 16_385), 'padding fills it and no more');
      }
    }
  for (const role of roles) {
    const raw = {
      extensions: put(recordSizeLimit, uint16(1_000)),
      alter: (step: string, message: Uint8Array) =>
        role === 'client' && step === 'EncryptedExtensions'
          ? handshake(8, joined([uint16(6), uint16(28), uint16(2), uint16(1_000)]))
          : message,
      ...(role === 'server' && { alter: () => undefined }),
    };
    const over: Record<string, readonly [bytes: number, padding: number, isFatal: boolean]> = {
      'as long as allowed': [99, 0, false],
      'padded to the limit': [9, 90, false],
      'a byte over it': [100, 0, true],
      'padded over it': [50, 50, true],
    };
    for (const [name, [length, padding, isFatal]] of Object.entries(over)) {
      const { end, peer, run } = meet(role, { ...raw, fragment: 60 }, { recordSizeLimit: 100 });
      t.ok(end.negotiated, `${role}: ${end.error?.message ?? 'no error'}`);
      peer.record(type.applicationData, sample(length), padding);
      run();
      if (isFatal) t.match(end.error, { alert: 'record_overflow' }, `${role}: ${name}`);
      else t.equal(end.plaintext[0]?.length, length, `${role}: ${name}`);
    }
  }
  for (const limit of [0, 1, 63]) {
    t.match(serverAndPeer({ extensions: put(recordSizeLimit, uint16(limit)) }).end.error, {
      alert: 'illegal_parameter',
    });
    t.throws(() => client({ recordSizeLimit: limit }), { name: 'ApiMisuseError' });
    t.throws(() => server({ recordSizeLimit: limit }), { name: 'ApiMisuseError' });
  }
});

t.test('R20 (tls13) early data are skipped up to a bound, and never emitted', async (t) => {
  const psks = [{ kind: 'resumption', identity: bytes(1, 2, 3), key: seededBytes(8)(32) }] as const;
  const early = (records: number, length: number, when: string, options = {}): WithPeer =>
    serverAndPeer(
      {
        psks,
        extensions: (given, hello) => (hello === 1 ? put(earlyData, new Uint8Array(0))(given) : given),
        alter: (step, message, raw) => {
          if (step !== when) return undefined;
          for (let count = 0; count < records; count++) raw.clear(type.applicationData, seededBytes(count)(length));
          return message;
        },
      },
      options,
    );
  const again = { groups: ['secp256r1'] } as const;
  for (const [what, when, options] of [
    ['behind the ClientHello', 'ChangeCipherSpec', {}],
    ['before the second ClientHello', 'second ClientHello', again],
  ] as const) {
    for (const [records, length] of [
      [1, 1_000],
      [10, 1_000],
      [100, 60],
      [1, 16_379],
    ] as const) {
      const { end, peer, run } = early(records, length, when, options);
      t.ok(end.negotiated, `${what}: ${records} of ${length}: ${end.error?.message ?? 'skipped'}`);
      t.same(end.plaintext, []);
      peer.data('after');
      run();
      t.equal(end.text, 'after');
    }
    for (const [records, length] of [
      [17, 1_000],
      [2, 16_000],
      [400, 40],
      [1, 16_640],
    ] as const) {
      const { end } = early(records, length, when, options);
      t.match(
        end.error,
        { name: 'LimitExceededError', alert: 'unexpected_message' },
        `${what}: ${records} of ${length}`,
      );
      t.same(end.plaintext, []);
    }
  }
  t.match(early(1, 100, 'Finished', again).end.error, { alert: 'bad_record_mac' }, 'not behind the second ClientHello');
  const none = serverAndPeer({
    alter: (step, message, raw) => {
      if (step === 'ChangeCipherSpec') raw.clear(type.applicationData, new Uint8Array(100));
      return message;
    },
  });
  t.match(none.end.error, { alert: 'bad_record_mac' }, 'nor where none was offered');
  const late = early(1, 100, 'ChangeCipherSpec');
  late.peer.clear(type.applicationData, new Uint8Array(100));
  late.run();
  t.match(late.end.error, { alert: 'bad_record_mac' }, 'nor when a record has opened');
});

function thrown(run: () => unknown): (Error & { readonly alert?: string }) | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
