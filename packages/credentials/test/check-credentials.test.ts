// What is refused before it is used, by its fault, with no byte of a key in what is said; and what is good.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { inspect } from 'node:util';
import { type CheckCredentialsOptions, checkCredentials, type CredentialsFault } from '@rxtls/credentials';
import { ApiMisuseError } from '@rxtls/core/engine';
import { derElements, onlyElement } from '@rxtls/core/engine-parts';
import { testPki } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { authority, credentials, issue, type Issued } from '../../engine-node/test/pki.ts';

const day = 24 * 3_600_000;
const root = authority('root');
const intermediate = authority('intermediate', root);
const leaf = issue({ issuer: intermediate, dns: ['a.test'], to: Date.now() + 90 * day });
const good = credentials(leaf);
const keyOf = (pair: { publicKey: KeyObject; privateKey: KeyObject }): Issued =>
  ({ publicKey: pair.publicKey, key: pair.privateKey }) as Issued;
const pem = (...list: readonly Issued[]): string => list.map((each) => each.pem).join('');

/** Secrets of a key in any form in which they could be quoted. */
const secrets = (key: string): readonly string[] =>
  key.split('\n').filter((line) => line.length > 20 && !line.includes('-----'));

function refused(
  t: Test,
  given: { cert: string; key: string; passphrase?: string; ca?: string },
  fault: CredentialsFault,
  part: string,
  says: RegExp,
  options: CheckCredentialsOptions = {},
): void {
  try {
    checkCredentials(given, options);
    t.fail(`${fault}: nothing was thrown`);
  } catch (error) {
    t.ok(error instanceof ApiMisuseError, `${fault}: ApiMisuseError`);
    t.match(error, { name: 'ApiMisuseError', fault, part, message: says });
    const said = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
    t.notOk(
      secrets(given.key).some((secret) => said.includes(secret)),
      'and nothing of the key',
    );
  }
}

