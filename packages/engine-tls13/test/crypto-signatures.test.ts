// Signatures by both providers: published values, each other's, node:crypto's, and forgeries.
import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  type RSAPSSKeyPairKeyObjectOptions,
  sign,
} from 'node:crypto';
import t from 'tap';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { SubjectPublicKey } from '../src/crypto/crypto-provider.ts';
import type { SignatureAlgorithm } from '../src/crypto/signature-scheme.ts';
import { ascii, hex, providers, rsaSubject, subjectOf, toHex } from './crypto-subject.ts';

const message = ascii('what is signed');
const hashes = ['sha256', 'sha384', 'sha512'] as const;
const all: readonly SignatureAlgorithm[] = [
  ...hashes.map((hash) => `ecdsa-${hash}` as const),
  ...hashes.map((hash) => `rsa-pkcs1-${hash}` as const),
  ...hashes.map((hash) => `rsa-pss-${hash}` as const),
  'ed25519',
];
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING };
const bigint = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const bytesOf = (value: bigint, length: number): Uint8Array => hex(value.toString(16).padStart(2 * length, '0'));
const own = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

/** A key of id-RSASSA-PSS with parameters of its own: SHA-256, that mask generation, that least salt. */
function restricted(mgf1HashAlgorithm: string, saltLength: number): { publicKey: KeyObject; privateKey: KeyObject } {
  const options: object = { modulusLength: 2048, hashAlgorithm: 'sha256', mgf1HashAlgorithm, saltLength };
  // The types want the salt as text, which the function refuses
  return generateKeyPairSync('rsa-pss', options as RSAPSSKeyPairKeyObjectOptions);
}

/** 2049 bits: PSS's encoding is a byte shorter than the modulus. */
const keys = {
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ed25519: generateKeyPairSync('ed25519'),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa odd': generateKeyPairSync('rsa', { modulusLength: 2049 }),
  'rsa-pss': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
  'rsa-pss sha256': restricted('sha256', 32),
};
/** Typed as its interface: the overloads of the library do not speak of `rsa-pss`. */
const pairs = Object.entries(keys) as readonly (readonly [string, { publicKey: KeyObject; privateKey: KeyObject }])[];
const mayDo = (name: string, algorithm: SignatureAlgorithm): boolean =>
  ({
    p256: /^ecdsa/,
    p384: /^ecdsa/,
    ed25519: /^ed25519/,
    rsa: /^rsa/,
    'rsa odd': /^rsa/,
    'rsa-pss': /^rsa-pss/,
    'rsa-pss sha256': /^rsa-pss-sha256/,
  })[name]!.test(algorithm);

/** What node:crypto says, whatever the providers do. */
function reference(algorithm: SignatureAlgorithm, key: KeyObject): Uint8Array {
  const hash = /sha\d+/.exec(algorithm)?.[0] ?? null;
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return own(sign(hash, message, algorithm.includes('pss') ? { key, ...pss, saltLength } : key));
}

const verifies = (subject: SubjectPublicKey, algorithm: SignatureAlgorithm, signature: Uint8Array, text = message) =>
  providers.map((crypto) => crypto.publicKey(subject).verify(algorithm, text, signature));
const [yes, no] = [
  [true, true],
  [false, false],
];

t.test('every key verifies what it signed, by every algorithm of its type and by no other', async (t) => {
  for (const [name, { publicKey, privateKey }] of pairs) {
    const subject = subjectOf(publicKey);
    for (const algorithm of all) {
      if (!mayDo(name, algorithm)) {
        t.same(verifies(subject, algorithm, new Uint8Array(256)), no);
        continue;
      }
      const signature = reference(algorithm, privateKey);
      t.same(verifies(subject, algorithm, signature), yes, `${name}, ${algorithm}`);
      t.same(verifies(subject, algorithm, signature, ascii('another')), no);
      for (const other of all)
        if (other !== algorithm) t.same(verifies(subject, other, signature), no, `${algorithm} is not ${other}`);
      for (const [otherName, { publicKey }] of pairs)
        if (otherName !== name) t.same(verifies(subjectOf(publicKey), algorithm, signature), no, `nor of ${otherName}`);
      for (const at of [0, 1, 5, signature.length >> 1, signature.length - 1]) {
        const touched = signature.slice();
        touched[at]! ^= 1;
        t.same(verifies(subject, algorithm, touched), no, `byte ${at}`);
      }
      for (const wrong of [signature.slice(1), signature.slice(0, -1), [0, ...signature], [...signature, 0], []])
        t.same(verifies(subject, algorithm, Uint8Array.from(wrong)), no, `${wrong.length} bytes`);
    }
  }
});

