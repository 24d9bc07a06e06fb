// RFC 8448 §4, the resumed handshake, from the ticket of §3 on. It sends early data, which we neither send nor take, and
// what follows is hashed with it: so both sides are replayed up to binder, secrets and the server's flight, no further.
import t from 'tap';
import { clientFactory } from '../src/client-factory.ts';
import { binder } from '../src/handshake/client-hello-builder.ts';
import { extensionType } from '../src/handshake/extensions/extension-type.ts';
import { bindersLength, decodePreSharedKeyClient, type OfferedPsks } from '../src/handshake/extensions/offered-psks.ts';
import { decodeClientHello } from '../src/handshake/messages/client-hello.ts';
import { handshakeType } from '../src/handshake/messages/handshake-type.ts';
import { serverFactory } from '../src/server-factory.ts';
import { Tls13Sessions } from '../src/session/client-sessions.ts';
import { decodeServerSession, encodeServerSession } from '../src/session/server-session.ts';
import { trace } from './data/rfc8448.ts';
import { joined, ReplayEnd, type ReplayOptions } from './replay-end.ts';
import {
  certificates,
  clockOf,
  draws,
  hex,
  inRecord,
  opened,
  providers,
  recorded,
  recordedCredentials,
  serverFlight,
  sha256,
  takingForeignSeals,
  weakKeys,
  withRecordedKey,
} from './rfc8448-replay.ts';

const { get } = trace('resumed-0-rtt');
const hello = inRecord(get('record-client-hello-1'));
const secrets = {
  CLIENT_HANDSHAKE_TRAFFIC_SECRET: '2faac08f851d35fea3604fcb4de82dc62c9b164a70974d0462e27f1ab278700f',
  SERVER_HANDSHAKE_TRAFFIC_SECRET: 'fe927ae271312e8bf0275b581c54eef020450dc4ecffaa05a1a35d27518e7803',
  CLIENT_TRAFFIC_SECRET_0: '2abbf2b8e381d23dbebe1dd2a7d16a8bf484cb4950d23fb7fb7fa8547062d9a1',
  SERVER_TRAFFIC_SECRET_0: 'cc21f1bf8feb7dd5fa505bd9c4b468a9984d554a993dc49e6d285598fb672691',
  EXPORTER_SECRET: '3fd93d4ffddc98e64b14dd107aedf8ee4add23f4510f58a4592d0b201bee56b4',
} as const;

const offeredBy = (message: Uint8Array): OfferedPsks =>
  decodePreSharedKeyClient(
    decodeClientHello(message.subarray(4)).extensions.find(({ type }) => type === extensionType.pre_shared_key)!.data,
  );

const at = (
  name: 'simple' | 'resumed-0-rtt',
  role: 'client' | 'server',
  labels: Parameters<typeof draws>[1],
  ours: readonly string[] = [],
): ReplayOptions => ({
  random: draws(trace(name).get(`${role}-random`), labels, ours),
  now: clockOf(name),
  limits: weakKeys,
});

