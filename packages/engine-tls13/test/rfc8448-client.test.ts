// RFC 8448 as client: the trace's draws, its ClientHello and its server's records go in, and what we send is what was sent.
// Not replayed: raw-public-key, for RFC 7250's certificates are not spoken here. The certificates of the traces name nobody
// (RFC 9525) and so cannot pass our checks: dangerouslyReplaceVerification stands in for them, here and nowhere else.
import t from 'tap';
import { clientFactory } from '../src/client-factory.ts';
import type { Tls13ClientOptions } from '../src/client-options.ts';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { decodeClientHello } from '../src/handshake/messages/client-hello.ts';
import { trace, type TraceName } from './data/rfc8448.ts';
import { joined, records, ReplayEnd } from './replay-end.ts';
import {
  certificates,
  clockOf,
  draws,
  hex,
  inRecord,
  messages,
  opened,
  providers,
  recorded,
  recordedCredentials,
  recordedSigner,
  serverFlight,
  weakKeys,
  withRecordedKey,
} from './rfc8448-replay.ts';

const always: Tls13ClientOptions = {
  serverName: 'server',
  ca: certificates.get('server-certificate'),
  recordSizeLimit: 0x4001,
  middleboxCompatibility: false,
  sessions: 'none',
  keylog: true,
};
const anyone = { dangerouslyReplaceVerification: () => true } as const;
const hello = [['ClientHello.random', 32]] as const;
const x25519 = ['KeyShare.x25519', 32] as const;

interface Replay {
  readonly draws: Parameters<typeof draws>[1];
  readonly options: Partial<Tls13ClientOptions>;
}

const clientKey = recorded('client-authentication', 'client');
const externalPsk = trace('external-psk');
const replays: Partial<Record<TraceName, Replay>> = {
  simple: { draws: [...hello, x25519], options: anyone },
  'hello-retry-request': { draws: [...hello, x25519, ['KeyShare.secp256r1', 32]], options: anyone },
  'client-authentication': {
    draws: [...hello, x25519],
    options: {
      ...anyone,
      credentials: recordedCredentials(clientKey),
    },
  },
  'middlebox-compatibility': {
    draws: [...hello, ['ClientHello.legacy_session_id', 32], x25519],
    options: { ...anyone, middleboxCompatibility: true },
  },
  'external-psk': {
    draws: [...hello, x25519],
    options: {
      externalPsks: { identity: externalPsk.get('psk-identity'), key: externalPsk.get('psk-secret'), hash: 'sha256' },
    },
  },
};

/** A client whose hellos are the trace's; what it would have said itself, and says else, is kept. */
function replayed(crypto: CryptoProvider, name: TraceName, more: Partial<Tls13ClientOptions> = {}) {
  const { get } = trace(name);
  const replay = replays[name]!;
  const ours: Uint8Array[] = [];
  const factory = clientFactory(
    withRecordedKey(crypto, clientKey),
    { ...always, ...replay.options, ...more },
    {
      outgoing: (message) => {
        ours.push(message);
        return message[0] === 1 ? inRecord(get(`record-client-hello-${ours.length}`)) : message;
      },
    },
  );
  const end = new ReplayEnd(factory, {
    random: draws(get('client-random'), replay.draws),
    now: clockOf(name),
    limits: weakKeys,
  });
  return { end, ours };
}

