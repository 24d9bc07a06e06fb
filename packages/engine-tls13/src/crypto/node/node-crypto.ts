/// <reference types="node" />
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { cipherSuite } from '../cipher-suite.ts';
import type { CryptoProvider } from '../crypto-provider.ts';
import type { CryptoAdditions } from '../group-implementation.ts';
import { groupTable } from '../group-table.ts';
import { nodeEcdh } from './node-ecdh.ts';
import { nodePrivateKey } from './node-private-key.ts';
import { nodePublicKey } from './node-public-key.ts';
import { nodeRecordKeys } from './node-record-key.ts';
import { nodeRoots } from './node-roots.ts';
import { nodeX25519 } from './node-x25519.ts';
import { plainBytes } from './plain-bytes.ts';

/** `nodeCrypto` with more groups: `nodeCryptoWith({ postQuantum: x25519MLKEM768 })`. ML-KEM's library takes tens of milliseconds to load. */
export const nodeCryptoWith = (additions: CryptoAdditions): CryptoProvider =>
  Object.freeze<CryptoProvider>({
    name: 'node',
    cipherSuites: Object.freeze([
      cipherSuite.TLS_AES_128_GCM_SHA256,
      cipherSuite.TLS_AES_256_GCM_SHA384,
      cipherSuite.TLS_CHACHA20_POLY1305_SHA256,
    ]),
    ...groupTable(nodeX25519(), [nodeEcdh('secp256r1'), nodeEcdh('secp384r1')], additions),
    hash(name) {
      const running = createHash(name);
      return {
        update: (bytes) => void running.update(bytes),
        digest: () => plainBytes(running.copy().digest()),
      };
    },
    sha256: (message) => plainBytes(createHash('sha256').update(message).digest()),
    hmac(name, key, first, second) {
      const running = createHmac(name, key).update(first);
      if (second !== undefined) running.update(second);
      return plainBytes(running.digest());
    },
    recordKey: nodeRecordKeys(),
    publicKey: nodePublicKey,
    privateKey: nodePrivateKey,
    equal: (one, other) => one.length === other.length && timingSafeEqual(one, other),
    roots: nodeRoots,
  });

/** The primitives of `node:crypto`: OpenSSL's, with the processor's AES. */
export const nodeCrypto: CryptoProvider = nodeCryptoWith({});
