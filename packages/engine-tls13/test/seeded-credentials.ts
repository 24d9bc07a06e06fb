// Keys and certificates that are the same for the same seed: Ed25519's signatures draw nothing, ECDSA's as RFC 6979 has them.
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import { bits, cnName, extension, hex, oid, pem, sanOf, seq, tlv, utc } from './certificate-pki.ts';
import { seededBytes } from './replay-end.ts';

export interface SeededCredentials {
  readonly cert: string;
  readonly key: string;
}

const kinds = {
  ed25519: {
    signature: 'ed25519',
    algorithm: seq(oid('1.3.101.112')),
    pkcs8: (secret: Uint8Array) => seq(hex('020100'), seq(oid('1.3.101.112')), tlv(4, tlv(4, secret))),
  },
  p256: {
    signature: 'ecdsa-sha256',
    algorithm: seq(oid('1.2.840.10045.4.3.2')),
    pkcs8: (secret: Uint8Array) =>
      seq(
        hex('020100'),
        seq(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
        tlv(4, seq(hex('020101'), tlv(4, secret))),
      ),
  },
} as const;

/** A key and a certificate for that name that signs itself, a day before and after `now`. */
export function seededCredentials(
  kind: keyof typeof kinds,
  seed: number,
  name: string,
  now: number,
): SeededCredentials {
  const { signature, algorithm, pkcs8 } = kinds[kind];
  const der = pkcs8(seededBytes(seed)(32, 'private key'));
  const key = nobleCrypto.privateKey(der);
  const day = 86_400_000;
  const tbs = seq(
    tlv(0xa0, hex('020102')),
    hex('020101'),
    algorithm,
    cnName(name),
    seq(utc(now - day), utc(now + day)),
    cnName(name),
    Buffer.from(key.publicKeyInfo),
    tlv(0xa3, seq(extension('2.5.29.17', sanOf([name])))),
  );
  return { cert: pem(seq(tbs, algorithm, bits(key.sign(signature, tbs)))), key: pem(der, 'PRIVATE KEY') };
}