t.test('good credentials, of every kind of key, and what is said of them', async (t) => {
  const checked = checkCredentials(good);
  t.match(checked, { subjectAltName: 'DNS:a.test', warnings: [] });
  t.match(checked.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  t.ok(checked.validTo.getTime() < Date.now() + 31 * day, 'the chain ends with the intermediate, which ends first');
  t.equal(checked.warnFrom.getTime(), checked.validTo.getTime() - 7 * day);
  const pki = await testPki();
  for (const name of ['ecdsa', 'p384', 'rsa', 'rsa-pss', 'ed25519', 'client'] as const) {
    const { certificatePem: cert, keyPem: key } = await pki.leaf(name);
    t.match(checkCredentials({ cert, key, ca: pki.authorityPem }), { warnings: [] }, name);
  }
  t.match(checkCredentials({ cert: pem(leaf, intermediate, root), key: leaf.keyPem }), {}, 'with the root');
  const both = good.cert + good.key;
  t.match(checkCredentials({ cert: both, key: both }), {}, 'one file with both');
  t.match(
    checkCredentials({ cert: `Subject: a\r\n${good.cert.replaceAll('\n', '\r\n')}`, key: `\uFEFF${good.key}` }),
    {},
  );
  const sec1 = leaf.key.export({ type: 'sec1', format: 'pem' }).toString();
  t.match(
    checkCredentials({
      ...good,
      key: `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
    }),
    {},
  );
  t.match(checkCredentials({ ...good, somethingElse: 'not ours' } as never), {});
});

t.test('the end of a chain is warned of in time', async (t) => {
  const to = Date.now() + 6 * day;
  const short = issue({ issuer: root, from: Date.now() - day, to });
  t.same(checkCredentials(credentials(short)).warnings, [], 'of seven days the last third');
  t.match(checkCredentials(credentials(short), { now: to - 2 * day }).warnings, [/expires on 20.*renew/]);
  t.match(checkCredentials(credentials(short), { warnBefore: 7 * day }).warnings, [/expires/]);
  t.same(checkCredentials(credentials(short), { warnBefore: 0, now: new Date(to - 2_000) }).warnings, []);
});

t.test("a key that is not the leaf's, and one that is that of another in the chain", async (t) => {
  refused(t, { ...good, key: issue().keyPem }, 'mismatch', 'key', /not the key of the first certificate.*write both/);
  refused(
    t,
    { ...good, key: intermediate.keyPem },
    'broken-chain',
    'cert',
    /belongs to certificate 2.*put the leaf first/,
  );
  refused(t, { ...good, key: issue({ kind: 'ed25519' }).keyPem }, 'mismatch', 'key', /write both/);
});

t.test("a chain that is out of order, has a gap, is somebody else's, or too long", async (t) => {
  const key = leaf.keyPem;
  const other = authority('intermediate', root); // the same name, another key
  const notAnAuthority = issue({ cn: 'no authority', issuer: root });
  const below = issue({ issuer: notAnAuthority });
  const says = /certificate 1 of 2 was not issued by the one after it: put the leaf first/;
  refused(t, { cert: pem(leaf, root), key }, 'broken-chain', 'cert', says);
  refused(t, { cert: pem(leaf, other), key }, 'broken-chain', 'cert', says);
  refused(t, { cert: pem(leaf, leaf), key }, 'broken-chain', 'cert', says);
  refused(t, { cert: pem(below, notAnAuthority), key: below.keyPem }, 'broken-chain', 'cert', says);
  refused(t, { cert: pem(leaf, root, intermediate), key }, 'broken-chain', 'cert', /certificate 1 of 3/);
  const forged = Buffer.from(leaf.der);
  forged[forged.length - 1]! ^= 1;
  const forgedPem = `-----BEGIN CERTIFICATE-----\n${forged.toString('base64')}\n-----END CERTIFICATE-----\n`;
  refused(t, { cert: forgedPem + intermediate.pem, key }, 'broken-chain', 'cert', says);
  let last = root;
  for (let index = 0; index < 10; index++) last = authority(`level ${index}`, last);
  const deep = issue({ issuer: last });
  refused(
    t,
    { cert: pem(deep, ...deep.issuers), key: deep.keyPem },
    'broken-chain',
    'cert',
    /12 certificates, at most 10/,
  );
});

t.test('expired, not yet valid: any certificate of the chain, by the clock that is given', async (t) => {
  const now = Date.now();
  const expired = issue({ issuer: root, from: now - 3 * day, to: now - day });
  refused(t, credentials(expired), 'expired', 'cert', /certificate 1 of 1 expired on .* GMT: renew it/);
  t.match(checkCredentials(credentials(expired), { now: now - 2 * day }), {}, 'then it was not');
  const early = issue({ issuer: root, from: now + day, to: now + 3 * day });
  refused(t, credentials(early), 'not-yet-valid', 'cert', /not valid before .* GMT/);
  const old = issue({ cn: 'old', ca: true, issuer: root, from: now - 3 * day, to: now - day });
  const below = issue({ issuer: old });
  refused(t, credentials(below), 'expired', 'cert', /certificate 2 of 2 expired/);
  const { validTo } = checkCredentials(good);
  t.match(checkCredentials(good, { now: validTo }), {}, 'its last second counts');
  refused(t, good, 'expired', 'cert', /expired/, { now: validTo.getTime() + 1_000 });
});

t.test('keys that peers refuse', async (t) => {
  const rsa = issue({ issuer: root, kind: 'rsa1024' });
  refused(t, credentials(rsa), 'weak-key', 'cert', /RSA key of 1024 bits, not 2048 to 8192/);
  const curve = issue({ issuer: root, key: keyOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })) });
  refused(t, credentials(curve), 'weak-key', 'cert', /curve secp256k1/);
  const dsa = issue({
    issuer: root,
    key: keyOf(generateKeyPairSync('dsa', { modulusLength: 2_048, divisorLength: 256 })),
  });
  refused(t, credentials(dsa), 'weak-key', 'cert', /kind dsa/);
  const weak = issue({ cn: 'weak', ca: true, issuer: root, kind: 'rsa1024' });
  refused(t, credentials(issue({ issuer: weak })), 'weak-key', 'cert', /certificate 2 of 2/);
});

t.test('signatures that peers refuse; what is good is good for OpenSSL', async (t) => {
  const element = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([tag, 0x82, content.length >> 8, content.length & 255]), content]);
  };
  const id = (hex: string, ...parameters: readonly Uint8Array[]): Buffer =>
    element(0x30, element(0x06, Buffer.from(hex, 'hex')), ...parameters);
  const sha1 = id('2b0e03021a');
  const pss = '2a864886f70d01010a';
  const hashed = (hash: Buffer): Buffer =>
    element(
      0x30,
      element(0xa0, hash),
      element(0xa1, id('2a864886f70d010108', hash)),
      element(0xa2, Buffer.from('020120', 'hex')),
    );
  const signedWith = ({ der }: Issued, algorithm: Buffer): string => {
    const [tbs, , signature] = derElements(onlyElement(der, 0x30)!)!;
    const lines = element(0x30, tbs!.encoded, algorithm, signature!.encoded)
      .toString('base64')
      .match(/.{1,64}/g)!;
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  };
  for (const [what, algorithm, hash] of [
    ['RSA, MD5', id('2a864886f70d010104'), 'MD5'],
    ['RSA, SHA-1', id('2a864886f70d010105'), 'SHA-1'],
    ['RSA, SHA-1, of OIW', id('2b0e03021d'), 'SHA-1'],
    ['ECDSA, SHA-1', id('2a8648ce3d0401'), 'SHA-1'],
    ['PSS as it is by default', id(pss, Buffer.from('3000', 'hex')), 'SHA-1'],
    ['PSS, SHA-1', id(pss, hashed(sha1)), 'SHA-1'],
    ['PSS, SHA-256', id(pss, hashed(id('608648016503040201'))), undefined],
    ['RSA, SHA-256', id('2a864886f70d01010b'), undefined],
    ['RSA, SHA-512', id('2a864886f70d01010d'), undefined],
    ['Ed25519', id('2b6570'), undefined],
  ] as const) {
    const cert = signedWith(leaf, algorithm);
    const pair = { cert, key: leaf.keyPem };
    if (hash === undefined) {
      t.match(checkCredentials(pair), {}, what);
      t.doesNotThrow(() => createSecureContext(pair), `OpenSSL: ${what}`);
    } else
      refused(t, pair, 'weak-key', 'cert', new RegExp(`certificate 1 of 1 is signed with ${hash}: have one issued`));
  }
  const old = id('2a8648ce3d0401');
  const key = leaf.keyPem;
  const below = leaf.pem + signedWith(intermediate, old);
  refused(t, { cert: below, key }, 'weak-key', 'cert', /certificate 2 of 2 is signed with SHA-1/);
  const cert = good.cert + signedWith(root, old);
  t.match(checkCredentials({ cert, key }), {}, 'nobody relies on what a root says of itself');
});

t.test(
  'an encrypted key: without its passphrase, with a wrong one, with the right one; both kinds of PEM',
  async (t) => {
    const options = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
    for (const type of ['pkcs8', 'sec1'] as const) {
      const key = leaf.key.export({ ...options, type }).toString();
      refused(t, { ...good, key }, 'encrypted', 'key', /give its passphrase/);
      refused(t, { ...good, key, passphrase: 'wrong' }, 'encrypted', 'key', /does not open/);
      refused(t, { ...good, key, passphrase: '' }, 'encrypted', 'key', /does not open/);
      t.match(checkCredentials({ ...good, key, passphrase: options.passphrase }), {}, type);
    }
    t.match(checkCredentials({ ...good, passphrase: 'not needed' }), {});
  },
);

t.test('PEM that is not whole: a file cut anywhere is refused', async (t) => {
  for (const part of ['cert', 'key', 'ca'] as const) {
    const whole = part === 'ca' ? root.pem : part === 'cert' ? leaf.pem : good.key;
    let cuts = 0;
    for (let length = 0; length < whole.trimEnd().length; length++) {
      try {
        checkCredentials({ ...good, [part]: whole.slice(0, length) });
        t.fail(`${part} cut at ${length} was taken`);
      } catch (error) {
        if ((error as { fault?: unknown }).fault === 'malformed') cuts++;
      }
    }
    t.equal(cuts, whole.trimEnd().length, `${part}: all ${cuts} cuts`);
  }
});

t.test('what is no PEM, no certificate, no key, or two of them; in time that grows with its length', async (t) => {
  const cases: readonly (readonly ['cert' | 'key' | 'ca', string, RegExp])[] = [
    ['cert', '', /cert holds no PEM block/],
    ['cert', 'tls.crt', /no PEM block/],
    ['cert', good.key, /holds no certificate/],
    ['cert', good.cert.replace('\nM', '\n!'), /not base64/],
    ['cert', good.cert.replace(/\n.{8}/, '\n'), /certificate 1 cannot be read/],
    ['cert', good.cert.replace('END CERTIFICATE', 'END RSA CERTIFICATE'), /does not end/],
    ['cert', good.cert.replace('-----BEGIN CERTIFICATE', '-----BEGIN cert'), /does not end/],
    ['key', good.cert, /holds 0 private keys/],
    ['key', good.key + good.key, /holds 2 private keys/],
    ['key', good.key.replace(/\n.{8}/, '\n'), /cannot be read as a private key/],
    ['key', leaf.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /holds 0 private keys/],
    ['ca', 'nothing', /ca holds no PEM block/],
    ['ca', good.key, /ca holds no certificate/],
  ];
  for (const [part, text, says] of cases) refused(t, { ...good, [part]: text }, 'malformed', part, says);
  const start = performance.now();
  const hostile = [
    '-----BEGIN A-----'.repeat(60_000),
    `-----BEGIN A-----${' '.repeat(1_000_000)}!-----END A-----`,
    '-----BEGIN A-----\nQUFB\n-----END A-----\n'.repeat(20_000),
    `-----BEGIN A-----${'a'.repeat(500_000)}:${'\n'.repeat(500_000)}-----END A-----`,
  ];
  for (const text of hostile) refused(t, { ...good, cert: text }, 'malformed', 'cert', /cert/);
  t.ok(performance.now() - start < 5_000, `${Math.round(performance.now() - start)} ms`);
});

t.test('blocks that share a line: OpenSSL refuses the text, or loses a certificate without a word', async (t) => {
  const [first, second] = [leaf.pem.trimEnd(), intermediate.pem];
  const says = /whose first or last line has something else in it: write the whole PEM file again/;
  for (const between of ['', ' ', 'Subject: CA', '\n ', '\n\uFEFF', '\n\0', ' x\n', '\uFEFF\n'])
    refused(t, { ...good, cert: first + between + second }, 'malformed', 'cert', says);
  for (const before of [' ', '\t', 'key: ']) refused(t, { ...good, key: before + good.key }, 'malformed', 'key', says);
  refused(t, { ...good, ca: root.pem.trimEnd() + root.pem }, 'malformed', 'ca', says);
  for (const between of ['\n', '\r\n', ' \t\n', '\n\nSubject: CA\n'])
    t.match(checkCredentials({ ...good, cert: first + between + second }), {}, JSON.stringify(between));
  t.match(checkCredentials({ cert: good.cert.trimEnd(), key: `${good.key.trimEnd()}  ` }), {}, 'at the end of a file');
});

t.test("OpenSSL's own TRUSTED CERTIFICATE is refused: it would be served, and is not what was checked", async (t) => {
  const trusted = leaf.pem.replaceAll(' CERTIFICATE', ' TRUSTED CERTIFICATE');
  for (const cert of [trusted, trusted + good.cert, good.cert + trusted])
    refused(t, { ...good, cert }, 'malformed', 'cert', /openssl x509 -clrtrust/);
});

t.test('misuse: no strings, no dates, inherited credentials', async (t) => {
  const wrong: readonly unknown[] = [
    undefined,
    null,
    5,
    {},
    { cert: 'x' },
    { ...good, key: Buffer.from('x') },
    { ...good, passphrase: null },
  ];
  for (const each of wrong) t.throws(() => checkCredentials(each as never), ApiMisuseError);
  t.throws(() => checkCredentials(Object.create(good) as never), ApiMisuseError, 'own properties only');
  for (const options of [
    { now: 'today' },
    { now: new Date('x') },
    { warnBefore: -1 },
    { warnBefore: Infinity },
    { when: 1 },
    null,
  ])
    t.throws(() => checkCredentials(good, options as never), ApiMisuseError);
});

t.test('a certificate for a kind of key that nobody knows is refused like any other', async (t) => {
  const id = Buffer.from('06072a8648ce3d0201', 'hex');
  for (const odd of [leaf, intermediate]) {
    const der = Buffer.from(odd.der);
    der[der.indexOf(id) + id.length - 1] = 0x7f;
    const text = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const cert = odd === leaf ? text + intermediate.pem : leaf.pem + text;
    const [fault, part] = odd === leaf ? (['mismatch', 'key'] as const) : (['broken-chain', 'cert'] as const);
    refused(t, { ...good, cert }, fault, part, /./);
  }
});

t.test('a warning may begin before the clock does', async (t) => {
  t.match(checkCredentials(good, { warnBefore: Number.MAX_SAFE_INTEGER }).warnings, [/expires/]);
});