t.test('OpenSSL signs with the larger s half of the time: many signatures', async (t) => {
  for (const name of ['p256', 'p384'] as const) {
    const subject = subjectOf(keys[name].publicKey);
    for (let round = 0; round < 12; round += 1)
      t.same(verifies(subject, 'ecdsa-sha384', reference('ecdsa-sha384', keys[name].privateKey)), yes);
  }
});

t.test('private keys: one provider signs, the other verifies', async (t) => {
  for (const [name, { publicKey, privateKey }] of pairs)
    for (const crypto of providers) {
      const der = own(privateKey.export({ type: 'pkcs8', format: 'der' }));
      if (crypto.name === 'noble' && name.startsWith('rsa')) {
        t.throws(() => crypto.privateKey(der), { name: 'ApiMisuseError', message: /signature task/ });
        continue;
      }
      const signer = crypto.privateKey(der);
      t.equal(signer.type, name.split(' ')[0]);
      t.same(signer.publicKeyInfo, own(publicKey.export({ type: 'spki', format: 'der' })));
      t.equal(Object.getPrototypeOf(signer.publicKeyInfo), Uint8Array.prototype);
      for (const algorithm of all)
        if (mayDo(name, algorithm)) {
          const signature = signer.sign(algorithm, message);
          t.equal(Object.getPrototypeOf(signature), Uint8Array.prototype);
          t.same(verifies(subjectOf(publicKey), algorithm, signature), yes, `${crypto.name} ${name} ${algorithm}`);
        } else t.throws(() => signer.sign(algorithm, message), ApiMisuseError);
    }
});

t.test('published values', async (t) => {
  const text = ascii('sample');
  const pkcs8 = (prefix: string, secret: string): Uint8Array => hex(prefix + secret);
  const ecKeys = {
    'ecdsa-sha256': pkcs8(
      '304102010030130607 2a8648ce3d0201 06082a8648ce3d030107 0427 3025020101 0420',
      'C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721',
    ),
    'ecdsa-sha384': pkcs8(
      '304e020100301006072a8648ce3d020106052b81040022 0437 3035020101 0430',
      '6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5',
    ),
  } as const;
  const want = {
    'ecdsa-sha256': [
      'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716',
      'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
    ],
    'ecdsa-sha384': [
      '94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46',
      '99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8',
    ],
  } as const;
  for (const algorithm of ['ecdsa-sha256', 'ecdsa-sha384'] as const) {
    const [r, s] = want[algorithm].map((each) => BigInt(`0x${each}`)) as [bigint, bigint];
    const signer = providers[1]!.privateKey(ecKeys[algorithm]);
    const der = signer.publicKeyInfo;
    const known: SubjectPublicKey =
      algorithm === 'ecdsa-sha256'
        ? { type: 'p256', der, point: der.slice(-65) }
        : { type: 'p384', der, point: der.slice(-97) };
    t.same(verifies(known, algorithm, signatureDer(r, s), text), yes, `RFC 6979 §A.2: ${algorithm}`);
    const order = orders[algorithm];
    t.same(
      signer.sign(algorithm, text),
      signatureDer(r, s > order / 2n ? order - s : s),
      'noble signs so, with the smaller s',
    );
  }
  const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const signature =
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
  for (const crypto of providers) {
    const signer = crypto.privateKey(hex(`302e020100300506032b657004220420${seed}`));
    t.equal(
      toHex(signer.publicKeyInfo.slice(-32)),
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      'RFC 8032 §7.1, test 1',
    );
    t.equal(toHex(signer.sign('ed25519', new Uint8Array())), signature);
  }
});

const orders = {
  'ecdsa-sha256': 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  'ecdsa-sha384': 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
} as const;

