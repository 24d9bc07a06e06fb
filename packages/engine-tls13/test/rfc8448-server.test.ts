// RFC 8448 as server: the trace's draws and its client's records go in, and every record we send is the trace's. Messages in
// which a server has a choice (extensions and their order, cookie, ticket) are the trace's; what we would have said is compared
// by what it says. Not replayed: raw-public-key, for RFC 7250's certificates are not spoken here.
import t from 'tap';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { handshakeType } from '../src/handshake/messages/handshake-type.ts';
import { decodeNewSessionTicket } from '../src/handshake/messages/new-session-ticket.ts';
import { decodeServerHello } from '../src/handshake/messages/server-hello.ts';
import { serverFactory } from '../src/server-factory.ts';
import type { Tls13ServerOptions } from '../src/server-options.ts';
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
  takingForeignSeals,
  weakKeys,
  withRecordedKey,
} from './rfc8448-replay.ts';

type Draws = Parameters<typeof draws>;
interface Replay {
  readonly draws: Draws[1];
  readonly ours?: Draws[2];
  readonly options?: Partial<Tls13ServerOptions>;
}

const random = ['ServerHello.random', 32] as const;
const x25519 = ['KeyShare.x25519', 32] as const;
const psk = trace('external-psk');
const replays: Partial<Record<TraceName, Replay>> = {
  simple: {
    draws: [random, x25519, ['ticket_age_add', 4]],
    // Our tickets are two, and sealed.
    ours: ['ticket key', 'ticket nonce', 'ticket_age_add'],
  },
  'hello-retry-request': {
    draws: [random, ['KeyShare.secp256r1', 32]],
    ours: ['ticket key', 'ticket nonce'],
    options: { groups: ['secp256r1'], sessions: 'none' },
  },
  'client-authentication': {
    draws: [random, x25519],
    options: { clientAuth: 'require', clientCa: certificates.get('client-certificate'), sessions: 'none' },
  },
  'middlebox-compatibility': { draws: [random, x25519], options: { sessions: 'none' } },
  'external-psk': {
    draws: [random, x25519],
    options: { externalPsks: { identity: psk.get('psk-identity'), key: psk.get('psk-secret'), hash: 'sha256' } },
  },
};

/** A server that answers with the trace's messages; what it would have said itself is kept. */
function replayed(crypto: CryptoProvider, name: TraceName, more: Partial<Tls13ServerOptions> = {}) {
  const { has, get } = trace(name);
  const replay = replays[name]!;
  // A server that takes an external key shows no certificate.
  const key = recorded(name === 'external-psk' ? 'simple' : name, 'server');
  const ours: Uint8Array[] = [];
  const retry = has('record-hello-retry-request') ? [inRecord(get('record-hello-retry-request'))] : [];
  const hellos = [...retry, get('message-server-hello')];
  const tickets = (): Uint8Array[] =>
    has('record-new-session-ticket')
      ? [opened(crypto, end.secret('SERVER_TRAFFIC_SECRET_0'), get('record-new-session-ticket'))]
      : [];
  let ticketsSent = 0;
  const factory = serverFactory(
    takingForeignSeals(withRecordedKey(crypto, key)),
    {
      credentials: recordedCredentials(key),
      cipherSuites: ['TLS_AES_128_GCM_SHA256'],
      recordSizeLimit: 0x4001,
      keylog: true,
      ...replay.options,
      ...more,
    },
    {
      outgoing: (message) => {
        ours.push(message);
        switch (message[0]) {
          case handshakeType.server_hello:
            return hellos.shift()!;
          case handshakeType.encrypted_extensions:
            return get('message-encrypted-extensions');
          case handshakeType.certificate_request:
            return get('message-certificate-request');
          case handshakeType.new_session_ticket:
            return tickets()[ticketsSent++] ?? new Uint8Array(0);
          default:
            return message;
        }
      },
    },
  );
  const end: ReplayEnd = new ReplayEnd(factory, {
    random: draws(get('server-random'), replay.draws, replay.ours),
    now: clockOf(name),
    limits: weakKeys,
  });
  return { end, ours };
}

