// Key exchange by both providers, against published values, each other, and shares that are no shares.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { ApiMisuseError, EngineFailureError } from '@rxtls/core/engine';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { draws, fixed, hex, providers, toHex } from './crypto-subject.ts';

const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));
const [node] = providers as [CryptoProvider, CryptoProvider];
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** A scalar of that length. */
const scalar = (value: number, bytes: number): Uint8Array => {
  const out = new Uint8Array(bytes);
  new DataView(out.buffer).setUint32(bytes - 4, value);
  return out;
};
const order = {
  secp256r1: hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  secp384r1: hex('ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973'),
};

t.test('the post-quantum group is an addition', async (t) => {
  for (const crypto of [nodeCrypto, nobleCrypto]) {
    t.same(crypto.groups, ['x25519', 'secp256r1', 'secp384r1']);
    t.throws(() => crypto.keyShare('X25519MLKEM768', draws(1)), ApiMisuseError);
  }
  for (const crypto of providers) t.same(crypto.groups.at(-1), 'X25519MLKEM768');
});

t.test('neither provider comes with ML-KEM, and that of Node with no other library either', async (t) => {
  const imported = (file: string, seen = new Set<string>()): Set<string> => {
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/ from '([^']+)'/g)) {
      const target = specifier!.startsWith('.') ? join(dirname(file), specifier!) : specifier!;
      if (seen.has(target)) continue;
      seen.add(target);
      if (target !== specifier) imported(target, seen);
    }
    return seen;
  };
  const outside = (file: string): string[] =>
    [...imported(join(import.meta.dirname, '../src/crypto', file))].filter((each) => /^[@n]/.test(each));
  t.notOk(outside('noble/noble-crypto.ts').some((each) => /post-quantum|^node:/.test(each)));
  t.notOk(outside('node/node-crypto.ts').some((each) => each.startsWith('@noble/')));
  t.ok(outside('noble/noble-crypto.ts').includes('@noble/curves/nist.js'), 'the files are read');
  t.ok(outside('node/node-crypto.ts').includes('node:crypto'));
  t.ok(outside('noble/x25519-mlkem768.ts').some((each) => each.includes('post-quantum')));
});

t.test('the same draws give the same bytes, under the same labels, by both', async (t) => {
  for (const group of node.groups) {
    const seen = providers.map((crypto) => {
      const labels: string[] = [];
      const source = draws(7);
      const share = crypto.keyShare(group, (length, label) => {
        labels.push(`${label} ${length}`);
        return source(length, label);
      });
      const answer = crypto.keyAgreement(group, share.publicKey, (length, label) => {
        labels.push(`${label} ${length}`);
        return source(length, label);
      })!;
      const secret = share.agree(answer.publicKey);
      t.equal(share.group, group);
      t.same(secret, answer.secret, `${crypto.name} ${group}: both sides agree`);
      return [labels, share.publicKey, answer.publicKey, secret];
    });
    t.same(seen[0], seen[1], group);
    t.ok((seen[0]![0] as string[]).every((label) => label.startsWith('KeyShare.')));
  }
});

t.test('either side may be either provider', async (t) => {
  for (const group of node.groups)
    for (const client of providers)
      for (const server of providers)
        for (let round = 0; round < 4; round += 1) {
          const share = client.keyShare(group, random);
          const answer = server.keyAgreement(group, share.publicKey, random)!;
          t.same(share.agree(answer.publicKey), answer.secret, `${group}: ${client.name} with ${server.name}`);
        }
});

