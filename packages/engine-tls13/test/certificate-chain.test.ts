// Chains: what is refused and why, what is accepted although it comes in odd order, and what OpenSSL says of the same chain.
import { alertForError, type TlsError } from '@rxtls/core/engine';
import { testPki } from '@rxtls/testing';
import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { judgeChain } from '../src/certificate/judge-chain.ts';
import { trustAnchors } from '../src/certificate/trust-anchors.ts';
import { defaultLimits } from '@rxtls/core/engine';
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import { opensslVerdict, opensslVersion } from './certificate-openssl.ts';
import {
  algorithms,
  attribute,
  cnName,
  day,
  extension,
  hex,
  type Issued,
  issue,
  judge,
  type Judging,
  keys,
  now,
  seq,
  testCrypto,
  tlv,
  verdict,
  type Wish,
} from './certificate-pki.ts';

const root = issue({ cn: 'root', ca: true });
const other = issue({ cn: 'other root', ca: true });
const middle = issue({ cn: 'middle', ca: true, issuer: root });
const low = issue({ cn: 'low', ca: true, issuer: middle });
const leaf = (issuer: Issued, wish: Wish = {}): Issued =>
  issue({ issuer, dns: ['host.test'], usage: ['serverAuth'], ...wish });
const authority = (cn: string, issuer: Issued | undefined, wish: Wish = {}): Issued =>
  issue({ cn, ca: true, ...(issuer === undefined ? {} : { issuer }), ...wish });