for (const crypto of providers) {
  for (const name of Object.keys(replays) as TraceName[])
    t.test(`RFC 8448 as client on ${crypto.name}: ${name}`, async (t) => {
      const { has, get } = trace(name);
      const { end, ours } = replayed(crypto, name);
      t.same(end.take(), get('record-client-hello-1'), 'ClientHello');
      if (has('record-hello-retry-request')) {
        end.give(get('record-hello-retry-request'));
        t.same(end.take(), get('record-client-hello-2'), 'the second ClientHello');
      }
      end.give(get('record-server-hello'), get('record-server-handshake-messages'));
      if (name !== 'external-psk') end.settle();
      t.equal(end.error, undefined);
      t.same(end.take(), get('record-client-finished'), 'our flight');
      t.equal(end.negotiated?.cipherSuite, 'TLS_AES_128_GCM_SHA256');
      t.equal(end.negotiated?.group, has('record-hello-retry-request') ? 'secp256r1' : 'x25519');

      const fromServer = opened(
        crypto,
        end.secret('SERVER_HANDSHAKE_TRAFFIC_SECRET'),
        get('record-server-handshake-messages'),
      );
      t.same(messages(fromServer).map(hex), messages(serverFlight(name)).map(hex), 'what the server said');
      const fromUs = opened(crypto, end.secret('CLIENT_HANDSHAKE_TRAFFIC_SECRET'), get('record-client-finished'));
      t.same(ours.filter(([type]) => type !== 1).map(hex), messages(fromUs).map(hex), 'what we said');

      for (const [at, which] of ours.filter(([type]) => type === 1).entries()) {
        const [own, theirs] = [which, inRecord(get(`record-client-hello-${at + 1}`))].map((each) =>
          decodeClientHello(each.subarray(4)),
        );
        t.same(own!.random, theirs!.random, 'the random of our own hello');
        t.same(own!.sessionId, theirs!.sessionId, 'its session id');
        for (const type of [0, 44, 51])
          t.same(
            own!.extensions.find((each) => each.type === type),
            theirs!.extensions.find((each) => each.type === type),
            `its extension ${type}`,
          );
      }

      if (has('record-new-session-ticket')) end.give(get('record-new-session-ticket'));
      t.same(
        end.events.filter(({ type }) => type === 'ticket'),
        has('record-new-session-ticket') ? [{ type: 'ticket', direction: 'received', kept: false }] : [],
      );
      if (has('client-application-data')) {
        end.engine.sendPlaintext(get('client-application-data'));
        t.same(end.take(), get('record-client-application-data'), 'our data');
        end.give(get('record-server-application-data'));
        t.same(end.plaintext, [get('server-application-data')], "the server's data");
      }
      end.engine.sendCloseNotify();
      t.same(end.take(), get('record-client-close-notify'), 'our close_notify');
      end.give(get('record-server-close-notify'));
      t.ok(end.closed, "the server's close_notify");
    });

  t.test(`RFC 8448 §6 as client on ${crypto.name}: a Signer signs the same, in a flight of its own`, async (t) => {
    const { get } = trace('client-authentication');
    const credentials = { cert: clientKey.certificate, key: recordedSigner(clientKey) };
    const { end } = replayed(crypto, 'client-authentication', { credentials });
    end.take();
    end.give(get('record-server-hello'), get('record-server-handshake-messages')).settle();
    const first = end.take();
    end.settle();
    const flights = joined([first, end.take()]);
    t.equal(records(flights).length, 2);
    const secret = end.secret('CLIENT_HANDSHAKE_TRAFFIC_SECRET');
    t.same(opened(crypto, secret, flights), opened(crypto, secret, get('record-client-finished')));
    end.engine.sendCloseNotify();
    t.same(end.take(), get('record-client-close-notify'), 'and with it all that comes of the transcript');
  });

  t.test(`RFC 8448 §3 as client on ${crypto.name}: the key schedule`, async (t) => {
    const { get } = trace('simple');
    const { end } = replayed(crypto, 'simple');
    end.give(get('record-server-hello'), get('record-server-handshake-messages')).settle();
    for (const [label, secret] of Object.entries({
      CLIENT_HANDSHAKE_TRAFFIC_SECRET: 'b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21',
      SERVER_HANDSHAKE_TRAFFIC_SECRET: 'b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38',
      CLIENT_TRAFFIC_SECRET_0: '9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5',
      SERVER_TRAFFIC_SECRET_0: 'a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643',
      EXPORTER_SECRET: 'fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50',
    }))
      t.equal(hex(end.secret(label)), secret, label);
  });
}
