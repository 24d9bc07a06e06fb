import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { type HashName, hashBytes } from '../crypto/cipher-suite.ts';
import { derivedWithoutPsk, emptyHash } from './known-values.ts';
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
  /** The secret of the last Extract; none yet in a handshake without a PSK, whose Early Secret is no secret. */
  #secret: Uint8Array | undefined;

  /** `psk`: absent in a handshake with certificates alone. */
  constructor(crypto: CryptoProvider, hash: HashName, psk?: Uint8Array) {
    this.#crypto = crypto;
    this.hash = hash;
    if (psk !== undefined) this.#secret = hkdfExtract(crypto, hash, new Uint8Array(hashBytes[hash]), psk);
  }

  /** The key that PSK binders are made with (RFC 8446 §4.2.11.2). */
  binderKey(kind: 'resumption' | 'external'): Uint8Array {
    return this.#derive(this.#secret!, kind === 'resumption' ? 'res binder' : 'ext binder', emptyHash[this.hash]);
  }

  /** `transcript`: ClientHello to ServerHello. */
  handshake(sharedSecret: Uint8Array, transcript: Uint8Array): TrafficSecrets {
    const secret = this.#extract(sharedSecret);
    return {
      client: this.#derive(secret, 'c hs traffic', transcript),
      server: this.#derive(secret, 's hs traffic', transcript),
    };
  }

  /** `transcript`: ClientHello to the server's Finished. */
  application(transcript: Uint8Array): ApplicationSecrets {
    const secret = this.#extract(new Uint8Array(hashBytes[this.hash]));
    return {
      client: this.#derive(secret, 'c ap traffic', transcript),
      server: this.#derive(secret, 's ap traffic', transcript),
      exporter: this.#derive(secret, 'exp master', transcript),
    };
  }

  /** The last step. `transcript`: ClientHello to the client's Finished. */
  resumption(transcript: Uint8Array): Uint8Array {
    const secret = this.#derive(this.#secret!, 'res master', transcript);
    this.wipe();
    return secret;
  }

  wipe(): void {
    this.#secret?.fill(0);
  }

  #extract(input: Uint8Array): Uint8Array {
    const last = this.#secret;
    const salt =
      last === undefined ? derivedWithoutPsk[this.hash] : this.#derive(last, 'derived', emptyHash[this.hash]);
    this.#secret = hkdfExtract(this.#crypto, this.hash, salt, input);
    if (last !== undefined) {
      last.fill(0);
      salt.fill(0);
    }
    return this.#secret;
  }

  /** Derive-Secret (RFC 8446 §7.1), given the hash of the messages. */
  #derive(secret: Uint8Array, label: string, transcript: Uint8Array): Uint8Array {
    return hkdfExpandLabel(this.#crypto, this.hash, secret, label, transcript, hashBytes[this.hash]);
  }
}