/** A ServerHello as it reads, whatever the order of its extensions. */
function asSaid(message: Uint8Array) {
  const offered = new Set([41, 43, 51, 44]);
  const { extensions, ...rest } = decodeServerHello(message.subarray(4), offered);
  return { ...rest, extensions: new Map([...extensions].sort(([one], [other]) => one - other)) };
}

for (const crypto of providers) {
  for (const name of Object.keys(replays) as TraceName[])
    t.test(`RFC 8448 as server on ${crypto.name}: ${name}`, async (t) => {
      const { has, get } = trace(name);
      const { end, ours } = replayed(crypto, name);
      end.give(get('record-client-hello-1'));
      if (has('record-hello-retry-request')) {
        t.same(end.take(), get('record-hello-retry-request'), 'HelloRetryRequest');
        end.give(get('record-client-hello-2'));
      }
      t.equal(end.error, undefined);
      t.same(
        end.take(),
        joined([get('record-server-hello'), get('record-server-handshake-messages')]),
        'ServerHello and our flight',
      );
      const hello = ours.filter(([type]) => type === handshakeType.server_hello).at(-1)!;
      t.same(asSaid(hello), asSaid(get('message-server-hello')), 'the ServerHello that we would have sent');
      const proof = messages(serverFlight(name)).filter(([type]) => type! > 10 && type !== 13);
      t.same(
        ours.filter(([type]) => type! > 10 && type !== 13).map(hex),
        proof.map(hex),
        'the proof that we have sent',
      );
      const fromServer = opened(
        crypto,
        end.secret('SERVER_HANDSHAKE_TRAFFIC_SECRET'),
        get('record-server-handshake-messages'),
      );
      t.same(messages(fromServer).map(hex), messages(serverFlight(name)).map(hex), 'and the messages in it');

      end.give(get('record-client-finished'));
      t.equal(end.error, undefined);
      t.equal(end.negotiated?.serverName, 'server');
      t.equal(end.negotiated?.group, has('record-hello-retry-request') ? 'secp256r1' : 'x25519');
      t.same(
        end.negotiated?.peer.chain,
        name === 'client-authentication' ? [certificates.get('client-certificate')] : [],
        "the client's chain",
      );
      if (has('record-new-session-ticket')) {
        t.same(end.take(), get('record-new-session-ticket'), 'NewSessionTicket');
        const [own, theirs] = [
          ours.find(([type]) => type === handshakeType.new_session_ticket)!,
          opened(crypto, end.secret('SERVER_TRAFFIC_SECRET_0'), get('record-new-session-ticket')),
        ].map((message) => decodeNewSessionTicket(message.subarray(4)));
        t.equal(own!.ageAdd, theirs!.ageAdd, 'ticket_age_add');
      }
      if (has('client-application-data')) {
        end.give(get('record-client-application-data'));
        t.same(end.plaintext, [get('client-application-data')], "the client's data");
        end.engine.sendPlaintext(get('server-application-data'));
        t.same(end.take(), get('record-server-application-data'), 'our data');
      }
      end.give(get('record-client-close-notify'));
      t.ok(end.closed, "the client's close_notify");
      end.engine.sendCloseNotify();
      t.same(end.take(), get('record-server-close-notify'), 'our close_notify');
    });

  t.test(`RFC 8448 §6 as server on ${crypto.name}: a Signer signs the same, in a flight of its own`, async (t) => {
    const { get } = trace('client-authentication');
    const key = recorded('client-authentication', 'server');
    const { end } = replayed(crypto, 'client-authentication', {
      credentials: { cert: key.certificate, key: recordedSigner(key) },
    });
    end.give(get('record-client-hello-1')).settle();
    const flights = end.take();
    t.equal(records(flights).length, 3);
    const secret = end.secret('SERVER_HANDSHAKE_TRAFFIC_SECRET');
    t.same(hex(opened(crypto, secret, flights)), hex(serverFlight('client-authentication')));
    end.give(get('record-client-finished'), get('record-client-close-notify'));
    t.ok(end.closed, 'and the client of the trace goes on with us');
  });
}
