// R16 as a table: what may come in each state of a handshake (RFC 4346 §7.3), and that nothing else may.
import { PeerMisbehavedError, type TlsEngineFactory } from '@rxtls/core/engine';
import t from 'tap';
import { memorySessions } from '../src/index.ts';
import { carry, client, End, message, Offender, record, records, server } from './harness.ts';
import { credentials, short } from './rsa-pki.ts';

const root = short({ cn: 'short root', ca: true });
const host = credentials(short({ issuer: root, dns: ['host.test'], usage: 'serverAuth' }));
const own = credentials(short({ issuer: root, usage: 'clientAuth' }));
const limits = { minRsaKeyBits: 512 };

type Unit = 'ChangeCipherSpec' | 'ApplicationData' | 'Heartbeat' | number;
const names: Readonly<Record<number, string>> = {
  0: 'HelloRequest',
  1: 'ClientHello',
  2: 'ServerHello',
  11: 'Certificate',
  13: 'CertificateRequest',
  14: 'ServerHelloDone',
  15: 'CertificateVerify',
  16: 'ClientKeyExchange',
  20: 'Finished',
};
const types = [...Array.from({ length: 26 }, (_, type) => type), 67, 254, 255];
const everything: readonly Unit[] = ['ChangeCipherSpec', 'ApplicationData', 'Heartbeat', ...types];
const nameOf = (unit: Unit): string => (typeof unit === 'number' ? (names[unit] ?? `message ${unit}`) : unit);

interface Handshake {
  readonly factory: TlsEngineFactory;
  readonly offender: Offender;
  /** What the peer sends in order, and what may come in front of each. */
  readonly states: readonly (readonly Unit[])[];
}

const plain = client({ ca: root.pem });
const showing = client({ ca: root.pem, credentials: own });
const [serving, requiring, requesting] = [
  server({ credentials: host }),
  server({ credentials: host, clientAuth: 'require', clientCa: root.pem }),
  server({ credentials: host, clientAuth: 'request', clientCa: root.pem }),
];
// RFC 4346 §7.4.1.1: a HelloRequest "will be ignored by the client if the client is currently negotiating a session".
const handshakes: Readonly<Record<string, () => Handshake>> = {
  client: () => ({
    factory: plain,
    offender: new Offender('server', { credentials: host }),
    states: [[2], [11, 0], [14, 13, 0], ['ChangeCipherSpec'], [20, 0]],
  }),
  'client with a certificate': () => ({
    factory: showing,
    offender: new Offender('server', { credentials: host, asks: true }),
    states: [[2], [11, 0], [13, 14, 0], [14, 0], ['ChangeCipherSpec'], [20, 0]],
  }),
  server: () => ({
    factory: serving,
    offender: new Offender('client'),
    states: [[1], [16], ['ChangeCipherSpec'], [20]],
  }),
  'server that requires a certificate': () => ({
    factory: requiring,
    offender: new Offender('client', { credentials: own }),
    states: [[1], [11], [16], [15], ['ChangeCipherSpec'], [20]],
  }),
  'server that requests a certificate': () => ({
    factory: requesting,
    offender: new Offender('client', { credentials: { cert: '', key: '' } }),
    states: [[1], [11], [16], ['ChangeCipherSpec'], [20]],
  }),
};

/** Messages as a peer that keeps to the book makes them, where one does. */
const wellFormed = new Map<number, Uint8Array>();

/** Those in the clear, by their type. */
const messages = (units: readonly Uint8Array[]): Map<number, Uint8Array> =>
  new Map(units.filter((unit, at) => unit[0] === 22 && at < units.length - 1).map((unit) => [unit[5]!, unit.slice(5)]));

function shaken({ factory, offender }: Handshake): Uint8Array[] {
  const end = new End(factory, { limits });
  const units: Uint8Array[] = [];
  for (let moved = true; moved; ) {
    const [up, down] = [end.take(), offender.take()];
    if (up.length > 0) offender.give(up);
    units.push(...records(down));
    if (down.length > 0) end.give(down);
    moved = up.length + down.length > 0;
  }
  t.ok(end.negotiated, `the handshake that was recorded is one: ${end.error}`);
  for (const [type, bytes] of messages(units)) if (!wellFormed.has(type)) wellFormed.set(type, bytes);
  return units;
}

