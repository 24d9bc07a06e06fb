// Tickets, cookies and the store of sessions: what one connection can do to the next.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { memorySessions, tls13Engine } from '../src/node.ts';
import { encodeNewSessionTicket } from '../src/handshake/messages/new-session-ticket.ts';
import { extensionType } from '../src/handshake/extensions/extension-type.ts';
import { encodeCookie } from '../src/handshake/extensions/cookie.ts';
import { exchange, RogueServer, Side } from './attacks-peers.ts';

const pki = await testPki();
const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
const names = { serverName: 'localhost', ca: pki.authorityPem } as const;

t.test(
  'a ticket so long that no ClientHello could carry it is not kept: the next connection is not harmed',
  async (t) => {
    for (const bytes of [65_500, 60_000, 16_385]) {
      const sessions = memorySessions();
      const factory = tls13Engine.client({ ...names, sessions });
      const client = new Side(factory);
      const server = new RogueServer(client);
      server.open(await pki.leaf('ecdsa'));
      t.ok(client.negotiated, 'connected');
      const ticket = new Uint8Array(bytes);
      server.send(
        encodeNewSessionTicket({ lifetime: 1_000, ageAdd: 0, nonce: new Uint8Array(1), ticket, extensions: new Map() }),
      );
      t.match(client.events.at(-1), { type: 'ticket', kept: false });
      t.equal(client.failed, undefined);
      t.equal(sessions.size, 0);
      const next = new Side(factory);
      t.equal(next.failed, undefined);
    }
  },
);

t.test("a cookie too long to be sent back is the server's fault, and told as such", (t) => {
  const client = new Side(tls13Engine.client(names));
  const server = new RogueServer(client);
  server.readHello();
  server.sendRetry(new Map([[extensionType.cookie, encodeCookie(new Uint8Array(65_440))]]));
  t.match(client.failed, { name: 'PeerMisbehavedError', alert: 'illegal_parameter' });
  t.end();
});

t.test('a host whose clock has fractions of a millisecond serves tickets and cookies like any other', (t) => {
  const clock = { wallClock: () => Date.now() + 0.25 };
  const server = tls13Engine.server({ credentials: { cert, key }, groups: ['secp384r1'] });
  const client = tls13Engine.client(names);
  for (const resumed of [false, true]) {
    const one = new Side(client, clock);
    const other = new Side(server, clock);
    exchange(one, other);
    t.same([one.failed, other.failed], [undefined, undefined]);
    t.equal(other.negotiated?.resumed, resumed);
  }
  t.end();
});

t.test('a host that gives too few random bytes gets no connection, wherever they were for', (t) => {
  const server = tls13Engine.server({ credentials: { cert, key }, groups: ['secp384r1'] });
  const labels = new Set<string>();
  const random = (length: number, label: string): Uint8Array => {
    labels.add(label);
    return globalThis.crypto.getRandomValues(new Uint8Array(length));
  };
  exchange(new Side(tls13Engine.client(names), { random }), new Side(server, { random }));
  t.ok(labels.size > 7, [...labels].join());
  for (const short of labels) {
    const other = tls13Engine.server({ credentials: { cert, key }, groups: ['secp384r1'] });
    const part = (length: number, label: string): Uint8Array => random(label === short ? length - 1 : length, label);
    const one = new Side(tls13Engine.client(names), { random: part });
    const peer = new Side(other, { random: part });
    exchange(one, peer);
    t.ok(
      [one, peer].some(({ failed }) => failed?.name === 'EngineFailureError'),
      short,
    );
  }
  t.end();
});

t.test("random bytes stay the host's: nothing is wiped that a recorded host could give again", (t) => {
  const given: { readonly label: string; readonly bytes: Uint8Array; readonly copy: Uint8Array }[] = [];
  const random = (length: number, label: string): Uint8Array => {
    const bytes = globalThis.crypto.getRandomValues(new Uint8Array(length));
    given.push({ label, bytes, copy: bytes.slice() });
    return bytes;
  };
  const server = tls13Engine.server({ credentials: { cert, key }, groups: ['secp384r1'] });
  exchange(new Side(tls13Engine.client(names), { random }), new Side(server, { random }));
  for (const { label, bytes, copy } of given) t.same(bytes, copy, label);
  t.end();
});
