// What users give: trust anchors, PEM, credentials.
import { ApiMisuseError } from '@rxtls/core/engine';
import { generateKeyPairSync } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import t from 'tap';
import { loadCertificates } from '../src/certificate/certificate-input.ts';
import { judgeChain } from '../src/certificate/judge-chain.ts';
import { type Credentials, loadCredentials } from '../src/certificate/load-credentials.ts';
import { pemBlocks } from '../src/certificate/pem.ts';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import { nobleCrypto } from '../src/crypto/noble/noble-crypto.ts';
import type { Signer } from '../src/certificate/signer.ts';
import { type TrustAnchors, trustAnchors } from '../src/certificate/trust-anchors.ts';
import { defaultLimits } from '@rxtls/core/engine';
import { type Issued, issue, now, pem, testCrypto } from './certificate-pki.ts';

const crypto = testCrypto();
const root = issue({ cn: 'root', ca: true });
const middle = issue({ cn: 'middle', ca: true, issuer: root });
const leaf = issue({ issuer: middle, dns: ['host.test'], usage: ['serverAuth'] });
const strange = issue({ cn: 'strange', ca: true, kind: 'p521' });
const misuse = { name: 'ApiMisuseError' };
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));

t.test('PEM: whole blocks of padded base64, with anything between them', async (t) => {
  const good = `subject=x\n${root.pem}\r\n# and\n${pem(leaf.der, 'X')}`;
  t.same(
    pemBlocks(good, 'ca').map(({ label }) => label),
    ['CERTIFICATE', 'X'],
  );
  t.same(pemBlocks(good, 'ca')[0]?.der, root.der);
  t.same(pemBlocks(root.pem.replace(/\n/g, '\r\n'), 'ca')[0]?.der, root.der);
  t.same(pemBlocks(root.pem.replace(/\n(?!-)(?=.)/g, ''), 'ca').length, 1, 'in one line');
  t.same(pemBlocks('', 'ca'), []);
  for (const [what, bad] of Object.entries({
    'no end': root.pem.slice(0, -20),
    'another end': root.pem.replace('END CERTIFICATE', 'END KEY'),
    'two beginnings': `-----BEGIN CERTIFICATE-----\n${root.pem}`,
    headers: root.pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
    'a letter of another alphabet': root.pem.replace(/\nM/, '\n\u041c'),
    'a minus': root.pem.replace(/\nM/, '\n-'),
    'no padding': '-----BEGIN X-----\nAAA\n-----END X-----',
    'padding inside': '-----BEGIN X-----\nAA==AAAA\n-----END X-----',
    empty: '-----BEGIN X-----\n-----END X-----',
  }))
    t.throws(() => pemBlocks(bad, 'ca'), misuse, what);
});

t.test('certificates in PEM, DER and lists of both', async (t) => {
  const ders = (input: unknown): Uint8Array[] => loadCertificates(input, 'ca').map(({ der }) => der);
  t.same(ders(root.pem), [root.der]);
  t.same(ders(root.der), [root.der]);
  t.same(ders(Buffer.from(root.der)), [root.der]);
  t.same(ders(text(root.pem + middle.pem)), [root.der, middle.der]);
  t.same(ders([root.der, middle.pem + leaf.pem]), [root.der, middle.der, leaf.der]);
  const own = new Uint8Array(root.der);
  const [kept] = ders(own);
  own.fill(0);
  t.same(kept, root.der, 'a copy: the caller may go on with his bytes');
  const key = pem(leaf.keys.secret!.export({ type: 'pkcs8', format: 'der' }), 'PRIVATE KEY');
  for (const bad of [
    '',
    'ca.pem',
    [],
    [''],
    undefined,
    7,
    {},
    [7],
    key,
    new Uint8Array([0x30, 0]),
    pem(new Uint8Array([0x30, 0])),
    new Uint8Array(Buffer.concat([root.der, middle.der])),
  ])
    t.throws(() => ders(bad), { ...misuse, message: /^ca/ }, JSON.stringify(bad)?.slice(0, 40));
});

t.test('trust anchors: given, or the roots of the runtime', async (t) => {
  const given = trustAnchors([root.pem, middle.der], 'ca', crypto);
  t.equal(given.explicit, true);
  t.match(given.hash, /^[0-9a-f]{64}$/);
  t.equal(trustAnchors([middle.der, root.der, root.der], 'ca', crypto).hash, given.hash, 'in any order');
  t.not(trustAnchors(root.der, 'ca', crypto).hash, given.hash);
  t.throws(() => trustAnchors([root.der, strange.der], 'ca', crypto), { ...misuse, message: /^ca .*P-256/ });
  t.throws(() => trustAnchors('', 'ca', crypto), misuse);
  t.throws(() => trustAnchors(undefined, 'ca', crypto), { ...misuse, message: /ca is required/ });
  const runtime = trustAnchors(undefined, 'ca', testCrypto(nodeCrypto, [strange.der, new Uint8Array([1]), root.der]));
  t.equal(runtime.explicit, false);
  t.match(runtime.hash, /^runtime [0-9a-f]{64}$/);
  const chain = (trust: TrustAnchors): readonly Uint8Array[] =>
    judgeChain([leaf.der, middle.der], { usage: 'serverAuth', trust, now, limits: defaultLimits, crypto });
  t.same(chain(runtime).at(-1), root.der, 'what is not spoken is left out');
  t.same(chain(given), [leaf.der, middle.der], 'the nearest anchor');
  t.throws(() => trustAnchors(undefined, 'ca', nobleCrypto), misuse, 'where there is no Node there are no roots');
  const roots = trustAnchors(undefined, 'ca', nodeCrypto);
  const known = loadCertificates([...rootCertificates], 'roots');
  t.ok(known.length > 100 && known.some((each) => roots.has(each)), "Node's roots");
  t.throws(() => chain(trustAnchors(undefined, 'ca', testCrypto(nodeCrypto, [strange.der]))), {
    name: 'CertificateError',
    reason: 'unknown-authority',
  });
});

