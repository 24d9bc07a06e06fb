import t, { type Test } from 'tap';
import { cipherSuite } from '../src/crypto/cipher-suite.ts';
import { root, seededBytes } from './ends.ts';
import type { RawOptions } from './raw-peer.ts';
import { clientAndPeer, serverAndPeer, type WithPeer } from './with-peer.ts';

const asking = { clientAuth: 'require', clientCa: root.pem } as const;
const key = seededBytes(3)(32);
const identity = Uint8Array.of(1, 2, 3);
const psks = [{ kind: 'external', identity, key } as const];
const externalPsks = { identity, key, hash: 'sha256' } as const;

const talks = (t: Test, { end, peer, run }: WithPeer, name: string): void => {
  t.equal(end.error, undefined, `${name}: ${end.error?.stack ?? 'no error'}`);
  t.ok(end.negotiated, name);
  end.send('to the peer');
  peer.data('to the engine').keyUpdate(true).data(', again');
  run();
  end.send(' twice');
  run();
  t.equal(end.text, 'to the engine, again', name);
  t.equal(Buffer.concat(peer.plaintext).toString(), 'to the peer twice', name);
  t.equal(peer.keyUpdatesReceived, 1, name);
};

t.test('the raw peer is honest by default: every kind of handshake, both roles', async (t) => {
  const kinds: Record<string, RawOptions> = {
    plain: {},
    'AES-256': { suite: cipherSuite.TLS_AES_256_GCM_SHA384 },
    ChaCha20: { suite: cipherSuite.TLS_CHACHA20_POLY1305_SHA256 },
    'one byte fragments': { fragment: 1 },
  };
  for (const [name, raw] of Object.entries(kinds)) {
    talks(t, clientAndPeer(raw), `client: ${name}`);
    talks(t, serverAndPeer(raw), `server: ${name}`);
  }
  talks(t, clientAndPeer({ retry: 'secp256r1', cookie: identity }), 'client: HelloRetryRequest');
  talks(t, clientAndPeer({ cookie: identity }), 'client: HelloRetryRequest for a cookie alone');
  talks(t, serverAndPeer({}, { groups: ['secp256r1'] }), 'server: HelloRetryRequest');
  talks(t, clientAndPeer({ requestCertificate: true }), 'client: asked for a certificate');
  talks(t, serverAndPeer({}, asking), 'server: asks for a certificate');
  talks(t, clientAndPeer({ psks }, { externalPsks }), 'client: external key');
  talks(t, serverAndPeer({ psks }, { externalPsks }), 'server: external key');
});
