// What RFC 8446 says MUST be refused of records, alerts and messages after the handshake: each line one thing done wrong, both roles.
import t from 'tap';
import { defaultLimits } from '@rxtls/core/engine';
import { extensionType as ext } from '../src/handshake/extensions/extension-type.ts';
import { clientLeaf, credentials, joined, root } from './ends.ts';
import { handshake, patched, type RawOptions, type RawPeer, type Step, type } from './raw-peer.ts';
import { clientAndPeer, serverAndPeer, type WithPeer } from './with-peer.ts';

const none = new Uint8Array(0);
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** The step at which each role's peer does it; `handshake keys` are in use from there on. */
const protectedStep = { client: 'EncryptedExtensions', server: 'Finished' } as const;
const firstStep = { client: 'ServerHello', server: 'ClientHello' } as const;
const meet = (role: 'client' | 'server', raw: RawOptions, options = {}): WithPeer =>
  role === 'client' ? clientAndPeer(raw, options) : serverAndPeer(raw, options);

interface Wrong {
  readonly clause: string;
  readonly alert: string;
  /** Of that role alone. */
  readonly role?: 'client' | 'server';
  /** What the peer does: in place of its first message, of its first protected one, or in an open connection. */
  readonly when: 'first' | 'protected' | 'open' | Step;
  readonly act: (peer: RawPeer, message: Uint8Array) => unknown;
  /** What comes before the wrong thing is emitted. */
  readonly text?: string;
}

const fragment = (message: Uint8Array): Uint8Array => message.subarray(0, 3);
const put =
  (content: Uint8Array, record: number = type.handshake) =>
  (peer: RawPeer) =>
    peer.record(record, content);
const keyUpdate = handshake(24, bytes(0));

