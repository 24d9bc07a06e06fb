// How long one key is used, whatever the peer does (RFC 8446 §5.5).
import { resolveLimits } from '@rxtls/core/engine';
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { tls13Engine } from '../src/node.ts';
import { encodeNewSessionTicket } from '../src/handshake/messages/new-session-ticket.ts';
import { exchange, RogueServer, Side } from './attacks-peers.ts';

const pki = await testPki();
const leaf = await pki.leaf('ecdsa');
const credentials = { cert: leaf.certificatePem, key: leaf.keyPem };
const names = { serverName: 'localhost', ca: pki.authorityPem } as const;
const limits = resolveLimits({ maxAesGcmRecords: 100 });

t.test('a peer that wants short records does not make us use a key for longer', (t) => {
  const client = new Side(tls13Engine.client({ ...names, recordSizeLimit: 64 }));
  const server = new Side(tls13Engine.server({ credentials, recordSizeLimit: 16_385 }), { limits });
  exchange(client, server);
  for (let call = 0; call < 10; call++) server.engine.sendPlaintext(new Uint8Array(63 * 40));
  exchange(client, server);
  t.equal(Buffer.concat(client.plaintext).length, 63 * 400);
  for (const { last, epoch } of server.sealed) t.ok(last < 100n, `record ${last} of epoch ${epoch}`);
  t.end();
});

t.test('a peer whose key grows old is asked for another one in time, whatever kind of record it is seen at', (t) => {
  const client = new Side(tls13Engine.client(names), { limits });
  const server = new RogueServer(client);
  server.open(leaf);
  const ticket = { lifetime: 0, ageAdd: 0, nonce: new Uint8Array(1), ticket: new Uint8Array(1), extensions: new Map() };
  let asked = 0;
  for (let record = 0; record < 99; record++) {
    if (record >= 40 && record < 60) server.send(encodeNewSessionTicket(ticket));
    else server.sendData(Uint8Array.of(1));
    t.equal(client.failed, undefined, `record ${record}`);
    asked += client.events.splice(0).filter(({ type }) => type === 'key-update').length;
  }
  t.equal(asked, 1, 'once');
  server.sendData(Uint8Array.of(1));
  t.equal(client.failed, undefined);
  server.sendData(Uint8Array.of(1));
  t.match(client.failed, { name: 'LimitExceededError', limit: 'maxAesGcmRecords' });
  t.end();
});