const recorded = Object.entries(handshakes).map(([name, make]) => {
  const handshake = make();
  return { name, ...handshake, units: shaken(handshake) };
});

for (const { name, factory, offender, states, units } of recorded)
  t.test(`R16 (forge) ${name}: every message in every state is the one that belongs there, or fatal`, async (t) => {
    t.equal(units.length, states.length, 'one state before each of its messages');
    const bodies = new Map([...wellFormed, ...messages(units)]);
    const upTo = (count: number): End => {
      const end = new End(factory, { limits });
      for (const unit of units.slice(0, count)) end.give(unit);
      t.equal(end.error, undefined);
      end.take();
      return end;
    };
    for (const [at, allowed] of states.entries()) {
      const isProtected = at === states.length - 1;
      const wire = (unit: Unit): Uint8Array => {
        if (unit === 20 && isProtected) return units[at]!;
        const [type, body] =
          unit === 'ChangeCipherSpec'
            ? ([20, '\x01'] as const)
            : unit === 'ApplicationData'
              ? ([23, 'x'.repeat(48)] as const)
              : unit === 'Heartbeat'
                ? ([24, '\x01\x00\x10'.padEnd(35, 'h')] as const)
                : ([22, bodies.get(unit) ?? message(unit, unit === 0 ? '' : '\x00'.repeat(12))] as const);
        if (!isProtected) return record(type, body, units[at]![2]);
        offender.rewind();
        return offender.seal(type, body);
      };
      for (const unit of everything) {
        const end = upTo(at).give(wire(unit));
        const what = `${nameOf(unit)} where ${allowed.map(nameOf).join(' or ')} belongs`;
        if (allowed.includes(unit)) {
          if (end.error !== undefined) t.fail(`${what}: ${end.error}`);
          continue;
        }
        if (!(end.error instanceof PeerMisbehavedError) || end.error.alert !== 'unexpected_message')
          t.fail(`${what}: ${end.error}, ${end.error?.alert}`);
        if (end.negotiated !== undefined || end.plaintext.length > 0) t.fail(what);
      }
    }
    t.ok(upTo(units.length).negotiated, `${states.length} states, ${everything.length} messages each`);
  });

t.test('R16 (forge) a resumption is ChangeCipherSpec and Finished, and no message of a full handshake', async (t) => {
  const sessions = memorySessions();
  const [offering, answering] = [client({ ca: root.pem, sessions }), server({ credentials: host })];
  let seed = 1;
  const begun = (): readonly [End, End] => [
    new End(offering, { limits, seed: ++seed }),
    new End(answering, { limits, seed: ++seed }),
  ];
  for (const role of ['client', 'server'] as const)
    for (const unit of ['nothing', ...everything] as const) {
      if (unit === 'ChangeCipherSpec' || (role === 'client' && unit === 0)) continue;
      carry(...begun());
      const [a, b] = begun();
      b.give(a.take());
      const [hello, ...rest] = records(b.take());
      const end = role === 'client' ? a.give(hello!) : b;
      if (unit !== 'nothing') {
        const body =
          typeof unit === 'number' ? (wellFormed.get(unit) ?? message(unit, '\x00'.repeat(12))) : 'x'.repeat(48);
        end.give(record(typeof unit === 'number' ? 22 : unit === 'Heartbeat' ? 24 : 23, body));
        if (!(end.error instanceof PeerMisbehavedError)) t.fail(`${role}, ${nameOf(unit)}: ${end.error}`);
      } else if (role === 'server') for (const each of [hello!, ...rest]) a.give(each);
      for (const each of role === 'client' ? rest : records(a.take())) end.give(each);
      t.equal(end.negotiated?.resumed, unit === 'nothing' ? true : undefined, `${role}, ${unit}`);
    }
});

t.test('R16 (forge) EarlyCCS: ChangeCipherSpec in front of the key exchange changes no keys', async (t) => {
  for (const { name, factory, units, states } of recorded) {
    const last = states.length - 2;
    for (let at = 0; at < last; at++) {
      const end = new End(factory, { limits });
      for (const unit of units.slice(0, at)) end.give(unit);
      end.give(record(20, '\x01', units[at]![2]));
      for (const unit of units.slice(at)) end.give(unit);
      t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, `${name}, before message ${at}`);
      t.equal(end.negotiated, undefined);
    }
  }
});