t.test('credentials: a pair, and nothing of the key in an error', async (t) => {
  const secret = leaf.keys.secret!;
  const der = new Uint8Array(secret.export({ type: 'pkcs8', format: 'der' }));
  const keyPem = secret.export({ type: 'pkcs8', format: 'pem' }).toString();
  const encrypted = secret
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
  const sec1 = secret.export({ type: 'sec1', format: 'pem' }).toString();
  const cert = leaf.pem + middle.pem;
  const load = (own: Partial<Record<keyof Credentials, unknown>>): ReturnType<typeof loadCredentials> =>
    loadCredentials(own, 'credentials', crypto);
  for (const key of [
    der,
    keyPem,
    text(keyPem),
    sec1,
    `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
  ]) {
    const { chain, fingerprint, key: read } = load({ cert, key });
    t.same(chain, [leaf.der, middle.der]);
    t.match(fingerprint, /^[0-9a-f]{64}$/);
    t.same('publicKeyInfo' in read && Buffer.from(read.publicKeyInfo), leaf.keys.spki);
  }
  t.ok(load({ cert, key: encrypted, passphrase: 'secret' }));
  t.equal(load({ cert, key: der }).leaf.publicKey?.type, 'p256');
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const bad: Record<string, Partial<Record<keyof Credentials, unknown>>> = {
    'another key': { cert, key: other },
    'the order of certificates': { cert: middle.pem + leaf.pem, key: keyPem },
    'no certificate': { key: keyPem },
    'no key': { cert },
    'no PEM': { cert, key: 'key.pem' },
    'two keys': { cert, key: keyPem + other },
    'a certificate as key': { cert, key: leaf.pem },
    'an option that there is not': { cert, key: keyPem, pfx: keyPem } as object,
    null: { cert, key: null },
    'a passphrase that is none': { cert, key: keyPem, passphrase: 7 },
    'a key of a kind that is not spoken': {
      cert: strange.pem,
      key: strange.keys.secret!.export({ type: 'pkcs8', format: 'pem' }),
    },
    'an unreadable certificate': { cert: pem(new Uint8Array([0x30, 0])), key: keyPem },
  };
  for (const [what, own] of Object.entries(bad)) {
    const error = (() => {
      try {
        return load(own);
      } catch (caught) {
        return caught;
      }
    })();
    t.ok(error instanceof ApiMisuseError, `${what}: ${String(error)}`);
    t.notOk(String(error).includes(keyPem.split('\n')[1]!.slice(0, 12)), 'nothing of the key');
  }
});

t.test('a key that is somewhere else', async (t) => {
  const sign = (): Uint8Array => new Uint8Array([1]);
  const load = (key: unknown, own: Issued = leaf): Signer =>
    loadCredentials({ cert: own.pem, key }, 'credentials', crypto).key as Signer;
  const signer = load({ schemes: ['rsa_pss_rsae_sha256', 'ecdsa_secp256r1_sha256'], sign });
  t.same(signer.schemes, ['ecdsa_secp256r1_sha256'], 'the schemes that go with the certificate');
  t.same(signer.sign('ecdsa_secp256r1_sha256', new Uint8Array()), new Uint8Array([1]));
  const rsa = issue({ kind: 'rsa' });
  t.same(load({ schemes: ['rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256'], sign }, rsa).schemes, [
    'rsa_pss_rsae_sha384',
    'rsa_pss_rsae_sha256',
  ]);
  class Hsm {
    readonly schemes = ['ecdsa_secp256r1_sha256'] as const;
    readonly #answer = new Uint8Array([2]);
    sign(): Uint8Array {
      return this.#answer;
    }
  }
  t.same(load(new Hsm()).sign('ecdsa_secp256r1_sha256', new Uint8Array()), new Uint8Array([2]), 'its own this');
  for (const schemes of [
    [],
    undefined,
    'ecdsa_secp256r1_sha256',
    ['sha1'],
    [7],
    ['ed25519'],
    ['ecdsa_secp384r1_sha384'],
  ])
    t.throws(() => load({ schemes, sign }), { ...misuse, message: /scheme/ }, JSON.stringify(schemes));
  t.throws(() => load({ schemes: ['rsa_pkcs1_sha256'], sign }, rsa), { ...misuse, message: /rsa_pss_rsae_sha256/ });
});
