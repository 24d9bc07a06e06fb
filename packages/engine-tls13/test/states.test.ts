// RFC 8446 Appendix A as two tables, and every cell of them: what a state takes goes on, everything else is unexpected_message.
import t from 'tap';
import { clientSettings } from '../src/client-options.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { ClientHandshake } from '../src/handshake/client-handshake.ts';
import { type ClientState, clientStates } from '../src/handshake/client-states.ts';
import type { Handshake, HandshakeConnection } from '../src/handshake/handshake-connection.ts';
import { handshakeType as is, handshakeTypeName } from '../src/handshake/messages/handshake-type.ts';
import { ServerHandshake } from '../src/handshake/server-handshake.ts';
import { type ServerState, serverStates } from '../src/handshake/server-states.ts';
import { serverSettings } from '../src/server-options.ts';
import { defaultLimits } from '@rxtls/core/engine';
import { now } from './certificate-pki.ts';
import { credentials, hostLeaf, root, seededBytes } from './ends.ts';
import { handshake, patched, type RawOptions, type Step, type } from './raw-peer.ts';
import { clientAndPeer, serverAndPeer, type WithPeer } from './with-peer.ts';

/** Every type that TLS 1.3 or an older or newer version has, and some that nobody has. */
const types = [...Array(27).keys(), 67, 99, 203, 253, 254, 255];

interface Place<State extends string> {
  readonly state: State;
  readonly step: Step;
  readonly meet: (raw: RawOptions) => WithPeer;
  /** Types of what our side has said before: nothing is added. */
  readonly said: readonly number[];
}

const key = seededBytes(4)(32);
const identity = Uint8Array.of(9);
const psks = [{ kind: 'external', identity, key }] as const;
const externalPsks = { identity, key, hash: 'sha256' } as const;
const asking = { clientAuth: 'require', clientCa: root.pem } as const;
const again = { groups: ['secp256r1'] } as const;

const client =
  (more: RawOptions = {}, options = {}) =>
  (raw: RawOptions): WithPeer =>
    clientAndPeer({ ...more, ...raw }, options);
const server =
  (options = {}) =>
  (raw: RawOptions): WithPeer =>
    serverAndPeer(raw, options);
const hello = [is.client_hello];
const asked = { requestCertificate: true };

const clientPlaces: Readonly<Record<string, Place<ClientState>>> = {
  'before any answer': { state: 'WAIT_SH', step: 'ServerHello', meet: client(), said: hello },
  'after HelloRetryRequest': {
    state: 'WAIT_SH',
    step: 'ServerHello',
    meet: client({ retry: 'secp256r1' }),
    said: [...hello, ...hello],
  },
  'after ServerHello': { state: 'WAIT_EE', step: 'EncryptedExtensions', meet: client(), said: hello },
  'after EncryptedExtensions': { state: 'WAIT_CERT_CR', step: 'Certificate', meet: client(), said: hello },
  'after EncryptedExtensions, asked for a certificate': {
    state: 'WAIT_CERT_CR',
    step: 'CertificateRequest',
    meet: client(asked),
    said: hello,
  },
  'after CertificateRequest': { state: 'WAIT_CERT', step: 'Certificate', meet: client(asked), said: hello },
  'after Certificate': { state: 'WAIT_CV', step: 'CertificateVerify', meet: client(), said: hello },
  'after CertificateVerify': { state: 'WAIT_FINISHED', step: 'Finished', meet: client(), said: hello },
  'after EncryptedExtensions with a pre-shared key': {
    state: 'WAIT_FINISHED',
    step: 'Finished',
    meet: client({ psks }, { externalPsks }),
    said: hello,
  },
};
const flight = [is.server_hello, is.encrypted_extensions, is.certificate, is.certificate_verify, is.finished];
const askingFlight = [
  is.server_hello,
  is.encrypted_extensions,
  is.certificate_request,
  is.certificate,
  is.certificate_verify,
  is.finished,
];
const serverPlaces: Readonly<Record<string, Place<ServerState>>> = {
  'before anything': { state: 'START', step: 'ClientHello', meet: server(), said: [] },
  'after HelloRetryRequest': {
    state: 'RETRY',
    step: 'second ClientHello',
    meet: server(again),
    said: [is.server_hello],
  },
  'after a flight that asks': { state: 'WAIT_CERT', step: 'Certificate', meet: server(asking), said: askingFlight },
  'after Certificate': { state: 'WAIT_CV', step: 'CertificateVerify', meet: server(asking), said: askingFlight },
  'after CertificateVerify': { state: 'WAIT_FINISHED', step: 'Finished', meet: server(asking), said: askingFlight },
  'after a flight that does not ask': { state: 'WAIT_FINISHED', step: 'Finished', meet: server(), said: flight },
};

