// Whole connections byte by byte: keys, certificates, what both engines draw and the clock come from seeds. To accept a change:
// RXTLS_UPDATE_GOLDEN=1 node --conditions=rxtls:source --import @oxc-node/core/register packages/engine-tls13/test/golden.test.ts
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { nobleCrypto, nobleCryptoWith } from '../src/crypto/noble/noble-crypto.ts';
import { x25519MLKEM768 } from '../src/crypto/noble/x25519-mlkem768.ts';
import { nodeCrypto, nodeCryptoWith } from '../src/crypto/node/node-crypto.ts';
import type { Tls13ClientOptions } from '../src/client-options.ts';
import type { Tls13ServerOptions } from '../src/server-options.ts';
import { tls13EngineOn } from '../src/tls13-engine.ts';
import { ReplayEnd, records, seededBytes } from './replay-end.ts';
import { seededCredentials } from './seeded-credentials.ts';

const now = Date.UTC(2026, 0, 15);
const contentTypes = ['change_cipher_spec', 'alert', 'handshake', 'application_data'];
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

interface Golden {
  readonly client: CryptoProvider;
  readonly server: CryptoProvider;
  readonly keys: 'ed25519' | 'p256';
  readonly random?: (seed: number) => (length: number, label: string) => Uint8Array;
}

/** What both ends of a connection have sent, a record a line. */
class Transcript {
  readonly lines: string[] = [];

  /** Carries bytes both ways until nothing moves. */
  carry(client: ReplayEnd, server: ReplayEnd): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [who, from, to] of [
        ['client', client, server],
        ['server', server, client],
      ] as const) {
        const flight = from.take();
        for (const record of records(flight))
          this.lines.push(`${who} ${contentTypes[record[0]! - 20]} ${Buffer.from(record).toString('hex')}`);
        if (flight.length > 0 && !to.closed && to.error === undefined) to.give(flight);
        moved ||= flight.length > 0;
      }
    }
  }
}

/** A full handshake with client authentication, a resumption, a HelloRetryRequest and a failure. */
function transcript({ client, server, keys, random = seededBytes }: Golden): string {
  const [host, user] = [seededCredentials(keys, 7, 'host.test', now), seededCredentials(keys, 8, 'client.test', now)];
  const cipherSuites = ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'] as const;
  const clientOf = (more: Partial<Tls13ClientOptions> = {}) =>
    tls13EngineOn(client).client({
      serverName: 'host.test',
      ca: host.cert,
      credentials: user,
      alpnProtocols: ['a', 'b'],
      cipherSuites,
      ...more,
    });
  const serverOf = (more: Partial<Tls13ServerOptions> = {}) =>
    tls13EngineOn(server).server({
      credentials: host,
      clientAuth: 'require',
      clientCa: user.cert,
      alpnProtocols: ['b'],
      cipherSuites,
      ...more,
    });
  const to = { resume: clientOf(), from: serverOf() };
  const written = new Transcript();
  const ends = (title: string, seed: number, made = { client: to.resume, server: to.from }) => {
    written.lines.push(`# ${title}`);
    const pair = {
      client: new ReplayEnd(made.client, { random: random(seed), now: now + seed }),
      server: new ReplayEnd(made.server, { random: random(seed + 1), now: now + seed }),
    };
    written.carry(pair.client, pair.server);
    return pair;
  };
  const talk = (pair: ReturnType<typeof ends>, resumed: boolean): void => {
    const { client: here, server: there } = pair;
    if (here.negotiated?.resumed !== resumed || there.negotiated?.resumed !== resumed)
      throw here.error ?? there.error ?? new Error('not what was to be negotiated');
    here.engine.sendPlaintext(bytes('ping'));
    written.carry(here, there);
    here.engine.updateKeys!({ requestPeer: true });
    written.carry(here, there);
    there.engine.sendPlaintext(bytes('pong'));
    there.engine.sendCloseNotify();
    written.carry(here, there);
    here.engine.sendCloseNotify();
    written.carry(here, there);
    const heard = [...there.plaintext, ...here.plaintext].map((each) => Buffer.from(each).toString());
    if (heard.join() !== 'ping,pong' || !here.closed || !there.closed) throw new Error(heard.join());
  };
  talk(ends('a full handshake with client authentication, a KeyUpdate each way', 10), false);
  talk(ends('a resumption', 20), true);
  talk(
    ends('a HelloRetryRequest', 30, {
      client: clientOf(),
      server: serverOf({ groups: ['secp256r1'], sessions: 'none' }),
    }),
    false,
  );
  const strangers = { client: clientOf({ ca: user.cert }), server: serverOf() };
  const { client: refusing } = ends('a client that does not trust the server', 40, strangers);
  if (refusing.error?.name !== 'CertificateError') throw new Error(String(refusing.error));
  return `${written.lines.join('\n')}\n`;
}