const flipped = ({ der, ...rest }: Issued, at: number): Issued => {
  const changed = new Uint8Array(der);
  const index = at < 0 ? changed.length + at : at;
  changed[index] = changed[index]! ^ 1;
  return {
    ...rest,
    der: changed,
    pem: `-----BEGIN CERTIFICATE-----\n${Buffer.from(changed).toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
};
const critical = extension('1.2.3.4', seq(), true);
const rsaRoot = authority('rsa root', undefined, { kind: 'rsa' });
const pssRoot = authority('pss root', undefined, { kind: 'rsa-pss' });
const edRoot = authority('ed root', undefined, { kind: 'ed25519' });
const p384Root = authority('p384 root', undefined, { kind: 'p384', signedWith: 'ecdsa-sha384' });
const bare = issue({ cn: 'version 1 root', bare: true });
const noAuthority = authority('no authority', root, { ca: false, keyUsage: '030780'.slice(2) });
const oldMiddle = authority('middle', root, { keys: middle.keys, from: now - 9 * day, to: now - day });
const crossed = authority('middle', other, { keys: middle.keys });
const selfSigned = leaf(undefined as unknown as Issued, { cn: 'self' });
const selfAuthority = authority('self authority', undefined, { dns: ['host.test'], keyUsage: '0186' });
const rollover = authority('roll', root);
const rolledOver = authority('roll', rollover, {});
const short = authority('short', root, { ca: 0 });
const shortRoot = authority('short root', undefined, { ca: 0 });
const shortRootMiddle = authority('below short root', shortRoot);
const forClients = authority('for clients', root, { usage: ['clientAuth'] });
const forAny = authority('for any', root, { usage: ['any'] });
const strange = authority('strange', root, { extensions: [critical] });
const future = authority('future', root, { from: now + day });
const oldRoot = authority('old root', undefined, { from: now - 9 * day, to: now - day });
const noSign = authority('no sign', root, { keyUsage: '0780' });
const noUsage = authority('no usage', root, { keyUsage: null });
const weak = authority('weak', root, { kind: 'rsa1024' });
const weakRoot = authority('weak root', undefined, { kind: 'rsa1024' });
const huge = authority('huge', root, { kind: 'rsa16384' });
const sha1Root = authority('sha1 root', undefined, { kind: 'rsa', signedWith: 'rsa-sha1' });
const p521 = authority('p521', root, { kind: 'p521' });
const pinned = leaf(root);
const ring = ((): readonly Issued[] => {
  const a = keys('p256');
  const b = keys('p256');
  const aCert = issue({ cn: 'ring a', ca: true, keys: a });
  const bCert = issue({ cn: 'ring b', ca: true, keys: b });
  return [authority('ring a', bCert, { keys: a }), authority('ring b', aCert, { keys: b })];
})();
const tower = ((): readonly Issued[] => {
  const built: Issued[] = [];
  for (let index = 0; index < 10; index++) built.unshift(authority(`floor ${index}`, built[0] ?? root));
  return built;
})();

interface Case extends Judging {
  readonly what: string;
  readonly shown: readonly Issued[];
  readonly anchors?: readonly Issued[];
  /** `ok`, a reason, or a limit. */
  readonly want: string;
  /** What OpenSSL says where it is not of our mind; `skip` where it is asked in vain. */
  readonly openssl?: 'accepts' | 'refuses' | 'skip';
}

const cases: readonly Case[] = [
  { what: 'below the root', shown: [leaf(root)], want: 'ok', name: 'host.test' },
  { what: 'with two between', shown: [leaf(low), low, middle], want: 'ok' },
  { what: 'with the root', shown: [leaf(low), low, middle, root], want: 'ok' },
  { what: 'in the wrong order', shown: [leaf(low), root, middle, low], want: 'ok' },
  { what: 'with strangers between', shown: [leaf(low), other, ...ring, middle, low], want: 'ok' },
  { what: 'each twice', shown: [leaf(low), low, low, middle, middle], want: 'ok' },
  { what: 'one missing', shown: [leaf(low), low], want: 'unknown-authority' },
  { what: 'the first missing', shown: [leaf(low), middle], want: 'unknown-authority' },
  { what: 'two leaves', shown: [leaf(root), leaf(other)], want: 'ok' },
  { what: 'two leaves, the first of a stranger', shown: [leaf(other), leaf(root)], want: 'unknown-authority' },
  { what: 'the root of somebody else', shown: [leaf(other), other], want: 'unknown-authority' },
  { what: 'an anchor in the middle', shown: [leaf(low), low], anchors: [middle], want: 'ok' },
  { what: 'an anchor in the middle, shown too', shown: [leaf(low), low, middle, root], anchors: [middle], want: 'ok' },
  { what: 'one of several anchors', shown: [leaf(root)], anchors: [other, root, p384Root], want: 'ok' },
  { what: 'a leaf that is the anchor', shown: [selfSigned], anchors: [selfSigned], want: 'ok', name: 'host.test' },
  { what: 'a leaf that is the anchor, issued by another', shown: [pinned], anchors: [pinned], want: 'ok' },
  { what: 'the same with all above it', shown: [pinned, root], anchors: [pinned, root], want: 'ok' },
  { what: 'an authority as leaf that is the anchor', shown: [selfAuthority], anchors: [selfAuthority], want: 'ok' },
  { what: 'a self-signed leaf', shown: [selfSigned], want: 'unknown-authority' },
  {
    what: 'a pinned leaf that issued another',
    shown: [leaf(selfSigned)],
    anchors: [selfSigned],
    want: 'bad-certificate',
  },
  {
    what: 'the name of the root, the key of another',
    shown: [leaf(authority('root', undefined))],
    want: 'unknown-authority',
  },
  { what: 'a ring', shown: [leaf(ring[0]!), ...ring], want: 'unknown-authority' },
  { what: 'a ring with the way out of it', shown: [leaf(ring[0]!), ...ring], anchors: [ring[1]!], want: 'ok' },
  { what: 'cross-signed, by the good one', shown: [leaf(middle), crossed, middle], want: 'ok', openssl: 'refuses' },
  {
    what: 'cross-signed, the other way around',
    shown: [leaf(middle), middle, crossed],
    anchors: [other],
    want: 'ok',
    openssl: 'refuses',
  },
  { what: 'cross-signed for the other root', shown: [leaf(middle), crossed], want: 'unknown-authority' },
  { what: 'an expired copy before the good one', shown: [leaf(middle), oldMiddle, middle], want: 'ok' },
  { what: 'an expired one', shown: [leaf(middle), oldMiddle], want: 'expired' },
  { what: 'one that begins tomorrow', shown: [leaf(future), future], want: 'not-yet-valid' },
  { what: 'an expired leaf', shown: [leaf(root, { from: now - 9 * day, to: now - day })], want: 'expired' },
  { what: 'a leaf of tomorrow', shown: [leaf(root, { from: now + day })], want: 'not-yet-valid' },
  { what: 'an expired anchor', shown: [leaf(oldRoot)], anchors: [oldRoot], want: 'expired' },
  { what: 'an expired pinned leaf', shown: [oldRoot], anchors: [oldRoot], want: 'expired' },
  { what: 'issued by a leaf', shown: [leaf(noAuthority), noAuthority], want: 'bad-certificate' },
  { what: 'an authority that may not sign', shown: [leaf(noSign), noSign], want: 'bad-certificate' },
  { what: 'an authority without keyUsage', shown: [leaf(noUsage), noUsage], want: 'ok' },
  { what: 'pathLen 0 above a leaf', shown: [leaf(short), short], want: 'ok' },
  {
    what: 'pathLen of the anchor',
    shown: [leaf(shortRootMiddle), shortRootMiddle],
    anchors: [shortRoot],
    want: 'bad-certificate',
  },
  {
    what: 'a new key of an authority',
    shown: [leaf(rolledOver), rolledOver, rollover],
    want: 'ok',
    openssl: 'refuses',
  },
  { what: 'an anchor of version 1', shown: [leaf(bare)], anchors: [bare], want: 'bad-certificate', openssl: 'accepts' },
  { what: 'for clients', shown: [leaf(root, { usage: ['clientAuth'] })], want: 'wrong-usage' },
  { what: 'for servers, shown by a client', shown: [leaf(root)], usage: 'clientAuth', want: 'wrong-usage' },
  {
    what: 'for clients, shown by one',
    shown: [leaf(root, { usage: ['clientAuth'] })],
    usage: 'clientAuth',
    want: 'ok',
  },
  { what: 'for both', shown: [leaf(root, { usage: ['clientAuth', 'serverAuth'] })], want: 'ok' },
  { what: 'for anything', shown: [leaf(root, { usage: ['any'] })], want: 'ok', openssl: 'refuses' },
  { what: 'for code', shown: [leaf(root, { usage: ['codeSigning'] })], want: 'wrong-usage' },
  { what: 'for nothing in particular', shown: [issue({ issuer: root })], want: 'ok' },
  { what: 'an authority for clients', shown: [leaf(forClients), forClients], want: 'wrong-usage' },
  { what: 'an authority for anything', shown: [leaf(forAny), forAny], want: 'ok', openssl: 'refuses' },
  {
    what: 'a key that may not sign',
    shown: [leaf(root, { keyUsage: '0520' })],
    want: 'wrong-usage',
    openssl: 'accepts',
  },
  { what: 'a leaf without keyUsage', shown: [leaf(root, { keyUsage: null })], want: 'ok' },
  { what: 'an unknown critical extension', shown: [leaf(root, { extensions: [critical] })], want: 'bad-certificate' },
  { what: 'the same above', shown: [leaf(strange), strange], want: 'bad-certificate' },
  { what: 'an unknown extension', shown: [leaf(root, { extensions: [extension('1.2.3.4', seq())] })], want: 'ok' },
  {
    what: 'a critical precertificate poison',
    shown: [leaf(root, { extensions: [extension('1.3.6.1.4.1.11129.2.4.3', hex('0500'), true)] })],
    want: 'bad-certificate',
  },
  { what: 'a changed signature', shown: [flipped(leaf(root), -1)], want: 'unknown-authority' },
  {
    what: 'P-384',
    shown: [leaf(p384Root, { kind: 'p384', signedWith: 'ecdsa-sha384' })],
    anchors: [p384Root],
    want: 'ok',
  },
  {
    what: 'P-384 with SHA-256',
    shown: [leaf(p384Root, { signedWith: 'ecdsa-sha256' })],
    anchors: [p384Root],
    want: 'ok',
  },
  { what: 'SHA-512 with ECDSA', shown: [leaf(root, { signedWith: 'ecdsa-sha512' })], want: 'ok' },
  { what: 'Ed25519', shown: [leaf(edRoot, { kind: 'ed25519' })], anchors: [edRoot], want: 'ok' },
  ...(
    [
      'rsa-pkcs1-sha256',
      'rsa-pkcs1-sha384',
      'rsa-pkcs1-sha512',
      'rsa-pss-sha256',
      'rsa-pss-sha384',
      'rsa-pss-sha512',
    ] as const
  ).map(
    (signedWith): Case => ({
      what: signedWith,
      shown: [leaf(rsaRoot, { signedWith })],
      anchors: [rsaRoot],
      want: 'ok',
    }),
  ),
  { what: 'a PSS key', shown: [leaf(pssRoot)], anchors: [pssRoot], want: 'ok' },
  {
    what: 'PSS with a salt of another length',
    shown: [leaf(rsaRoot, { signedWith: 'rsa-pss-salt' })],
    anchors: [rsaRoot],
    want: 'bad-certificate',
    openssl: 'accepts',
  },
  { what: 'SHA-1 with ECDSA', shown: [leaf(root, { signedWith: 'ecdsa-sha1' })], want: 'bad-certificate' },
  {
    what: 'SHA-1 with RSA',
    shown: [leaf(rsaRoot, { signedWith: 'rsa-sha1' })],
    anchors: [rsaRoot],
    want: 'bad-certificate',
  },
  { what: 'MD5', shown: [leaf(rsaRoot, { signedWith: 'rsa-md5' })], anchors: [rsaRoot], want: 'bad-certificate' },
  {
    what: 'an anchor signed with SHA-1',
    shown: [leaf(sha1Root)],
    anchors: [sha1Root],
    want: 'ok',
  },
  {
    what: 'a scheme that was not offered',
    shown: [leaf(root)],
    allowedSchemes: ['ed25519', 'ecdsa_secp384r1_sha384'],
    want: 'bad-certificate',
    openssl: 'accepts',
  },
  { what: 'a scheme that was', shown: [leaf(root)], allowedSchemes: ['ecdsa_secp256r1_sha256'], want: 'ok' },
  { what: 'RSA-1024 leaf', shown: [leaf(root, { kind: 'rsa1024' })], want: 'weak-key' },
  { what: 'RSA-1024 authority', shown: [leaf(weak), weak], want: 'weak-key' },
  { what: 'RSA-1024 anchor', shown: [leaf(weakRoot)], anchors: [weakRoot], want: 'weak-key' },
  { what: 'RSA-16384 leaf', shown: [leaf(root, { kind: 'rsa16384' })], want: 'weak-key', openssl: 'skip' },
  { what: 'RSA-16384 authority', shown: [leaf(huge), huge], want: 'weak-key', openssl: 'skip' },
  { what: 'a P-521 leaf', shown: [leaf(root, { kind: 'p521' })], want: 'bad-certificate', openssl: 'accepts' },
  {
    what: 'a P-521 authority',
    shown: [leaf(p521), p521],
    want: 'bad-certificate',
    openssl: 'accepts',
  },
  { what: 'an Ed448 leaf', shown: [leaf(root, { kind: 'ed448' })], want: 'bad-certificate', openssl: 'accepts' },
  {
    what: 'a negative serial number',
    shown: [leaf(root, { serial: hex('ff') })],
    want: 'bad-certificate',
    openssl: 'accepts',
  },
  { what: 'serial number zero', shown: [leaf(root, { serial: hex('00') })], want: 'ok' },
  {
    what: 'an unreadable one besides',
    shown: [leaf(root), { ...root, der: new Uint8Array([0x30, 0]) }],
    want: 'bad-certificate',
    openssl: 'skip',
  },
  { what: 'nothing', shown: [], want: 'missing', openssl: 'skip' },
  { what: 'ten', shown: [leaf(tower[1]!), ...tower.slice(1)], want: 'ok' },
  { what: 'eleven', shown: [leaf(tower[0]!), ...tower], want: 'chain-too-long', openssl: 'accepts' },
];
t.test('the matrix', async (t) => {
  const version = opensslVersion();
  t.comment(
    version === undefined ? 'openssl is not installed: its verdicts are not compared' : `compared with ${version}`,
  );
  const folder = t.testdir();
  let compared = 0;
  for (const { what, shown, anchors = [root], want, openssl, ...more } of cases) {
    const result = judge(shown, anchors, more);
    t.equal(verdict(result), want, what);
    t.equal(verdict(judge(shown, anchors, { ...more, crypto: testCrypto(nobleCrypto) })), want, `${what}: by @noble`);
    if (!(result instanceof Error)) {
      t.same(Buffer.from(result[0]!), Buffer.from(shown[0]!.der), `${what}: the leaf first`);
      t.ok(
        anchors.some(({ der }) => Buffer.compare(der, result.at(-1)!) === 0),
        `${what}: an anchor last`,
      );
      result.slice(1).forEach((der, index) => {
        const [below, above] = [new X509Certificate(result[index]!), new X509Certificate(der)];
        t.ok(below.checkIssued(above) && below.verify(above.publicKey), `${what}: each is signed by the next`);
      });
    }
    if (version === undefined || openssl === 'skip') continue;
    const { ok, said } = opensslVerdict(folder, shown, anchors, more);
    const expected = openssl === undefined ? want === 'ok' : openssl === 'accepts';
    t.equal(ok, expected, `${what}: OpenSSL ${expected ? 'accepts' : 'refuses'}: ${said}`);
    compared++;
  }
  t.ok(version === undefined || compared > 70, `${compared} compared`);
});

t.test('pathLen counts authorities, not those that issued themselves a new key', async (t) => {
  const under = authority('under short', short);
  t.equal(verdict(judge([leaf(under), under, short], [root])), 'bad-certificate');
  const again = authority('short', short, { ca: 0 });
  t.equal(verdict(judge([leaf(again), again, short], [root])), 'ok', 'self-issued');
  const one = authority('one', root, { ca: 1 });
  const below = authority('below one', one);
  const belowThat = authority('below that', below);
  t.equal(verdict(judge([leaf(below), one, below], [root])), 'ok');
  t.equal(verdict(judge([leaf(belowThat), one, below, belowThat], [root])), 'bad-certificate');
});

t.test('keys are judged before anything is verified with them', async (t) => {
  for (const chain of [[leaf(root, { kind: 'rsa1024' })], [leaf(weak), weak], [leaf(huge), huge], [leaf(root), huge]]) {
    const crypto = testCrypto();
    t.equal(verdict(judge(chain, [root], { crypto })), 'weak-key');
    t.equal(crypto.verified, 0);
  }
});

t.test('alerts', async (t) => {
  const alert = (result: readonly Uint8Array[] | Error): string => alertForError(result as TlsError);
  t.equal(alert(judge([], [root])), 'decode_error');
  t.equal(alert(judge([], [root], { usage: 'clientAuth' })), 'certificate_required');
  t.equal(alert(judge([leaf(other)], [root])), 'unknown_ca');
  t.equal(alert(judge([leaf(root, { to: now - 1000 })], [root])), 'certificate_expired');
  t.equal(alert(judge([leaf(root, { usage: ['codeSigning'] })], [root])), 'unsupported_certificate');
  t.equal(alert(judge([leaf(root, { kind: 'p521' })], [root])), 'unsupported_certificate');
  t.equal(alert(judge([leaf(root)], [root], { name: 'other.test' })), 'bad_certificate');
  t.equal(alert(judge([leaf(middle), middle], [root], { limits: { maxSignatureChecks: 1 } })), 'bad_certificate');
});

t.test('validity: both ends are inside', async (t) => {
  const timed = leaf(root, { from: now, to: now });
  t.equal(verdict(judge([timed], [root], { now })), 'ok');
  t.equal(verdict(judge([timed], [root], { now: now - 1 })), 'not-yet-valid');
  t.equal(verdict(judge([timed], [root], { now: now + 1 })), 'expired');
});

t.test('many ways that lead nowhere end soon', async (t) => {
  const quick = (what: string, shown: readonly Issued[], anchors: readonly Issued[], more: Judging = {}): void => {
    const crypto = testCrypto();
    const result = judge(shown, anchors, { crypto, ...more });
    t.equal(verdict(result), 'maxSignatureChecks', what);
    t.equal(crypto.verified, more.limits?.maxSignatureChecks ?? 64, what);
  };
  // Every floor has two certificates of one key: twice as many ways with each floor.
  const floors: Issued[] = [];
  let above = authority('attic', undefined);
  for (let floor = 0; floor < 16; floor++) {
    const shared = keys('p256');
    const both = [1, 2].map(() => authority(`floor ${floor}`, above, { keys: shared }));
    floors.push(...both);
    above = both[0]!;
  }
  quick('2^16 ways', [leaf(above), ...floors], [root], { limits: { maxChainLength: 64 } });
  const crowd = Array.from({ length: 9 }, () => authority('crowd', other, { issuerName: cnName('crowd') }));
  quick(
    'nine of one name, each said to be issued by the others',
    [issue({ issuer: crowd[0]!, signedWith: 'ecdsa-sha512' }), ...crowd],
    [root],
    { limits: { maxSignatureChecks: 8 } },
  );
  quick(
    'a hundred anchors of one name',
    [leaf(authority('same', undefined))],
    Array.from({ length: 100 }, () => authority('same', undefined)),
  );
  const good = judge([leaf(middle), ...Array.from({ length: 8 }, () => authority('middle', other)), middle], [root]);
  t.equal(verdict(good), 'ok', 'eight strangers of the same name do not stand in the way');
});

t.test('another way is taken where the first one is barred', async (t) => {
  const bad: Wish[] = [
    { ca: 0 },
    { usage: ['clientAuth'] },
    { extensions: [critical] },
    { to: now - day },
    { keyUsage: '0780' },
  ];
  const lower = authority('lower', middle);
  for (const wish of bad) {
    const barred = authority('middle', root, { keys: middle.keys, ...wish });
    t.equal(verdict(judge([leaf(lower), lower, barred, middle], [root])), 'ok', JSON.stringify(wish));
    t.not(verdict(judge([leaf(lower), lower, barred], [root])), 'ok', JSON.stringify(wish));
  }
  const narrow = authority('middle', root, {
    keys: middle.keys,
    constraints: seq(tlv(0xa0, seq(tlv(0x82, 'elsewhere.test')))),
  });
  t.equal(verdict(judge([leaf(lower), lower, narrow, middle], [root])), 'ok');
  t.equal(verdict(judge([leaf(lower), lower, narrow], [root])), 'bad-certificate');
});

t.test('a PSS key with parameters is for its own algorithm alone', async (t) => {
  const info = (hash: 'rsa-pss-sha256' | 'rsa-pss-sha384' | 'rsa-pss-salt'): Buffer => {
    const spki = pssRoot.keys.spki;
    const key = spki.subarray(spki.indexOf(hex('0382')));
    return seq(algorithms[hash], key);
  };
  const bound = (hash: 'rsa-pss-sha256' | 'rsa-pss-sha384' | 'rsa-pss-salt'): Issued =>
    authority('bound', undefined, { keys: { spki: info(hash), secret: pssRoot.keys.secret } });
  const crypto = testCrypto();
  const own = bound('rsa-pss-sha256');
  t.equal(verdict(judge([leaf(own, { signedWith: 'rsa-pss-sha256' })], [own], { crypto })), 'ok');
  t.equal(verdict(judge([leaf(own, { signedWith: 'rsa-pss-sha384' })], [own], { crypto })), 'bad-certificate');
  t.throws(() => trustAnchors(bound('rsa-pss-salt').der, 'ca', crypto), { name: 'ApiMisuseError' });
});

t.test('the throw-away PKI of the test kit', async (t) => {
  const pki = await testPki({ now });
  const crypto = testCrypto();
  const trust = trustAnchors(pki.authorityPem, 'ca', crypto);
  const expected = {
    ecdsa: 'ok',
    rsa: 'ok',
    ed25519: 'ok',
    expired: 'expired',
    'not-yet-valid': 'not-yet-valid',
    'wrong-name': 'wrong-name',
    untrusted: 'unknown-authority',
    'wrong-usage': 'wrong-usage',
    'common-name-only': 'wrong-name',
    ip: 'wrong-name',
    wildcard: 'wrong-name',
  } as const;
  for (const [name, want] of Object.entries(expected)) {
    const { chainDer } = await pki.leaf(name as keyof typeof expected);
    const judged = (): readonly Uint8Array[] | Error => {
      try {
        return judgeChain(chainDer, {
          usage: 'serverAuth',
          identity: { kind: 'dns', name: 'localhost' },
          trust,
          now,
          limits: defaultLimits,
          crypto,
        });
      } catch (error) {
        return error as Error;
      }
    };
    t.equal(verdict(judged()), want, name);
  }
});

t.test('names of authorities are compared byte by byte', async (t) => {
  const shouting = authority('ROOT', undefined, { keys: root.keys });
  t.equal(verdict(judge([leaf(root)], [shouting])), 'unknown-authority');
  const printable = authority('x', undefined, { keys: root.keys, subject: seq(attribute('2.5.4.3', 'root', 0x13)) });
  t.equal(verdict(judge([leaf(root)], [printable])), 'unknown-authority');
});