function everyCell<State extends string>(
  role: string,
  places: Readonly<Record<string, Place<State>>>,
  table: Readonly<Record<State, Readonly<Record<string, string | undefined>>>>,
): void {
  for (const [when, { state, step, meet, said }] of Object.entries(places))
    t.test(`R16 (tls13) ${role}, ${state}, ${when}: only its own messages are taken`, async (t) => {
      for (const kind of types) {
        const name = handshakeTypeName(kind);
        const isTaken = name !== undefined && table[state][name] !== undefined;
        let honest = -1;
        const { end, peer } = meet({
          alter: (each, message) => {
            if (each !== step) return undefined;
            honest = message[0]!;
            return message[0] === kind ? message : patched(message, 0, kind);
          },
        });
        const what = `${name ?? 'unknown'} (${kind})`;
        if (isTaken) {
          // The one of two that this peer does not send here has a body of the other: taken, and then not understood.
          if (kind === honest) t.ok(end.negotiated, `${what} goes on: ${end.error?.message ?? 'no error'}`);
          else t.not(end.error?.alert, 'unexpected_message', `${what} is taken`);
          continue;
        }
        t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, what);
        t.equal(end.lastWord, 'unexpected_message', what);
        t.equal(end.negotiated, undefined, what);
        t.same(end.plaintext, [], what);
        t.same(
          peer.messages.map(([each]) => each),
          said,
          `${what}: nothing more was said`,
        );
        t.equal(end.log.at(-1), 'failed', what);
      }
    });
}

everyCell('client', clientPlaces, clientStates);
everyCell('server', serverPlaces, serverStates);

for (const [role, meet, taken] of [
  ['client', () => clientAndPeer(), [is.key_update, is.new_session_ticket]],
  ['server', () => serverAndPeer(), [is.key_update]],
] as const)
  t.test(`R16 (tls13) ${role}, CONNECTED: only its own messages are taken`, async (t) => {
    for (const kind of types) {
      const { end, peer, run } = meet();
      const before = peer.messages.length;
      const body: Record<number, readonly number[]> = {
        [is.key_update]: [0],
        [is.new_session_ticket]: [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0],
      };
      peer.record(type.handshake, handshake(kind, Uint8Array.from(body[kind] ?? [0, 0, 0])));
      if (kind === is.key_update) peer.nextSendingKey();
      peer.data('after');
      run();
      const what = `${handshakeTypeName(kind) ?? 'unknown'} (${kind})`;
      if ((taken as readonly number[]).includes(kind)) {
        t.equal(end.error, undefined, `${what} goes on`);
        t.equal(end.text, 'after', what);
        continue;
      }
      t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, what);
      t.same(end.plaintext, [], what);
      t.equal(peer.messages.slice(before).filter(([each]) => each !== is.new_session_ticket).length, 0, what);
      t.equal(peer.alerts.at(-1)?.number, 10, what);
    }
  });

/** A connection that writes down what is asked of it. */
function recording(): { readonly connection: HandshakeConnection; readonly calls: string[] } {
  const calls: string[] = [];
  const note = (name: string) => (): void => void calls.push(name);
  const random = seededBytes(1);
  return {
    calls,
    connection: {
      crypto: nodeCrypto,
      host: { wallClock: () => now, monotonicClock: () => 0, random, limits: defaultLimits },
      send: (message) => {
        calls.push('send');
        return message;
      },
      sendChangeCipherSpec: note('sendChangeCipherSpec'),
      protectSending: note('protectSending'),
      protectReceiving: note('protectReceiving'),
      limitSending: note('limitSending'),
      limitReceiving: note('limitReceiving'),
      skipEarlyData: note('skipEarlyData'),
      endEarlyData: note('endEarlyData'),
      ask: note('ask'),
      keylog: note('keylog'),
      done: note('done'),
    },
  };
}

t.test('R16 (tls13) every state by every number of a type, those that no wire reaches too', async (t) => {
  const settings = {
    client: clientSettings(nodeCrypto, { serverName: 'host.test', ca: root.pem }),
    server: serverSettings(nodeCrypto, { credentials: credentials(hostLeaf) }),
  };
  const make = {
    client: (connection: HandshakeConnection) => new ClientHandshake(connection, settings.client),
    server: (connection: HandshakeConnection) => new ServerHandshake(connection, settings.server),
  };
  const tables: Record<'client' | 'server', Record<string, Record<string, string | undefined>>> = {
    client: clientStates,
    server: serverStates,
  };
  for (const role of ['client', 'server'] as const)
    for (const [state, row] of Object.entries(tables[role]))
      for (let kind = 0; kind < 256; kind++) {
        const name = handshakeTypeName(kind);
        if (name !== undefined && row[name] !== undefined) continue;
        const { connection, calls } = recording();
        const handshaking: Handshake & { state: string } = make[role](connection);
        handshaking.state = state;
        let thrown: unknown;
        try {
          handshaking.receive({ type: kind, bytes: Uint8Array.of(kind, 0, 0, 0) });
        } catch (error) {
          thrown = error;
        }
        if ((thrown as { alert?: string } | undefined)?.alert !== 'unexpected_message' || calls.length > 0)
          t.fail(`${role}, ${state}: type ${kind} was taken, and did ${calls.join() || 'nothing'}`);
        if (handshaking.state !== state) t.fail(`${role}, ${state}: type ${kind} led to ${handshaking.state}`);
      }
  t.same(Object.keys(clientStates).length + Object.keys(serverStates).length, 15, 'that was all of them');
});
