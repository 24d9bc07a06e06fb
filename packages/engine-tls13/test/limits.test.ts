// The limits that this engine holds: each hit is an error that names it, or what is past it is ignored; each is reported as it is approached.
import { memorySessions } from '../src/node.ts';
import type { LimitName, Limits } from '@rxtls/core/engine';
import t from 'tap';
import { hostLeaf, root, seededBytes } from './ends.ts';
import { issue } from './certificate-pki.ts';
import { handshake, type RawPeer, type } from './raw-peer.ts';
import { clientAndPeer, serverAndPeer } from './with-peer.ts';

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

interface Hit {
  readonly limits: Partial<Limits>;
  /** One step towards it; the limit is hit by the step after `steps`. */
  readonly step: (peer: RawPeer, at: number) => unknown;
  readonly steps: number;
}
const hits: Readonly<Partial<Record<LimitName, Hit>>> = {
  maxEmptyRecords: { limits: { maxEmptyRecords: 8 }, steps: 8, step: (peer) => peer.data('') },
  maxWarningAlerts: { limits: { maxWarningAlerts: 8 }, steps: 8, step: (peer) => peer.alert(1, 90) },
  keyUpdates: {
    limits: { keyUpdates: { burst: 8, perSecond: 1 } },
    steps: 8,
    step: (peer) => peer.keyUpdate(false),
  },
  postHandshakeMessages: {
    limits: { postHandshakeMessages: { burst: 8, perSecond: 1 } },
    steps: 8,
    step: (peer) => peer.keyUpdate(false),
  },
  maxAesGcmRecords: { limits: { maxAesGcmRecords: 8 }, steps: 8, step: (peer) => peer.data('x') },
  maxHandshakeMessageBytes: {
    limits: { maxHandshakeMessageBytes: 1_000 },
    steps: 1,
    step: (peer, at) =>
      at === 0 ? peer.ticket({ ticket: new Uint8Array(900) }) : peer.record(type.handshake, bytes(4, 0, 3, 0xe9)),
  },
};

for (const [limit, { limits, step, steps }] of Object.entries(hits))
  t.test(`limits: ${limit} is reported from three quarters on, and its error names it`, async (t) => {
    const { end, peer, run } = clientAndPeer({}, {}, { limits });
    for (let at = 0; at < steps; at++) {
      const used = end.events.find((event) => event.type === 'limit' && event.limit === limit);
      // A bound on records is looked at where a key may be too old: at its last one.
      if (steps > 1 && at < steps * 0.75 - 1) t.equal(used, undefined, `not after ${at}`);
      step(peer, at);
      run();
    }
    t.equal(end.error, undefined, 'up to it nothing happens');
    t.ok(end.approached(limit), 'but that it is said');
    step(peer, steps);
    run();
    t.match(end.error, { name: 'LimitExceededError', limit });
    t.ok(peer.alerts.length > 0, 'and the peer hears of it');
  });

t.test('limits: maxHandshakeBytes, in the handshake alone', async (t) => {
  const { end, peer, run } = clientAndPeer();
  const used = end.given + 20;
  const enough = clientAndPeer({}, {}, { limits: { maxHandshakeBytes: used } });
  t.ok(enough.end.negotiated);
  t.ok(enough.end.approached('maxHandshakeBytes'));
  const little = clientAndPeer({}, {}, { limits: { maxHandshakeBytes: used - 40 } });
  t.match(little.end.error, { name: 'LimitExceededError', limit: 'maxHandshakeBytes' });
  for (let count = 0; count < 30; count++) peer.ticket({ ticket: new Uint8Array(16_000) });
  run();
  t.equal(end.error, undefined, 'what comes later has limits of its own');
});

t.test('limits: maxTickets: more are ignored', async (t) => {
  const sessions = memorySessions();
  const { end, peer, run } = clientAndPeer({}, { sessions }, { limits: { maxTickets: 4 } });
  for (let count = 0; count < 2; count++) peer.ticket({ nonce: bytes(count) });
  run();
  t.notOk(end.approached('maxTickets'));
  for (let count = 2; count < 10; count++) peer.ticket({ nonce: bytes(count) });
  run();
  t.ok(end.approached('maxTickets'));
  t.equal(sessions.size, 4);
  t.equal(end.error, undefined);
});

t.test('limits: maxPskIdentities: more are not looked at', async (t) => {
  const key = seededBytes(3)(32);
  const psks = [1, 2, 3, 4, 5].map((each) => ({ kind: 'external', identity: bytes(each), key }) as const);
  const known = (identity: number) => ({ externalPsks: { identity: bytes(identity), key, hash: 'sha256' } as const });
  t.same(serverAndPeer({ psks }, known(4)).end.negotiated?.peer.verification, 'passed', 'the fourth is used');
  t.same(serverAndPeer({ psks }, known(5)).end.negotiated?.peer.verification, 'not-requested', 'the fifth is not');
});

t.test('limits: maxChainLength, minRsaKeyBits and maxRsaKeyBits refuse the certificate', async (t) => {
  const chain = [hostLeaf.der, root.der, root.der];
  t.ok(clientAndPeer({ chain }, {}, { limits: { maxChainLength: 3 } }).end.negotiated);
  t.match(clientAndPeer({ chain }, {}, { limits: { maxChainLength: 2 } }).end.error, { reason: 'chain-too-long' });
  const issued = issue({ issuer: root, dns: ['host.test'], kind: 'rsa' });
  t.ok(clientAndPeer({ issued }).end.negotiated);
  t.match(clientAndPeer({ issued }, {}, { limits: { minRsaKeyBits: 3_072 } }).end.error, { reason: 'weak-key' });
  t.match(clientAndPeer({ issued }, {}, { limits: { maxRsaKeyBits: 2_047 } }).end.error, { reason: 'weak-key' });
});

t.test(
  'limits: our own AES-GCM key is renewed before its bound, and an old one of the peer is asked for a new one',
  async (t) => {
    const { end, peer, run } = clientAndPeer({}, {}, { limits: { maxAesGcmRecords: 8 } });
    for (let count = 0; count < 40; count++) end.send('x');
    run();
    t.equal(peer.keyUpdatesReceived, 4);
    t.equal(Buffer.concat(peer.plaintext).toString(), 'x'.repeat(40));
    const updates = peer.keyUpdatesReceived;
    for (let count = 0; count < 8; count++) peer.data('y');
    run();
    t.equal(peer.keyUpdatesReceived, updates + 1);
    t.same(Array.from(peer.messages.at(-1) ?? []), Array.from(handshake(24, bytes(1))), 'with a request');
  },
);
