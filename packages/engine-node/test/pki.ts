// A throw-away PKI made byte by byte: the vectors here (a NUL in a name, a name in the CN only) are what libraries refuse to make.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const der = (tag: number, ...parts: (Uint8Array | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const n = content.length;
  const size = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const seq = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (text: string): Buffer => {
  const [a = 0, b = 0, ...rest] = text.split('.').map(Number);
  const bytes = [a * 40 + b];
  for (const arc of rest) {
    const groups = [arc & 127];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return der(6, Buffer.from(bytes));
};
const time = (ms: number): Buffer => der(24, new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ''));
const name = (cn: string): Buffer => seq(der(0x31, seq(oid('2.5.4.3'), der(12, cn))));
const bitString = (bytes: Uint8Array): Buffer => der(3, Buffer.from([0]), bytes);
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  critical ? seq(oid(id), der(1, Buffer.from([255])), der(4, value)) : seq(oid(id), der(4, value));

export type KeyKind = 'rsa' | 'rsa1024' | 'ecdsa' | 'ed25519';
export interface Issued {
  readonly cn: string;
  readonly der: Buffer;
  readonly pem: string;
  readonly key: KeyObject;
  readonly keyPem: string;
  readonly publicKey: KeyObject;
  readonly issuers: readonly Issued[];
}
export interface Wish {
  readonly cn?: string;
  readonly issuer?: Issued;
  readonly kind?: KeyKind;
  /** The key of another, instead of a new one. */
  readonly key?: Issued;
  readonly ca?: boolean;
  readonly dns?: readonly string[];
  readonly ips?: readonly (readonly number[])[];
  readonly usage?: 'serverAuth' | 'clientAuth' | 'codeSigning';
  readonly from?: number;
  readonly to?: number;
}

const usages = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2', codeSigning: '1.3.6.1.5.5.7.3.3' };
const keyPair = (kind: KeyKind): { publicKey: KeyObject; privateKey: KeyObject } => {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'rsa1024') return generateKeyPairSync('rsa', { modulusLength: 1024 });
  if (kind === 'ecdsa') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('ed25519');
};
const algorithm = (key: KeyObject): Buffer => {
  if (key.asymmetricKeyType === 'rsa') return seq(oid('1.2.840.113549.1.1.11'), der(5));
  if (key.asymmetricKeyType === 'ec') return seq(oid('1.2.840.10045.4.3.2'));
  return seq(oid('1.3.101.112'));
};

let serial = 1;
const day = 24 * 3600 * 1000;

export function issue(wish: Wish = {}): Issued {
  const { publicKey, privateKey } =
    wish.key === undefined
      ? keyPair(wish.kind ?? 'ecdsa')
      : { publicKey: wish.key.publicKey, privateKey: wish.key.key };
  const cn = wish.cn ?? `certificate ${serial}`;
  const signer = wish.issuer?.key ?? privateKey;
  const names = [
    ...(wish.dns ?? []).map((text) => der(0x82, text)),
    ...(wish.ips ?? []).map((ip) => der(0x87, Buffer.from(ip))),
  ];
  const keyId = (key: KeyObject): Buffer =>
    createHash('sha1')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest();
  const extensions = [
    extension('2.5.29.14', der(4, keyId(publicKey))),
    extension('2.5.29.35', seq(der(0x80, keyId(wish.issuer?.publicKey ?? publicKey)))),
    ...(wish.ca ? [extension('2.5.29.19', seq(der(1, Buffer.from([255]))), true)] : []),
    ...(wish.ca ? [extension('2.5.29.15', der(3, Buffer.from([1, 0b110])), true)] : []),
    ...(names.length > 0 ? [extension('2.5.29.17', seq(...names))] : []),
    ...(wish.usage === undefined ? [] : [extension('2.5.29.37', seq(oid(usages[wish.usage])))]),
  ];
  const tbs = seq(
    der(0xa0, der(2, Buffer.from([2]))),
    der(2, Buffer.from([0x40, ++serial >> 8, serial & 255])),
    algorithm(signer),
    name(wish.issuer?.cn ?? cn),
    seq(time(wish.from ?? Date.now() - day), time(wish.to ?? Date.now() + 30 * day)),
    name(cn),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, seq(...extensions)),
  );
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : 'sha256', tbs, signer);
  const bytes = seq(tbs, algorithm(signer), bitString(signature));
  const issuers = wish.issuer === undefined ? [] : [wish.issuer, ...wish.issuer.issuers];
  const pem = `-----BEGIN CERTIFICATE-----\n${bytes
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END CERTIFICATE-----\n`;
  return {
    cn,
    der: bytes,
    pem,
    key: privateKey,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey,
    issuers,
  };
}

export const authority = (cn: string, issuer?: Issued): Issued =>
  issue({ cn, ca: true, ...(issuer === undefined ? {} : { issuer }) });

/** Credentials as the options take them: leaf and intermediates, without the root. */
export const credentials = (leaf: Issued): { cert: string; key: string } => ({
  cert: [leaf, ...leaf.issuers.slice(0, -1)].map((one) => one.pem).join(''),
  key: leaf.keyPem,
});

export const root = authority('rxtls test root');
export const otherRoot = authority('rxtls other root');
export const intermediate = authority('rxtls test intermediate', root);
export const host = issue({ issuer: root, dns: ['host.test'], usage: 'serverAuth' });
export const hostRsa = issue({ issuer: root, dns: ['host.test'], usage: 'serverAuth', kind: 'rsa' });
export const client = issue({ cn: 'client', issuer: root, usage: 'clientAuth' });
