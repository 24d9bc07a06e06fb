// Certificates made byte by byte: most of what is needed here no library makes. And a provider that counts.
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { defaultLimits } from '@rxtls/core/engine';
import { referenceIdentity } from '@rxtls/core/engine-parts';
import { type ChainRules, judgeChain } from '../src/certificate/judge-chain.ts';
import { trustAnchors } from '../src/certificate/trust-anchors.ts';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';

export const tlv = (tag: number, ...parts: (Uint8Array | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const n = content.length;
  const size =
    n < 128
      ? [n]
      : n < 256
        ? [0x81, n]
        : n < 65_536
          ? [0x82, n >> 8, n & 255]
          : [0x83, n >> 16, (n >> 8) & 255, n & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
export const seq = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts);
export const hex = (text: string): Buffer => Buffer.from(text.replace(/ /g, ''), 'hex');
export const oid = (text: string): Buffer => {
  const [a = 0, b = 0, ...rest] = text.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [a * 40 + b, ...rest]) {
    const groups = [arc & 127];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return tlv(6, Buffer.from(bytes));
};
export const generalized = (ms: number): Buffer => tlv(0x18, new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ''));
export const utc = (ms: number): Buffer =>
  tlv(
    0x17,
    new Date(ms)
      .toISOString()
      .slice(2)
      .replace(/[-:T]|\.\d+/g, ''),
  );
export const attribute = (id: string, text: string, tag = 0x0c): Buffer => tlv(0x31, seq(oid(id), tlv(tag, text)));
export const cnName = (cn: string, ...more: Buffer[]): Buffer => seq(...more, attribute('2.5.4.3', cn));
export const bits = (...bytes: Uint8Array[]): Buffer => tlv(3, Buffer.from([0]), ...bytes);
export const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  seq(oid(id), ...(critical ? [hex('0101ff')] : []), tlv(4, value));

export type KeyKind = 'p256' | 'p384' | 'p521' | 'rsa' | 'rsa1024' | 'rsa16384' | 'rsa-pss' | 'ed25519' | 'ed448';
interface Keys {
  readonly spki: Buffer;
  /** Missing where only the public half was made up. */
  readonly secret: KeyObject | undefined;
}
const rsaSpki = (modulus: Buffer): Buffer =>
  seq(seq(oid('1.2.840.113549.1.1.1'), hex('0500')), bits(seq(tlv(2, modulus), hex('0203010001'))));
const pair = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Keys => ({
  spki: publicKey.export({ type: 'spki', format: 'der' }),
  secret: privateKey,
});
const makeKeys: Record<KeyKind, () => Keys> = {
  p256: () => pair(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  p384: () => pair(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  p521: () => pair(generateKeyPairSync('ec', { namedCurve: 'P-521' })),
  rsa: () => pair(generateKeyPairSync('rsa', { modulusLength: 2048 })),
  rsa1024: () => pair(generateKeyPairSync('rsa', { modulusLength: 1024 })),
  // Made up: to find one takes minutes, and nothing may be verified with it.
  rsa16384: () => ({ spki: rsaSpki(Buffer.concat([Buffer.from([0]), Buffer.alloc(2048, 0xc5)])), secret: undefined }),
  'rsa-pss': () => pair(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
  ed25519: () => pair(generateKeyPairSync('ed25519')),
  ed448: () => pair(generateKeyPairSync('ed448')),
};
export const keys = (kind: KeyKind): Keys => makeKeys[kind]();

const pss = (hash: string, salt: number): Buffer => {
  const hashId = seq(oid(hash), hex('0500'));
  return seq(
    oid('1.2.840.113549.1.1.10'),
    seq(tlv(0xa0, hashId), tlv(0xa1, seq(oid('1.2.840.113549.1.1.8'), hashId)), tlv(0xa2, tlv(2, Buffer.from([salt])))),
  );
};
/** Signature algorithms as they stand in a certificate. */
export const algorithms = {
  'ecdsa-sha1': seq(oid('1.2.840.10045.4.1')),
  'ecdsa-sha256': seq(oid('1.2.840.10045.4.3.2')),
  'ecdsa-sha384': seq(oid('1.2.840.10045.4.3.3')),
  'ecdsa-sha512': seq(oid('1.2.840.10045.4.3.4')),
  'rsa-md5': seq(oid('1.2.840.113549.1.1.4'), hex('0500')),
  'rsa-sha1': seq(oid('1.2.840.113549.1.1.5'), hex('0500')),
  'rsa-pkcs1-sha256': seq(oid('1.2.840.113549.1.1.11'), hex('0500')),
  'rsa-pkcs1-sha384': seq(oid('1.2.840.113549.1.1.12'), hex('0500')),
  'rsa-pkcs1-sha512': seq(oid('1.2.840.113549.1.1.13'), hex('0500')),
  'rsa-pss-sha256': pss('2.16.840.1.101.3.4.2.1', 32),
  'rsa-pss-sha384': pss('2.16.840.1.101.3.4.2.2', 48),
  'rsa-pss-sha512': pss('2.16.840.1.101.3.4.2.3', 64),
  'rsa-pss-salt': pss('2.16.840.1.101.3.4.2.1', 20),
  ed25519: seq(oid('1.3.101.112')),
  ed448: seq(oid('1.3.101.113')),
} as const;
export type Algorithm = keyof typeof algorithms;

export const sanOf = (
  dns: readonly string[] = [],
  ips: readonly (readonly number[])[] = [],
  more: Buffer[] = [],
): Buffer => seq(...dns.map((text) => tlv(0x82, text)), ...ips.map((ip) => tlv(0x87, Buffer.from(ip))), ...more);

export interface Wish {
  readonly cn?: string;
  /** Name in DER. */
  readonly subject?: Buffer;
  readonly issuer?: Issued;
  readonly issuerName?: Buffer;
  readonly kind?: KeyKind;
  readonly keys?: Keys;
  readonly signedWith?: Algorithm;
  readonly innerAlgorithm?: Buffer;
  readonly ca?: boolean | number;
  /** Content of keyUsage's bit string; null leaves the extension out. */
  readonly keyUsage?: string | null;
  readonly usage?: readonly ('serverAuth' | 'clientAuth' | 'codeSigning' | 'any')[];
  readonly dns?: readonly string[];
  readonly ips?: readonly (readonly number[])[];
  readonly moreNames?: Buffer[];
  /** NameConstraints in DER. */
  readonly constraints?: Buffer;
  readonly constraintsCritical?: boolean;
  readonly extensions?: readonly Buffer[];
  readonly from?: number;
  readonly to?: number;
  readonly serial?: Buffer;
  readonly version?: Buffer;
  readonly validity?: Buffer;
  /** No extensions at all. */
  readonly bare?: boolean;
}
export interface Issued {
  readonly cn: string;
  readonly subject: Buffer;
  readonly der: Uint8Array;
  readonly tbs: Buffer;
  readonly pem: string;
  readonly keys: Keys;
}
const purposes = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
};
export const hour = 3_600_000;
export const day = 24 * hour;
export const now = Date.UTC(2030, 5, 15);

const defaultAlgorithm = (key: KeyObject | undefined): Algorithm => {
  const type = key?.asymmetricKeyType;
  if (type === 'ed25519' || type === 'ed448') return type;
  if (type === 'ec') return 'ecdsa-sha256';
  return type === 'rsa-pss' ? 'rsa-pss-sha256' : 'rsa-pkcs1-sha256';
};
const pssOptions = (algorithm: string): object =>
  algorithm.startsWith('rsa-pss')
    ? {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: algorithm.endsWith('salt') ? 20 : constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : {};
const hashOf = (algorithm: string): string | null =>
  algorithm.startsWith('ed') ? null : (/sha\d+|md5/.exec(algorithm)?.[0] ?? 'sha256');
const signed = (algorithm: Algorithm, tbs: Buffer, key: KeyObject | undefined): Buffer =>
  key === undefined
    ? Buffer.alloc(2048, 7)
    : sign(algorithm.startsWith('ed4') || algorithm === 'ed25519' ? null : hashOf(algorithm), tbs, {
        key,
        ...pssOptions(algorithm),
      });

let made = 0;
export function issue(wish: Wish = {}): Issued {
  const own = wish.keys ?? keys(wish.kind ?? 'p256');
  const cn = wish.cn ?? `certificate ${++made}`;
  const subject = wish.subject ?? cnName(cn);
  const signer = wish.issuer?.keys ?? own;
  const algorithm = wish.signedWith ?? defaultAlgorithm(signer.secret);
  const { ca = false } = wish;
  const usage = wish.keyUsage === undefined ? (ca === false ? '0780' : '0106') : wish.keyUsage;
  const extensions = [
    ...(ca === false
      ? []
      : [extension('2.5.29.19', seq(hex('0101ff'), ...(ca === true ? [] : [tlv(2, Buffer.from([ca]))])), true)]),
    ...(usage === null ? [] : [extension('2.5.29.15', tlv(3, hex(usage)), true)]),
    ...(wish.usage === undefined
      ? []
      : [extension('2.5.29.37', seq(...wish.usage.map((each) => oid(purposes[each]))))]),
    ...(wish.dns === undefined && wish.ips === undefined && wish.moreNames === undefined
      ? []
      : [extension('2.5.29.17', sanOf(wish.dns, wish.ips, wish.moreNames))]),
    ...(wish.constraints === undefined
      ? []
      : [extension('2.5.29.30', wish.constraints, wish.constraintsCritical ?? true)]),
    ...(wish.extensions ?? []),
  ];
  const tbs = seq(
    wish.version ?? (wish.bare ? Buffer.alloc(0) : hex('a003020102')),
    tlv(2, wish.serial ?? Buffer.from([0x40, ++made >> 8, made & 255])),
    wish.innerAlgorithm ?? algorithms[algorithm],
    wish.issuerName ?? wish.issuer?.subject ?? subject,
    wish.validity ?? seq(utc(wish.from ?? now - day), utc(wish.to ?? now + 30 * day)),
    subject,
    own.spki,
    ...(wish.bare ? [] : [tlv(0xa3, seq(...extensions))]),
  );
  return assemble(cn, subject, own, tbs, algorithms[algorithm], signed(algorithm, tbs, signer.secret));
}

function assemble(cn: string, subject: Buffer, keys: Keys, tbs: Buffer, algorithm: Buffer, signature: Buffer): Issued {
  const der = new Uint8Array(seq(tbs, algorithm, bits(signature)));
  return { cn, subject, der, tbs, keys, pem: pem(der) };
}

export const pem = (der: Uint8Array, label = 'CERTIFICATE'): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

/** A certificate around any tbsCertificate, signed by `issuer` with ECDSA: for what a reader must refuse whoever signed it. */
export const around = (tbs: Buffer, issuer: Issued): Uint8Array =>
  assemble(
    '',
    Buffer.alloc(0),
    issuer.keys,
    tbs,
    algorithms['ecdsa-sha256'],
    signed('ecdsa-sha256', tbs, issuer.keys.secret),
  ).der;

/** A provider that counts what it verifies, with other roots. */
export interface TestCrypto extends CryptoProvider {
  verified: number;
}
export function testCrypto(provider: CryptoProvider = nodeCrypto, roots: readonly Uint8Array[] = []): TestCrypto {
  const crypto: TestCrypto = {
    ...provider,
    verified: 0,
    publicKey: (key) => {
      const read = provider.publicKey(key);
      return {
        type: read.type,
        verify: (algorithm, message, signature) => {
          crypto.verified++;
          return read.verify(algorithm, message, signature);
        },
      };
    },
    roots: () => roots,
  };
  return crypto;
}

export interface Judging extends Partial<Omit<ChainRules, 'trust' | 'limits' | 'identity' | 'crypto'>> {
  readonly crypto?: TestCrypto;
  readonly name?: string;
  readonly limits?: Partial<ChainRules['limits']>;
}
/** `judgeChain` with these anchors: the path's DER, or the error. */
export function judge(
  shown: readonly Issued[],
  anchors: readonly Issued[],
  more: Judging = {},
): readonly Uint8Array[] | Error {
  const { name, limits, crypto = testCrypto(), ...rules } = more;
  try {
    return judgeChain(
      shown.map(({ der }) => der),
      {
        usage: 'serverAuth',
        now,
        crypto,
        trust: trustAnchors(
          anchors.map(({ der }) => der),
          'ca',
          crypto,
        ),
        ...rules,
        limits: { ...defaultLimits, ...limits },
        ...(name === undefined ? {} : { identity: referenceIdentity(name) }),
      },
    );
  } catch (error) {
    return error as Error;
  }
}
/** The verdict in one word: `ok`, the reason, or the limit. */
export function verdict(result: readonly Uint8Array[] | Error): string {
  if (!(result instanceof Error)) return 'ok';
  const { reason, limit, stack } = result as { reason?: string; limit?: string; stack?: string };
  return reason ?? limit ?? String(stack);
}