const wrongs: Readonly<Record<string, Wrong>> = {
  'application data in the clear first of all': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'first',
    act: (peer) => peer.clear(type.applicationData, bytes(...Array(40).keys())),
  },
  'a ChangeCipherSpec before the ClientHello': {
    clause: '§5',
    alert: 'unexpected_message',
    role: 'server',
    when: 'first',
    act: (peer) => peer.clear(type.changeCipherSpec, bytes(1)),
  },
  ...Object.fromEntries(
    ([[], [0], [2], [1, 1]] as const).map((content) => [
      `a ChangeCipherSpec of ${JSON.stringify(content)}`,
      {
        clause: '§5',
        alert: 'unexpected_message',
        when: 'protected',
        act: (peer: RawPeer) => peer.clear(type.changeCipherSpec, bytes(...content)),
      } as const,
    ]),
  ),
  'a protected ChangeCipherSpec': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'protected',
    act: put(bytes(1), type.changeCipherSpec),
  },
  'a ChangeCipherSpec after the handshake': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.clear(type.changeCipherSpec, bytes(1)),
  },
  'a flood of ChangeCipherSpec': {
    clause: '§D.4',
    alert: 'unexpected_message',
    when: 'protected',
    act: (peer) => Array.from({ length: 33 }, () => peer.clear(type.changeCipherSpec, bytes(1))),
  },
  'a ChangeCipherSpec between fragments': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'protected',
    act: (peer, message) => peer.record(type.handshake, fragment(message)).clear(type.changeCipherSpec, bytes(1)),
  },
  'an alert between fragments': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'protected',
    act: (peer, message) => peer.record(type.handshake, fragment(message)).alert(1, 90),
  },
  'application data between fragments': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.record(type.handshake, fragment(keyUpdate)).data('in between'),
  },
  'close_notify between fragments': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.record(type.handshake, keyUpdate.subarray(0, 2)).alert(1, 0),
  },
  'application data during the handshake': {
    clause: '§2',
    alert: 'unexpected_message',
    when: 'protected',
    act: (peer) => peer.data('too early'),
  },
  'empty application data during the handshake': {
    clause: '§2',
    alert: 'unexpected_message',
    when: 'protected',
    act: (peer) => peer.data(''),
  },
  'an empty handshake record in the clear': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'first',
    act: put(none),
  },
  'an empty handshake record under protection': {
    clause: '§5.4',
    alert: 'unexpected_message',
    when: 'protected',
    act: put(none),
  },
  'an empty handshake record with padding': {
    clause: '§5.4',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.record(type.handshake, none, 100),
  },
  'an empty alert': { clause: '§5.4', alert: 'unexpected_message', when: 'open', act: put(none, type.alert) },
  'half an alert': { clause: '§5.1', alert: 'decode_error', when: 'open', act: put(bytes(1), type.alert) },
  'an alert and a byte': { clause: '§5.1', alert: 'decode_error', when: 'open', act: put(bytes(1, 0, 0), type.alert) },
  'two alerts in a record': {
    clause: '§5.1',
    alert: 'decode_error',
    when: 'open',
    act: put(bytes(1, 90, 1, 0), type.alert),
  },
  'half an alert in the clear': {
    clause: '§5.1',
    alert: 'decode_error',
    when: 'first',
    act: put(bytes(2), type.alert),
  },
  'a handshake record in the clear where all are protected': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'protected',
    act: (peer, message) => peer.clear(type.handshake, message),
  },
  'a handshake record in the clear in an open connection': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.clear(type.handshake, keyUpdate),
  },
  'an alert in the clear in an open connection': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.clear(type.alert, bytes(1, 0)),
  },
  'a heartbeat record': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'protected',
    act: put(bytes(1, 2, 3), 24),
  },
  'a record of inner type 0 behind data': {
    clause: '§5.4',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.record(0, none),
  },
  'a record of nothing but zeros': {
    clause: '§5.4',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.record(0, new Uint8Array(50), 50),
  },
  'a record of an outer type that nobody knows': {
    clause: '§5',
    alert: 'unexpected_message',
    when: 'open',
    act: (peer) => peer.clear(99, bytes(1)),
  },
  'a record that no key opens': {
    clause: '§5.2',
    alert: 'bad_record_mac',
    when: 'open',
    act: (peer) => peer.out.push(patched(peer.seal(type.applicationData, bytes(1, 2, 3)), -1, 7)),
  },
  'a record shorter than a tag': {
    clause: '§5.2',
    alert: 'bad_record_mac',
    when: 'open',
    act: (peer) => peer.clear(type.applicationData, bytes(1, 2, 3)),
  },
  'an empty protected record': {
    clause: '§5.2',
    alert: 'bad_record_mac',
    when: 'protected',
    act: (peer) => peer.clear(type.applicationData, none),
  },
  'a record under the keys of before': {
    clause: '§4.6.3',
    alert: 'bad_record_mac',
    when: 'open',
    act: (peer) => peer.record(type.handshake, keyUpdate).data('old key'),
  },
  'a record twice': {
    clause: '§5.3',
    alert: 'bad_record_mac',
    when: 'open',
    text: 'once',
    act: (peer) => {
      const sealed = peer.seal(type.applicationData, Buffer.from('once'));
      peer.out.push(sealed, sealed);
    },
  },
  'a record left out': {
    clause: '§5.3',
    alert: 'bad_record_mac',
    when: 'open',
    act: (peer) => {
      peer.seal(type.applicationData, Buffer.from('lost'));
      peer.data('next');
    },
  },
  'a byte behind the message before the keys change': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'first',
    act: (peer, message) => peer.record(type.handshake, joined([message, bytes(8)])),
  },
  'a whole message behind the one before the keys change': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'first',
    act: (peer, message) => peer.record(type.handshake, joined([message, handshake(8, bytes(0, 0))])),
  },
  'a byte behind Finished': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'Finished',
    act: (peer, message) => peer.record(type.handshake, joined([message, bytes(4)])),
  },
  'a KeyUpdate behind Finished': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'Finished',
    act: (peer, message) => peer.record(type.handshake, joined([message, keyUpdate])),
  },
  'a byte behind a KeyUpdate': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'open',
    act: put(joined([keyUpdate, bytes(4)])),
  },
  'two KeyUpdates in a record': {
    clause: '§5.1',
    alert: 'unexpected_message',
    when: 'open',
    act: put(joined([keyUpdate, keyUpdate])),
  },
  'a KeyUpdate of 2': { clause: '§4.6.3', alert: 'illegal_parameter', when: 'open', act: put(handshake(24, bytes(2))) },
  'an empty KeyUpdate': { clause: '§4.6.3', alert: 'decode_error', when: 'open', act: put(handshake(24)) },
  'a KeyUpdate of two bytes': {
    clause: '§4.6.3',
    alert: 'decode_error',
    when: 'open',
    act: put(handshake(24, bytes(0, 0))),
  },
  'a CertificateRequest after the handshake': {
    clause: '§4.6.2',
    alert: 'unexpected_message',
    when: 'open',
    act: put(handshake(13, bytes(1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3))),
  },
  'a ClientHello after the handshake': {
    clause: '§4.1.2',
    alert: 'unexpected_message',
    when: 'open',
    act: put(handshake(1, new Uint8Array(50))),
  },
  'HelloRequest after the handshake': {
    clause: '§4',
    alert: 'unexpected_message',
    when: 'open',
    act: put(handshake(0)),
  },
  'a ticket sent to a server': {
    clause: '§4.6.1',
    alert: 'unexpected_message',
    role: 'server',
    when: 'open',
    act: (peer) => peer.ticket(),
  },
  'an empty ticket': {
    clause: '§4.6.1',
    alert: 'decode_error',
    role: 'client',
    when: 'open',
    act: (peer) => peer.ticket({ ticket: none }),
  },
  'a ticket with an extension of another message': {
    clause: '§4.2',
    alert: 'illegal_parameter',
    role: 'client',
    when: 'open',
    act: (peer) => peer.ticket({ extensions: new Map([[ext.key_share, none]]) }),
  },
  'a ticket with malformed early_data': {
    clause: '§4.2.10',
    alert: 'decode_error',
    role: 'client',
    when: 'open',
    act: (peer) => peer.ticket({ extensions: new Map([[ext.early_data, bytes(0, 1)]]) }),
  },
  'a ticket cut short': {
    clause: '§6.2',
    alert: 'decode_error',
    role: 'client',
    when: 'open',
    act: put(handshake(4, new Uint8Array(8))),
  },
  'a message over its limit': {
    clause: '§5.1',
    alert: 'decode_error',
    when: 'open',
    act: put(bytes(4, 1, 0, 1)),
  },
};

