// The order of these imports is for pages: a bundle holds modules in it, and gzip knows what repeats within 32 KiB (RFC 1951 §2). First come the
// ciphers, whose helpers are those of the hashes over again; what belongs to the curves stays together. It saves most of a kilobyte.
import { nobleRecordKey } from './noble-record-key.ts';
import { nobleHash } from './noble-hash.ts';
import { noblePublicKey } from './noble-public-key.ts';
import { equalBytes } from '@noble/curves/utils.js';
import { cipherSuite } from '../cipher-suite.ts';
import type { CryptoProvider } from '../crypto-provider.ts';
import type { CryptoAdditions } from '../group-implementation.ts';
import { groupTable } from '../group-table.ts';
import { nobleEcdh } from './noble-ecdh.ts';
import { noblePrivateKey } from './noble-private-key.ts';
import { nobleX25519 } from './noble-x25519.ts';

/** `nobleCrypto` with more groups: `nobleCryptoWith({ postQuantum: x25519MLKEM768 })`; who does not ask does not bundle ML-KEM. */
export const nobleCryptoWith = (additions: CryptoAdditions): CryptoProvider =>
  Object.freeze<CryptoProvider>({
    name: 'noble',
    cipherSuites: Object.freeze([
      cipherSuite.TLS_CHACHA20_POLY1305_SHA256,
      cipherSuite.TLS_AES_128_GCM_SHA256,
      cipherSuite.TLS_AES_256_GCM_SHA384,
    ]),
    ...groupTable(nobleX25519, [nobleEcdh('secp256r1'), nobleEcdh('secp384r1')], additions),
    ...nobleHash,
    recordKey: nobleRecordKey,
    publicKey: noblePublicKey,
    privateKey: noblePrivateKey,
    // No early exit in it: the time says nothing of where two arrays differ
    equal: equalBytes,
  });

/**
 * The primitives of the @noble packages: JavaScript alone, for browsers, workers and everywhere else. ChaCha20 comes first, since the library's
 * AES looks its S-box up in tables, with a timing that the cache gives away; ChaCha20 is additions and rotations. BigInt's time
 * depends on its numbers too: a long-lived key on a shared machine is better signed with elsewhere, by a signature task.
 */
export const nobleCrypto: CryptoProvider = nobleCryptoWith({});