const goldens: readonly Golden[] = [
  { client: nodeCrypto, server: nodeCrypto, keys: 'ed25519' },
  { client: nobleCrypto, server: nobleCrypto, keys: 'ed25519' },
  { client: nodeCrypto, server: nobleCrypto, keys: 'ed25519' },
  { client: nobleCrypto, server: nodeCrypto, keys: 'ed25519' },
  { client: nobleCrypto, server: nobleCrypto, keys: 'p256' },
];

for (const golden of goldens) {
  const { client, server, keys } = golden;
  t.test(`${client.name} to ${server.name} with ${keys}: the bytes that were written down`, async (t) => {
    const file = join(import.meta.dirname, `golden-${keys}.txt`);
    const written = transcript(golden);
    if (process.env['RXTLS_UPDATE_GOLDEN'] === '1') writeFileSync(file, written);
    t.equal(written, existsSync(file) ? readFileSync(file, 'utf8') : '', 'the golden transcript');
    t.equal(transcript(golden), written, 'twice the same');
  });
}

t.test('with the post-quantum group too, both providers send the same bytes for the same draws', async (t) => {
  const postQuantum = { postQuantum: x25519MLKEM768 };
  const connection = (crypto: CryptoProvider): string[] => {
    const own = seededCredentials('ed25519', 7, 'host.test', now);
    const engine = tls13EngineOn(crypto);
    const shared = { groups: ['X25519MLKEM768'], cipherSuites: ['TLS_AES_256_GCM_SHA384'] } as const;
    const [here, there] = [
      new ReplayEnd(engine.client({ ...shared, serverName: 'host.test', ca: own.cert }), {
        random: seededBytes(1),
        now,
      }),
      new ReplayEnd(engine.server({ ...shared, credentials: own }), { random: seededBytes(2), now }),
    ];
    const written = new Transcript();
    written.carry(here, there);
    t.equal(here.negotiated?.group, 'X25519MLKEM768', String(here.error ?? there.error));
    return written.lines;
  };
  t.same(connection(nodeCryptoWith(postQuantum)), connection(nobleCryptoWith(postQuantum)));
});

/** What may be drawn, and how much of it. */
const drawn: Readonly<Record<string, number>> = {
  'ClientHello.random': 32,
  'ClientHello.legacy_session_id': 32,
  'KeyShare.x25519': 32,
  'KeyShare.secp256r1': 32,
  'ServerHello.random': 32,
  'ticket key': 32,
  'ticket nonce': 12,
  ticket_age_add: 4,
};

for (const crypto of [nodeCrypto, nobleCrypto])
  t.test(`${crypto.name}: every random byte comes from host.random, by a label that is known`, async (t) => {
    const golden = { client: crypto, server: crypto, keys: 'ed25519' } as const;
    const seen = new Set<string>();
    const strict = (seed: number) => {
      const random = seededBytes(seed);
      return (length: number, label: string): Uint8Array => {
        if (drawn[label] !== length) throw new Error(`${length} bytes for ${label}, of which nobody knows`);
        seen.add(label);
        return random(length, label);
      };
    };
    const written = transcript({ ...golden, random: strict });
    // The noble packages blind scalars with the runtime's random bytes, of which nothing is left in what they compute.
    t.equal(written, transcript(golden));
    t.same([...seen].sort(), Object.keys(drawn).sort());
  });

t.test('every draw shows on the wire', async (t) => {
  const golden = { client: nodeCrypto, server: nodeCrypto, keys: 'ed25519' } as const;
  const written = transcript(golden);
  for (const changed of Object.keys(drawn)) {
    const other = (seed: number) => {
      const random = seededBytes(seed);
      return (length: number, label: string) =>
        random(length, label).map((byte) => (label === changed ? byte ^ 1 : byte));
    };
    t.not(transcript({ ...golden, random: other }), written, changed);
  }
});
