import type { CipherSuite, HashName } from './cipher-suite.ts';
import type { GroupName } from './named-group.ts';
import type { KeyType, SignatureAlgorithm } from './signature-scheme.ts';

/** A transcript hash: what was hashed so far can be asked for at any time, and hashing goes on. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** The hash of everything so far; the running hash is untouched. */
  digest(): Uint8Array;
}

/** The AEAD of one direction under one key (RFC 8446 §5.2). */
export interface RecordKey {
  /**
   * Seals `content ‖ trailer` and writes the ciphertext and its 16 byte tag to `out` from `at`: exactly
   * `content.length + trailer.length + 16` bytes. `header` is the additional data. None of the arrays is kept.
   */
  seal(
    nonce: Uint8Array,
    header: Uint8Array,
    content: Uint8Array,
    trailer: Uint8Array,
    out: Uint8Array,
    at: number,
  ): void;
  /** The plaintext of `sealed` (ciphertext ‖ tag), a fresh array; undefined when it does not authenticate, whatever the reason. */
  open(nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** Overwrites the key where the runtime allows. */
  wipe(): void;
}

/** Our half of an (EC)DHE or KEM exchange, made by the client (RFC 8446 §4.2.8). */
export interface KeyShare {
  readonly group: GroupName;
  /** KeyShareEntry.key_exchange. */
  readonly publicKey: Uint8Array;
  /** The shared secret with the server's share; undefined for a share that is no valid one (length, point, all-zero result). */
  agree(peer: Uint8Array): Uint8Array | undefined;
  wipe(): void;
}

/** What the server answers to a client's share. */
export interface KeyAgreement {
  /** KeyShareEntry.key_exchange of the server. */
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array;
}

/** A public key as certificates carry it, read by us; `key` is the library's own handle. */
export interface PublicKey {
  readonly type: KeyType;
  /** Whether `signature` over `message` is this key's; false for every other reason too. Never throws. */
  verify(algorithm: SignatureAlgorithm, message: Uint8Array, signature: Uint8Array): boolean;
}

/** A private key that signs at once. */
export interface PrivateKey {
  readonly type: KeyType;
  /** DER SubjectPublicKeyInfo of its public half. */
  readonly publicKeyInfo: Uint8Array;
  sign(algorithm: SignatureAlgorithm, message: Uint8Array): Uint8Array;
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), taken apart by the certificate reader. */
export type SubjectPublicKey =
  | { readonly type: 'p256' | 'p384'; readonly der: Uint8Array; readonly point: Uint8Array }
  | { readonly type: 'ed25519'; readonly der: Uint8Array; readonly raw: Uint8Array }
  /** `modulus` and `exponent` big-endian without leading zeros; `bits` of the modulus. */
  | {
      readonly type: 'rsa' | 'rsa-pss';
      readonly der: Uint8Array;
      readonly modulus: Uint8Array;
      readonly exponent: Uint8Array;
      readonly bits: number;
    };

/** Random bytes with the name of their use: `host.random`. */
export type RandomBytes = (length: number, label: string) => Uint8Array;

/**
 * The primitives, synchronous. Two exist: `node:crypto` and the @noble packages; none is ours but the public RSA operation
 * of the second. Everything secret that goes in or comes out is a plain `Uint8Array` that its owner wipes.
 */
export interface CryptoProvider {
  /** `node` or `noble`. */
  readonly name: string;
  /** In the order of preference. */
  readonly cipherSuites: readonly CipherSuite[];
  /** Every group it can do; which are offered by default is the options' matter. */
  readonly groups: readonly GroupName[];
  hash(name: HashName): RunningHash;
  /** SHA-256 of one message at once. */
  sha256(message: Uint8Array): Uint8Array;
  /** HMAC (RFC 2104) of `first ‖ second`, so that nobody joins them. */
  hmac(name: HashName, key: Uint8Array, first: Uint8Array, second?: Uint8Array): Uint8Array;
  recordKey(suite: CipherSuite, key: Uint8Array): RecordKey;
  keyShare(group: GroupName, random: RandomBytes): KeyShare;
  /** The server's half; undefined for a client's share that is no valid one. */
  keyAgreement(group: GroupName, peer: Uint8Array, random: RandomBytes): KeyAgreement | undefined;
  /** @throws ApiMisuseError never; a key it cannot use verifies nothing. */
  publicKey(key: SubjectPublicKey): PublicKey;
  /**
   * Reads a private key: PKCS #8 DER, or what the runtime has (a `KeyObject` in Node).
   * @throws ApiMisuseError when it cannot be read or cannot sign here; the message holds nothing of the key.
   */
  privateKey(key: unknown, passphrase?: string): PrivateKey;
  /** Equal, in a time that depends on the lengths alone. */
  equal(one: Uint8Array, other: Uint8Array): boolean;
  /** The runtime's trusted roots in DER, where it has any. */
  roots?(): readonly Uint8Array[];
}