/** The shortest two's complement. */
const integer = (value: bigint): Uint8Array => {
  const text = value.toString(16);
  const even = text.length % 2 === 0 ? text : `0${text}`;
  return hex(Number.parseInt(even.slice(0, 2), 16) > 127 ? `00${even}` : even);
};
const tlv = (tag: number, ...values: readonly Uint8Array[]): Uint8Array => {
  const value = Uint8Array.from(values.flatMap((each) => [...each]));
  return Uint8Array.from([tag, ...(value.length < 128 ? [value.length] : [0x81, value.length]), ...value]);
};
const signatureDer = (r: bigint, s: bigint): Uint8Array => tlv(0x30, tlv(2, integer(r)), tlv(2, integer(s)));

t.test('ECDSA signatures are DER of two numbers in range, and nothing else', async (t) => {
  const subject = subjectOf(keys.p256.publicKey);
  const raw = sign('sha256', message, { key: keys.p256.privateKey, dsaEncoding: 'ieee-p1363' });
  const [r, s] = [bigint(raw.subarray(0, 32)), bigint(raw.subarray(32))];
  const n = orders['ecdsa-sha256'];
  t.same(verifies(subject, 'ecdsa-sha256', signatureDer(r, s)), yes);
  t.same(verifies(subject, 'ecdsa-sha256', signatureDer(r, n - s)), yes, 'ECDSA itself is malleable');
  const [R, S] = [integer(r), integer(s)];
  const zeroBefore = (bytes: Uint8Array): Uint8Array => Uint8Array.from([0, ...bytes]);
  const good = signatureDer(r, s);
  const bad: Readonly<Record<string, Uint8Array>> = {
    'r is 0': signatureDer(0n, s),
    's is 0': signatureDer(r, 0n),
    'both are 0': signatureDer(0n, 0n),
    'r is 1 and s is 1': signatureDer(1n, 1n),
    'r is n': signatureDer(n, s),
    's is n': signatureDer(r, n),
    'r + n': signatureDer(r + n, s),
    's + n': signatureDer(r, s + n),
    'r + 2^256': signatureDer(r + (1n << 256n), s),
    'negative r': tlv(0x30, tlv(2, bytesOf((1n << 264n) - r, 33)), tlv(2, S)),
    'r not shortest': tlv(0x30, tlv(2, zeroBefore(R)), tlv(2, S)),
    's not shortest': tlv(0x30, tlv(2, R), tlv(2, zeroBefore(S))),
    'long form of a short length': Uint8Array.from([0x30, 0x81, ...good.subarray(1)]),
    'indefinite length': Uint8Array.from([0x30, 0x80, ...good.subarray(2), 0, 0]),
    'something behind': Uint8Array.from([...good, 5, 0]),
    'something inside': tlv(0x30, tlv(2, R), tlv(2, S), tlv(5)),
    'one number': tlv(0x30, tlv(2, R)),
    'empty numbers': tlv(0x30, tlv(2), tlv(2)),
    'a set': tlv(0x31, tlv(2, R), tlv(2, S)),
    'octets for r': tlv(0x30, tlv(4, R), tlv(2, S)),
    'raw numbers': own(raw),
    huge: tlv(0x30, tlv(2, R), tlv(2, new Uint8Array(150).fill(1))),
  };
  for (const [name, signature] of Object.entries(bad)) t.same(verifies(subject, 'ecdsa-sha256', signature), no, name);
});

t.test('public keys that are none verify nothing', async (t) => {
  for (const type of ['p256', 'p384'] as const) {
    const good = subjectOf(keys[type].publicKey) as Extract<SubjectPublicKey, { point: Uint8Array }>;
    const signature = reference('ecdsa-sha256', keys[type].privateKey);
    const half = (good.point.length - 1) / 2;
    const last = good.point.slice();
    last[last.length - 1]! ^= 1;
    const points = {
      'off the curve': last,
      compressed: Uint8Array.from([2 + (good.point.at(-1)! & 1), ...good.point.subarray(1, 1 + half)]),
      hybrid: Uint8Array.from([6 + (good.point.at(-1)! & 1), ...good.point.subarray(1)]),
      infinity: new Uint8Array(1),
      'zero and zero': Uint8Array.from([4, ...new Uint8Array(2 * half)]),
      'of another curve': subjectOf(keys[type === 'p256' ? 'p384' : 'p256'].publicKey).der.slice(-good.point.length),
    };
    for (const [name, point] of Object.entries(points)) {
      const der = Uint8Array.from([...good.der.subarray(0, -good.point.length), ...point]);
      t.same(verifies({ ...good, point, der }, 'ecdsa-sha256', signature), no, `${type}: ${name}`);
    }
  }
  const ed = subjectOf(keys.ed25519.publicKey) as Extract<SubjectPublicKey, { raw: Uint8Array }>;
  const signature = reference('ed25519', keys.ed25519.privateKey);
  for (const raw of [ed.raw.slice(1), Uint8Array.from([...ed.raw, 0]), new Uint8Array()])
    t.same(verifies({ ...ed, raw }, 'ed25519', signature), no, `${raw.length} bytes`);
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const s = bigint(signature.slice(32).reverse()) + order;
  t.same(
    verifies(ed, 'ed25519', Uint8Array.from([...signature.subarray(0, 32), ...bytesOf(s, 32).reverse()])),
    no,
    'RFC 8032 §5.1.7: S has to be below the order',
  );
});