for (const crypto of providers) {
  t.test(`${crypto.name}: published values`, async (t) => {
    const alice = crypto.keyShare(
      'x25519',
      fixed(hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')),
    );
    t.equal(
      toHex(alice.publicKey),
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      'RFC 7748 §6.1',
    );
    t.equal(
      toHex(alice.agree(hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'))),
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    );
    const traced = crypto.keyShare(
      'x25519',
      fixed(hex('49af42ba7f7994852d713ef2784bcbcaa7911de26adc5642cb634540e7ea5005')),
    );
    t.equal(toHex(traced.publicKey), '99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c', 'RFC 8448 §3');
    t.equal(
      toHex(traced.agree(hex('c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f'))),
      '8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d',
    );
    const cavp = crypto.keyShare(
      'secp256r1',
      fixed(hex('7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534')),
    );
    t.equal(
      toHex(
        cavp.agree(
          hex(
            `04 700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287
             db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac`,
          ),
        ),
      ),
      '46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b',
      'NIST CAVP, ECC CDH P-256, count 0',
    );
  });

  t.test(`${crypto.name}: leading zeros of a secret stay`, async (t) => {
    // RFC 8446 §7.4.2: "leading zeros found in this octet string MUST NOT be truncated"
    const pairs = [
      ['secp256r1', 32, 309, '0094f4783ee8d261b5105ac71f605438100e8d84e9249f25f1a7038e438ec068'],
      [
        'secp384r1',
        48,
        19,
        '009bbd651a746032065fc9676a3d4dc7ec2176dd21ecef2b67fe71f72cd7ab95cd1fad6f0178e6250f6ab44ccdd9ffe2',
      ],
    ] as const;
    for (const [group, bytes, value, secret] of pairs) {
      const other = crypto.keyShare(group, fixed(scalar(value, bytes)));
      const own = crypto.keyShare(group, fixed(new Uint8Array(bytes).fill(1)));
      t.equal(toHex(own.agree(other.publicKey)), secret);
    }
  });

  t.test(`${crypto.name}: a scalar out of range is drawn again`, async (t) => {
    for (const group of ['secp256r1', 'secp384r1'] as const) {
      const bytes = order[group].length;
      const above = order[group].slice();
      above[bytes - 1]! += 1;
      const refused = [new Uint8Array(bytes), order[group], above, new Uint8Array(bytes).fill(255)];
      const last = order[group].slice();
      last[bytes - 1]! -= 1;
      const share = crypto.keyShare(group, fixed(...refused, last));
      t.same(share.publicKey, crypto.keyShare(group, fixed(last)).publicKey, 'n - 1 is the largest');
      const one = crypto.keyShare(group, fixed(scalar(1, bytes)));
      t.same(share.publicKey.subarray(0, bytes + 1), one.publicKey.subarray(0, bytes + 1), 'the x of -G is that of G');
      t.throws(
        () => crypto.keyShare(group, (length) => new Uint8Array(length)),
        EngineFailureError,
        'and not for ever',
      );
    }
  });

  t.test(`${crypto.name}: draws of the wrong length are refused, and what was drawn is left as it was`, async (t) => {
    for (const group of crypto.groups) {
      t.throws(() => crypto.keyShare(group, (length) => new Uint8Array(length - 1)), EngineFailureError);
      const given: Uint8Array[] = [];
      const share = crypto.keyShare(group, (length) => {
        given.push(random(length));
        return given.at(-1)!;
      });
      const before = given.map((each) => each.slice());
      share.wipe();
      t.same(given, before, group);
      t.throws(() => share.agree(share.publicKey), ApiMisuseError, 'a wiped share agrees with nobody');
    }
  });

  t.test(`${crypto.name}: X25519 refuses every point of small order, and lengths`, async (t) => {
    const points = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map(hex);
    for (const point of points)
      for (const highBit of [0, 0x80]) {
        const peer = point.slice();
        peer[31]! |= highBit;
        t.equal(crypto.keyShare('x25519', random).agree(peer), undefined, toHex(peer)!);
        t.equal(crypto.keyAgreement('x25519', peer, random), undefined);
      }
    for (const length of [0, 31, 33, 65]) {
      t.equal(crypto.keyShare('x25519', random).agree(new Uint8Array(length).fill(9)), undefined, `${length} bytes`);
      t.equal(crypto.keyAgreement('x25519', new Uint8Array(length).fill(9), random), undefined);
    }
    // RFC 7748 §5: the top bit is masked, and values from 2^255 - 19 on are reduced
    const base = scalar(0, 32);
    base[0] = 9;
    const masked = base.slice();
    masked[31] = 0x80;
    const unreduced = new Uint8Array(32).fill(0xff);
    unreduced[0] = 0xf6;
    unreduced[31] = 0x7f;
    const share = crypto.keyShare('x25519', draws(3));
    t.same(share.agree(base), share.publicKey);
    t.same(share.agree(masked), share.publicKey);
    t.same(share.agree(unreduced), share.publicKey);
  });

  t.test(`${crypto.name}: NIST points have to be uncompressed and on the curve`, async (t) => {
    for (const group of ['secp256r1', 'secp384r1'] as const) {
      const share = crypto.keyShare(group, random);
      const good = crypto.keyShare(group, random).publicKey;
      const bytes = order[group].length;
      t.ok(share.agree(good));
      const changed = (change: (point: Uint8Array) => void): Uint8Array => {
        const point = good.slice();
        change(point);
        return point;
      };
      const bad: Readonly<Record<string, Uint8Array>> = {
        nothing: new Uint8Array(),
        infinity: new Uint8Array(1),
        'infinity in full': new Uint8Array(good.length),
        'zero and zero': changed((point) => point.fill(0, 1)),
        'x changed': changed((point) => void (point[bytes]! ^= 1)),
        'y changed': changed((point) => void (point[2 * bytes]! ^= 1)),
        'x not below p': changed((point) => point.fill(255, 1, 1 + bytes)),
        'y not below p': changed((point) => point.fill(255, 1 + bytes)),
        compressed: Uint8Array.from([2 + (good.at(-1)! & 1), ...good.subarray(1, 1 + bytes)]),
        hybrid: changed((point) => void (point[0] = 6 + (point.at(-1)! & 1))),
        'other form': changed((point) => void (point[0] = 5)),
        short: good.slice(0, -1),
        long: Uint8Array.from([...good, 0]),
        'without form': good.slice(1),
        'of the other curve': crypto.keyShare(group === 'secp256r1' ? 'secp384r1' : 'secp256r1', random).publicKey,
      };
      for (const [name, point] of Object.entries(bad)) {
        t.equal(share.agree(point), undefined, `${group}: ${name}`);
        t.equal(crypto.keyAgreement(group, point, random), undefined);
      }
    }
  });

  t.test(`${crypto.name}: X25519MLKEM768`, async (t) => {
    const share = crypto.keyShare('X25519MLKEM768', draws(5));
    t.equal(share.publicKey.length, 1216);
    const answer = crypto.keyAgreement('X25519MLKEM768', share.publicKey, draws(6))!;
    t.equal(answer.publicKey.length, 1120);
    t.equal(answer.secret.length, 64);
    t.same(share.agree(answer.publicKey), answer.secret);
    t.same(share.agree(answer.publicKey), answer.secret, 'asked again');
    for (const length of [0, 32, 1088, 1119, 1121])
      t.equal(share.agree(new Uint8Array(length).fill(1)), undefined, `${length} bytes from a server`);
    for (const length of [0, 32, 1184, 1215, 1217])
      t.equal(crypto.keyAgreement('X25519MLKEM768', new Uint8Array(length).fill(1), random), undefined);
    const implicit = answer.publicKey.slice();
    implicit[0]! ^= 1;
    const other = share.agree(implicit)!;
    t.notSame(other.subarray(0, 32), answer.secret.subarray(0, 32), 'FIPS 203: implicit rejection');
    t.same(other.subarray(32), answer.secret.subarray(32));
    // OpenSSL 3.5 makes the same ML-KEM key of that seed, and the same secret of that ciphertext
    const known = crypto.keyShare(
      'X25519MLKEM768',
      fixed(
        Uint8Array.from({ length: 64 }, (_, at) => at),
        new Uint8Array(32).fill(0x22),
      ),
    );
    const back = crypto.keyAgreement(
      'X25519MLKEM768',
      known.publicKey,
      fixed(new Uint8Array(32).fill(0x33), new Uint8Array(32).fill(0x44)),
    )!;
    t.equal(sha256(known.publicKey), 'f5e9f781d7d143fb5887f46bcd2d979daac1c3b688ae3a6d69fa7ae22462efdd');
    t.equal(sha256(back.publicKey), 'c5520ee079698670052527d6fa46f0339f38fbf2cfa9938556d17a79b7e8051c');
    t.equal(
      toHex(known.agree(back.publicKey)),
      'c7c635975edc5a50dfd90b47fb89d43e30c03f4bec828dc8f5160cd478a24970d31a1338a14cf92083e61f66bf842151cf156318bcddc07e42443937c05dd640',
    );
    t.equal(share.agree(answer.publicKey.slice().fill(0, 1088)), undefined, 'an all-zero X25519 half');
    t.equal(crypto.keyAgreement('X25519MLKEM768', share.publicKey.slice().fill(0, 1184), random), undefined);
    // FIPS 203 §7.2: coefficients have 12 bits, and 3329 is the first that is none
    for (const [low, high] of [
      [0x01, 0x0d],
      [0xff, 0x0f],
    ] as const) {
      const key = share.publicKey.slice();
      key[0] = low;
      key[1] = (key[1]! & 0xf0) | high;
      t.equal(crypto.keyAgreement('X25519MLKEM768', key, random), undefined, 'a coefficient that is not reduced');
      key[0] = 0;
      key[1] = (key[1]! & 0xf0) | 0x0d;
      t.ok(crypto.keyAgreement('X25519MLKEM768', key, random), '3328 is one');
    }
  });
}