for (const crypto of providers) {
  t.test(`RFC 8448 §4 on ${crypto.name}: the binder`, async (t) => {
    const { binders, identities } = offeredBy(hello);
    t.equal(identities.length, 1);
    const digest = sha256(hello.subarray(0, hello.length - bindersLength({ binders })));
    const key = get('resumption-psk');
    t.same(binders, [binder(crypto, { kind: 'resumption', hash: 'sha256', key }, digest)]);
  });

  t.test(`RFC 8448 §4 as client on ${crypto.name}`, async (t) => {
    const kept: Parameters<Tls13Sessions['put']>[1][] = [];
    class Sessions extends Tls13Sessions {
      override put(...[scope, envelope]: Parameters<Tls13Sessions['put']>): void {
        kept.push(envelope);
        super.put(scope, envelope);
      }
    }
    const hellos = [inRecord(trace('simple').get('record-client-hello-1')), hello];
    const ours: Uint8Array[] = [];
    const factory = clientFactory(
      crypto,
      {
        serverName: 'server',
        ca: certificates.get('server-certificate'),
        // The certificate names nobody (RFC 9525): this stands in for our checks of it.
        dangerouslyReplaceVerification: () => true,
        recordSizeLimit: 0x4001,
        middleboxCompatibility: false,
        sessions: new Sessions(1),
        keylog: true,
      },
      {
        outgoing: (message) => {
          if (message[0] !== 1) return message;
          ours.push(message);
          return hellos.shift()!;
        },
      },
    );
    const labels = [
      ['ClientHello.random', 32],
      ['KeyShare.x25519', 32],
    ] as const;
    const simple = trace('simple');
    new ReplayEnd(factory, at('simple', 'client', labels))
      .give(simple.get('record-server-hello'), simple.get('record-server-handshake-messages'))
      .settle()
      .give(simple.get('record-new-session-ticket'));
    t.same(kept[0]?.session.ticket, simple.get('session-ticket'), 'the ticket');
    t.same(kept[0]?.session.psk, simple.get('resumption-psk'), 'its key');

    const end = new ReplayEnd(factory, at('resumed-0-rtt', 'client', labels));
    t.same(end.take(), get('record-client-hello-1'));
    t.same(offeredBy(ours[1]!).identities, offeredBy(hello).identities, 'what our own hello offers, and its age');
    end.give(get('record-server-hello'));
    for (const label of ['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET'] as const)
      t.equal(hex(end.secret(label)), secrets[label], label);
    const flight = get('record-server-handshake-messages');
    const said = opened(crypto, end.secret('SERVER_HANDSHAKE_TRAFFIC_SECRET'), flight);
    t.same(hex(said), hex(serverFlight('resumed-0-rtt')), 'what the server said');
    end.give(flight);
    t.match(end.error, { alert: 'unsupported_extension' }, 'it takes early data, which we have not offered');
  });

  t.test(`RFC 8448 §4 as server on ${crypto.name}`, async (t) => {
    const key = recorded('simple', 'server');
    const resumption = (content: Uint8Array): Uint8Array =>
      encodeServerSession({ ...decodeServerSession(content)!, psk: trace('simple').get('resumption-psk') });
    let name: 'simple' | 'resumed-0-rtt' = 'simple';
    const factory = serverFactory(
      takingForeignSeals(withRecordedKey(crypto, key), resumption),
      {
        credentials: recordedCredentials(key),
        cipherSuites: ['TLS_AES_128_GCM_SHA256'],
        recordSizeLimit: 0x4001,
        keylog: true,
      },
      {
        outgoing: (message) => {
          if (message[0] === handshakeType.server_hello) return trace(name).get('message-server-hello');
          if (message[0] === handshakeType.encrypted_extensions) return trace(name).get('message-encrypted-extensions');
          return message;
        },
      },
    );
    const labels = [
      ['ServerHello.random', 32],
      ['KeyShare.x25519', 32],
    ] as const;
    const simple = trace('simple');
    const first = new ReplayEnd(factory, at(name, 'server', labels, ['ticket key', 'ticket nonce', 'ticket_age_add']));
    first.give(simple.get('record-client-hello-1'), simple.get('record-client-finished'));
    t.ok(first.negotiated, String(first.error));

    name = 'resumed-0-rtt';
    const end = new ReplayEnd(factory, at(name, 'server', labels));
    end.give(get('record-client-hello-1'));
    t.equal(end.error, undefined, 'the binder is good');
    t.same(end.take(), joined([get('record-server-hello'), get('record-server-handshake-messages')]), 'our flight');
    for (const [label, secret] of Object.entries(secrets)) t.equal(hex(end.secret(label)), secret, label);
    end.give(get('record-client-early-data'));
    t.equal(end.error, undefined, 'early data is skipped');
    t.same(end.plaintext, []);
    end.give(get('record-client-finished'));
    t.match(
      end.error,
      { alert: 'decrypt_error' },
      "the client's Finished covers EndOfEarlyData, which we have skipped",
    );
  });
}