for (const role of ['client', 'server'] as const)
  t.test(`a ${role} refuses of records, alerts and later messages`, async (t) => {
    for (const [name, wrong] of Object.entries(wrongs)) {
      if (wrong.role !== undefined && wrong.role !== role) continue;
      const { when, act } = wrong;
      const steps = { first: firstStep[role], protected: protectedStep[role], open: undefined };
      const step = when in steps ? steps[when as keyof typeof steps] : (when as Step);
      const raw: RawOptions =
        step === undefined
          ? {}
          : {
              alter: (each, message, peer) => {
                if (each !== step) return undefined;
                act(peer, message);
                return [];
              },
            };
      const made = meet(role, raw);
      const { end, peer, run } = made;
      if (step === undefined) {
        act(peer, none);
        run();
      }
      const text = `${wrong.clause}: ${name}: ${wrong.alert}`;
      t.equal(end.lastWord, wrong.alert, `${text}: ${end.error?.message ?? 'no error'}`);
      t.ok(end.error, text);
      t.equal(end.text, wrong.text ?? '', `${text}: nothing of it emitted`);
      t.equal(end.log.at(-1), 'failed', text);
      t.equal(end.log.filter((each) => each === 'failed').length, 1, text);
      if (step !== undefined) t.equal(end.negotiated, undefined, text);
    }
  });

t.test('alerts: every one but close_notify and user_canceled ends the connection, whatever its level', async (t) => {
  for (const role of ['client', 'server'] as const)
    for (const level of [1, 2, 0, 77])
      for (const number of [10, 20, 40, 41, 42, 43, 48, 51, 70, 80, 86, 100, 110, 112, 116, 120, 200, 255]) {
        const { end, peer, run } = meet(role, {});
        const sent = peer.alerts.length;
        peer.alert(level, number).data('after');
        run();
        t.equal(end.error?.name, 'AlertReceivedError', `${role}: ${level} ${number}`);
        t.equal(end.text, '');
        t.equal(peer.alerts.length, sent, '§6.2: no alert answers an alert');
      }
});

t.test('alerts: user_canceled may come, and close_notify after it', async (t) => {
  for (const role of ['client', 'server'] as const) {
    const { end, peer, run } = meet(role, {});
    for (let count = 0; count < defaultLimits.maxWarningAlerts; count++) peer.alert(1, 90);
    peer.data('still').alert(1, 0);
    run();
    t.equal(end.error, undefined);
    t.equal(end.text, 'still');
    t.ok(end.closed);
  }
});

t.test('an alert in the clear from a peer that could not make our keys is read', async (t) => {
  const { end } = meet('server', {
    alter: (step, _, peer) => {
      if (step !== 'Finished') return undefined;
      peer.clear(type.alert, bytes(2, 42));
      return [];
    },
  });
  t.match(end.error, { name: 'AlertReceivedError', alert: 'bad_certificate' });
});

t.test('fragments and records of any cut go on', async (t) => {
  for (const fragmentBytes of [1, 2, 3, 4, 5, 7, 100, 1_000])
    for (const role of ['client', 'server'] as const) {
      const asking = role === 'client' ? {} : { clientAuth: 'require', clientCa: root.pem };
      const options = role === 'client' ? { credentials: credentials(clientLeaf) } : asking;
      const { end } = meet(role, { fragment: fragmentBytes, requestCertificate: true }, options);
      t.ok(end.negotiated, `${role}: ${fragmentBytes}: ${end.error?.message ?? 'no error'}`);
    }
});

t.test('several messages of a flight share a record where no keys change', async (t) => {
  let held: Uint8Array[] = [];
  const { end } = meet('client', {
    alter: (step, message, peer) => {
      if (step === 'EncryptedExtensions' || step === 'Certificate' || step === 'CertificateVerify') {
        held.push(message);
        peer.transcript.push(message);
        return [];
      }
      if (step !== 'Finished') return undefined;
      const all = joined([...held, message]);
      held = [];
      peer.record(type.handshake, all);
      peer.transcript.push(message);
      return [];
    },
  });
  t.ok(end.negotiated, end.error?.message ?? 'no error');
});
