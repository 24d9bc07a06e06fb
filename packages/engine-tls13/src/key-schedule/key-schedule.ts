import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { type HashName, hashBytes } from '../crypto/cipher-suite.ts';
import { emptyHash } from './empty-hash.ts';
import { hkdfExpandLabel, hkdfExtract } from './hkdf.ts';

/** The traffic secrets of both directions in one epoch. */
export interface TrafficSecrets {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/** Those of the connection, and its exporter_secret. */
export interface ApplicationSecrets extends TrafficSecrets {
  readonly exporter: Uint8Array;
}

/**
 * The key schedule of RFC 8446 §7.1, read from top to bottom: each step takes the secret above it and wipes it.
 *
 *               PSK (or zeros)
 *                 |
 *     Extract = Early Secret ----> binder key
 *                 |
 *     (EC)DHE  -> Extract = Handshake Secret ----> client, server handshake traffic
 *                 |
 *     zeros    -> Extract = Main Secret ----> client, server application traffic, exporter, resumption
 */
export class KeySchedule {
  readonly hash: HashName;
  readonly #crypto: CryptoProvider;
  /** The secret of the last Extract. */
  #secret: Uint8Array;

  /** `psk`: absent in a handshake with certificates alone. */
  constructor(crypto: CryptoProvider, hash: HashName, psk?: Uint8Array) {
    this.#crypto = crypto;
    this.hash = hash;
    const zeros = new Uint8Array(hashBytes[hash]);
    this.#secret = hkdfExtract(crypto, hash, zeros, psk ?? zeros);
  }

  /** The key that PSK binders are made with (RFC 8446 §4.2.11.2). */
  binderKey(kind: 'resumption' | 'external'): Uint8Array {
    return this.#derive(kind === 'resumption' ? 'res binder' : 'ext binder', emptyHash[this.hash]);
  }

  /** `transcript`: ClientHello to ServerHello. */
  handshake(sharedSecret: Uint8Array, transcript: Uint8Array): TrafficSecrets {
    this.#extract(sharedSecret);
    return { client: this.#derive('c hs traffic', transcript), server: this.#derive('s hs traffic', transcript) };
  }

  /** `transcript`: ClientHello to the server's Finished. */
  application(transcript: Uint8Array): ApplicationSecrets {
    this.#extract(new Uint8Array(hashBytes[this.hash]));
    return {
      client: this.#derive('c ap traffic', transcript),
      server: this.#derive('s ap traffic', transcript),
      exporter: this.#derive('exp master', transcript),
    };
  }

  /** The last step. `transcript`: ClientHello to the client's Finished. */
  resumption(transcript: Uint8Array): Uint8Array {
    const secret = this.#derive('res master', transcript);
    this.wipe();
    return secret;
  }

  wipe(): void {
    this.#secret.fill(0);
  }

  #extract(input: Uint8Array): void {
    const salt = this.#derive('derived', emptyHash[this.hash]);
    this.#secret.fill(0);
    this.#secret = hkdfExtract(this.#crypto, this.hash, salt, input);
    salt.fill(0);
  }

  /** Derive-Secret (RFC 8446 §7.1), given the hash of the messages. */
  #derive(label: string, transcript: Uint8Array): Uint8Array {
    return hkdfExpandLabel(this.#crypto, this.hash, this.#secret, label, transcript, hashBytes[this.hash]);
  }
}