t.test('RSA: numbers out of range', async (t) => {
  const good = subjectOf(keys['rsa odd'].publicKey) as Extract<SubjectPublicKey, { modulus: Uint8Array }>;
  const signature = reference('rsa-pkcs1-sha256', keys['rsa odd'].privateKey);
  t.same(verifies(good, 'rsa-pkcs1-sha256', signature), yes);
  const n = bigint(good.modulus);
  const length = good.modulus.length;
  t.same(
    verifies(good, 'rsa-pkcs1-sha256', bytesOf(bigint(signature) + n, length)),
    no,
    'a signature plus the modulus',
  );
  for (const value of [0n, 1n, n - 1n, n])
    t.same(
      verifies(good, 'rsa-pkcs1-sha256', bytesOf(value, length)),
      no,
      value < 2n ? `${value}` : `n - ${n - value}`,
    );
  const withKey = (modulus: Uint8Array, exponent: Uint8Array): boolean[] =>
    verifies(rsaSubject('rsa', modulus, exponent), 'rsa-pkcs1-sha256', signature);
  t.same(withKey(good.modulus, good.exponent), yes);
  t.same(withKey(Uint8Array.from([0, ...good.modulus]), good.exponent), no, 'a leading zero');
  t.same(withKey(new Uint8Array(), good.exponent), no);
  t.same(withKey(good.modulus, new Uint8Array()), no);
  t.same(withKey(good.modulus, hex('010002')), no, 'an even exponent');
  t.same(withKey(good.modulus, hex('010000000000000001')), no, 'an exponent of 65 bits');
  t.same(withKey(bytesOf(n - 1n, length), good.exponent), no, 'an even modulus');
});

/** What e = 1 and e = 3 sign without a private key, when the padding is not looked at to its end. */
t.test('RSA: forgeries for small exponents', async (t) => {
  const { modulus } = subjectOf(keys.rsa.publicKey) as Extract<SubjectPublicKey, { modulus: Uint8Array }>;
  const digest = providers[0]!.sha256(message);
  const info = Uint8Array.from([...hex('3031300d060960864801650304020105000420'), ...digest]);
  const encoded = Uint8Array.from([0, 1, ...new Uint8Array(256 - 3 - info.length).fill(255), 0, ...info]);
  t.same(
    verifies(rsaSubject('rsa', modulus, hex('01')), 'rsa-pkcs1-sha256', encoded),
    no,
    'e = 1: the encoding itself',
  );
  const start = Uint8Array.from([0, 1, ...new Uint8Array(8).fill(255), 0, ...info]);
  const target = bigint(start) << BigInt(8 * (256 - start.length));
  let [low, high] = [0n, 1n << 700n];
  while (low < high) {
    const middle = (low + high) / 2n;
    if (middle ** 3n < target) low = middle + 1n;
    else high = middle;
  }
  const cube = bytesOf(low ** 3n, 256);
  t.same(cube.subarray(0, start.length), start, 'the forgery begins like a signature, with garbage after the hash');
  t.same(verifies(rsaSubject('rsa', modulus, hex('03')), 'rsa-pkcs1-sha256', bytesOf(low, 256)), no);
});

