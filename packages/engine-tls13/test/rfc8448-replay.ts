// What both sides' replays of RFC 8448 have in common: the draws, the injected messages, the recorded signatures.
import { createHash } from 'node:crypto';
import type { Limits } from '@rxtls/core/engine';
import type { Credentials } from '../src/certificate/load-credentials.ts';
import { parseCertificate } from '../src/certificate/parse-certificate.ts';
import type { Signer } from '../src/certificate/signer.ts';
import { cipherSuite } from '../src/crypto/cipher-suite.ts';
import type { CryptoProvider, RandomBytes } from '../src/crypto/crypto-provider.ts';
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { RecordProtection } from '../src/record/record-protection.ts';
import { trace, type TraceName } from './data/rfc8448.ts';
import { joined, records } from './replay-end.ts';

export const providers: readonly CryptoProvider[] = [nodeCrypto, nobleCrypto];
export const certificates = trace('certificates');

/** The traces' RSA keys have 1024 bits, and are taken nowhere else. */
export const weakKeys: Partial<Limits> = { minRsaKeyBits: 1_024 };

/** The traces' clock, in milliseconds since 1970. */
export const clockOf = (name: TraceName): number =>
  Number(`0x${Buffer.from(trace(name).get('clock')).toString('hex')}`);

/**
 * The draws of a trace by their labels, in the order of the trace. What else is drawn fails the test, but for `ours`: what
 * stands in bytes that the trace's replace.
 */
export function draws(
  bytes: Uint8Array,
  labels: readonly (readonly [label: string, length: number])[],
  ours: readonly string[] = [],
): RandomBytes {
  const given = new Map<string, Uint8Array>();
  let at = 0;
  for (const [label, length] of labels) {
    given.set(label, bytes.slice(at, at + length));
    at += length;
  }
  if (at > bytes.length) throw new Error(`the trace draws ${bytes.length} bytes, not ${at}`);
  return (length, label) => {
    const drawn = given.get(label);
    given.delete(label);
    if (drawn === undefined && ours.includes(label)) return new Uint8Array(length);
    if (drawn?.length !== length) throw new Error(`${length} bytes for ${label}, which the trace does not draw`);
    return drawn;
  };
}

/** What a trace has signed: RSA-PSS and ECDSA draw, so that nobody can sign the same again. */
export interface Recorded {
  readonly certificate: Uint8Array;
  readonly scheme: 'rsa_pss_rsae_sha256' | 'ecdsa_secp256r1_sha256';
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export const recorded = (name: TraceName, role: 'client' | 'server'): Recorded => {
  const { get } = trace(name);
  const isEcdsa = name === 'client-authentication' && role === 'server';
  return {
    certificate: certificates.get(isEcdsa ? 'server-certificate-client-authentication' : `${role}-certificate`),
    scheme: isEcdsa ? 'ecdsa_secp256r1_sha256' : 'rsa_pss_rsae_sha256',
    message: get(`${role}-message-to-sign`),
    signature: get(`${role}-message-signature`),
  };
};

function signatureOf({ message, signature }: Recorded, content: Uint8Array): Uint8Array {
  if (Buffer.compare(content, message) !== 0) throw new Error(`the trace does not sign ${hex(content)}`);
  return signature;
}

/** A key that has signed what the trace says, and signs nothing else. It answers later, in a second flight. */
export const recordedSigner = (of: Recorded): Signer => ({
  schemes: [of.scheme],
  sign: (_, content) => signatureOf(of, content),
});

/** The same at once, in one flight as in the trace: a provider all of whose keys are that one. */
export const withRecordedKey = (crypto: CryptoProvider, of: Recorded): CryptoProvider => ({
  ...crypto,
  privateKey: () => ({
    type: of.scheme === 'rsa_pss_rsae_sha256' ? 'rsa' : 'p256',
    publicKeyInfo: parseCertificate(of.certificate).publicKeyInfo,
    sign: (_, content) => signatureOf(of, content),
  }),
});

/** Credentials of which withRecordedKey brings the key. */
export const recordedCredentials = (of: Recorded): Credentials => ({
  cert: of.certificate,
  key: Uint8Array.of(0x30),
});

/**
 * A provider that takes a cookie or ticket of the trace, which nobody here can open, for the first that it has sealed
 * itself. Of the traces' suites none seals with ChaCha20-Poly1305; our tickets and cookies always do.
 */
export function takingForeignSeals(
  crypto: CryptoProvider,
  change: (content: Uint8Array) => Uint8Array = (content) => content,
): CryptoProvider {
  const nameBytes = 16;
  let sealed: Uint8Array | undefined;
  return {
    ...crypto,
    equal: (one, other) => one.length === nameBytes || crypto.equal(one, other),
    recordKey: (suite, key) => {
      const own = crypto.recordKey(suite, key);
      if (suite.isAesGcm) return own;
      return {
        seal: (nonce, header, content, ...rest) => {
          sealed ??= Uint8Array.from(content);
          own.seal(nonce, header, content, ...rest);
        },
        open: () => sealed && change(Uint8Array.from(sealed)),
        wipe: () => own.wipe(),
      };
    },
  };
}

/** The handshake bytes of the protected records of a flight, opened by a secret that an engine has logged. */
export function opened(crypto: CryptoProvider, secret: Uint8Array, flight: Uint8Array): Uint8Array {
  const protection = new RecordProtection(crypto, cipherSuite.TLS_AES_128_GCM_SHA256, secret, 0);
  return joined(
    records(flight)
      .filter(([type]) => type === 23)
      .map((record) => {
        const inner = protection.open(record, 0x4001);
        if (inner === undefined) throw new Error('a record does not open');
        return Uint8Array.from(inner.content);
      }),
  );
}

/** Handshake messages in a run of them. */
export function messages(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + ((bytes[at + 1] ?? 0) << 16) + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0);
    found.push(bytes.slice(at, end));
    at = end;
  }
  return found;
}

/** The handshake message in a clear record of the trace. */
export const inRecord = (record: Uint8Array): Uint8Array => record.subarray(5);

/** The server's flight behind its ServerHello, message by message. */
export const serverFlight = (name: TraceName): Uint8Array => {
  const { has, get } = trace(name);
  return joined(
    [
      'encrypted-extensions',
      'certificate-request',
      'server-certificate',
      'server-certificate-verify',
      'server-finished',
    ]
      .map((each) => `message-${each}`)
      .filter(has)
      .map(get),
  );
};

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const sha256 = (bytes: Uint8Array): Uint8Array => Uint8Array.from(createHash('sha256').update(bytes).digest());