t.test('RSA: PKCS #1 paddings that are not the one', async (t) => {
  const { publicKey, privateKey } = keys.rsa;
  const subject = subjectOf(publicKey) as Extract<SubjectPublicKey, { modulus: Uint8Array }>;
  const digest = [...providers[0]!.sha256(message)];
  const prefix = [...hex('3031300d060960864801650304020105000420')];
  const build = (info: readonly number[], kind = 1, filler = 255): Uint8Array =>
    Uint8Array.from([0, kind, ...new Uint8Array(253 - info.length).fill(filler), 0, ...info]);
  const signed = (encoded: Uint8Array): Uint8Array => own(privateRaw(privateKey, encoded));
  t.same(verifies(subject, 'rsa-pkcs1-sha256', signed(build([...prefix, ...digest]))), yes, 'this is how it is made');
  const bad: Readonly<Record<string, Uint8Array>> = {
    'without NULL': build([...hex('302f300b0609608648016503040201 0420'), ...digest]),
    'no DigestInfo': build(digest),
    'another algorithm': build([...prefix.slice(0, 14), 2, ...prefix.slice(15), ...digest]),
    'long form of a length': build([0x30, 0x81, ...prefix.slice(1), ...digest]),
    'block type 2': build([...prefix, ...digest], 2, 0x55),
    'block type 0': build([...prefix, ...digest], 0, 0),
    'other filler': build([...prefix, ...digest], 1, 254),
    'short padding': Uint8Array.from([
      0,
      1,
      ...new Uint8Array(8).fill(255),
      0,
      ...prefix,
      ...digest,
      ...new Uint8Array(194),
    ]),
    'a byte behind': Uint8Array.from([
      ...build([...prefix, ...digest]).subarray(0, 2),
      ...build([...prefix, ...digest]).subarray(3),
      0,
    ]),
  };
  for (const [name, encoded] of Object.entries(bad)) {
    t.equal(encoded.length, 256, name);
    t.same(verifies(subject, 'rsa-pkcs1-sha256', signed(encoded)), no, name);
  }
});

t.test('RSA: PSS with other salts, other masks, other keys', async (t) => {
  for (const name of ['rsa', 'rsa odd', 'rsa-pss'] as const) {
    const { publicKey, privateKey } = keys[name] as { publicKey: KeyObject; privateKey: KeyObject };
    for (const saltLength of [0, 20, 31, 33, 64, 200])
      t.same(
        verifies(
          subjectOf(publicKey),
          'rsa-pss-sha256',
          own(sign('sha256', message, { key: privateKey, ...pss, saltLength })),
        ),
        no,
        `${name}: a salt of ${saltLength} bytes`,
      );
  }
  const masked = restricted('sha512', 32);
  const signature = own(sign('sha256', message, { key: masked.privateKey, ...pss, saltLength: 32 }));
  t.same(verifies(subjectOf(masked.publicKey), 'rsa-pss-sha256', signature), no, "the key's own mask generation");
  const subject = subjectOf(keys['rsa-pss sha256'].publicKey);
  t.same(verifies(subject, 'rsa-pss-sha256', reference('rsa-pss-sha256', keys['rsa-pss sha256'].privateKey)), yes);
  const salted = restricted('sha256', 64);
  t.same(
    verifies(
      subjectOf(salted.publicKey),
      'rsa-pss-sha256',
      own(sign('sha256', message, { key: salted.privateKey, ...pss, saltLength: 64 })),
    ),
    no,
    'a key that wants a longer salt',
  );
});

t.test('RSA: a modulus too large costs nothing', async (t) => {
  const modulus = new Uint8Array(2048).fill(255);
  const before = process.cpuUsage();
  t.same(
    verifies(rsaSubject('rsa', modulus, hex('ffffffffffffffff')), 'rsa-pss-sha256', modulus.slice().fill(1, 0, 1)),
    no,
  );
  t.same(
    verifies(rsaSubject('rsa', modulus.subarray(0, 1025), hex('03')), 'rsa-pss-sha256', modulus.slice(0, 1025)),
    no,
  );
  t.ok(process.cpuUsage(before).user < 200_000);
  t.same(
    verifies(rsaSubject('rsa', hex('0f'), hex('03')), 'rsa-pkcs1-sha256', hex('01')),
    no,
    'and one too small is no error',
  );
  t.same(verifies(rsaSubject('rsa', hex('0f'), hex('03')), 'rsa-pss-sha512', hex('01')), no);
});

/** RSADP without any padding. */
function privateRaw(key: KeyObject, encoded: Uint8Array): Uint8Array {
  return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}
