// Private keys as people have them: what is read, what is refused, and that no refusal repeats the key.
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import t, { type Test } from 'tap';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { ascii, hex, providers, subjectOf } from './crypto-subject.ts';

const [node, noble] = providers as [CryptoProvider, CryptoProvider];
const message = ascii('what is signed');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const der = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): Uint8Array =>
  Uint8Array.from(key.export({ type: type as 'pkcs8', format: 'der' }));
const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): string =>
  key.export({ type: type as 'pkcs8', format: 'pem' }) as string;
const encrypted = { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;

const signs = (crypto: CryptoProvider, key: unknown, publicKey: KeyObject, passphrase?: string): boolean => {
  const read = crypto.privateKey(key, passphrase);
  const algorithm = read.type === 'ed25519' ? 'ed25519' : read.type === 'rsa' ? 'rsa-pss-sha256' : 'ecdsa-sha384';
  return node.publicKey(subjectOf(publicKey)).verify(algorithm, message, read.sign(algorithm, message));
};

t.test('both read PKCS #8: DER, PEM as text, PEM as bytes, PEM after other things', async (t) => {
  for (const { privateKey, publicKey } of [ec, p384, ed])
    for (const crypto of providers) {
      t.ok(signs(crypto, der(privateKey), publicKey));
      t.ok(signs(crypto, Buffer.from(der(privateKey)), publicKey));
      t.ok(signs(crypto, pem(privateKey), publicKey));
      t.ok(signs(crypto, pem(privateKey).replaceAll('\n', '\r\n'), publicKey));
      t.ok(signs(crypto, ascii(pem(privateKey)), publicKey));
      t.ok(signs(crypto, `Bag Attributes\n  a: b\n${pem(privateKey)}\n`, publicKey));
    }
});

t.test('node reads what OpenSSL reads', async (t) => {
  for (const { privateKey, publicKey } of [ec, p384, ed, rsa]) t.ok(signs(node, privateKey, publicKey), 'KeyObject');
  for (const read of [der, pem]) {
    t.ok(signs(node, read(rsa.privateKey), rsa.publicKey));
    t.ok(signs(node, read(rsa.privateKey, 'pkcs1'), rsa.publicKey), 'PKCS #1');
    t.ok(signs(node, read(ec.privateKey, 'sec1'), ec.publicKey), 'SEC 1');
  }
  t.ok(signs(node, ec.privateKey.export({ ...encrypted, format: 'pem' }), ec.publicKey, 'open sesame'));
  t.ok(signs(node, ec.privateKey.export({ ...encrypted, format: 'der' }), ec.publicKey, 'open sesame'));
});

t.test('the key is a copy', async (t) => {
  for (const crypto of providers) {
    const given = der(ec.privateKey);
    const key = crypto.privateKey(given);
    given.fill(0);
    t.ok(node.publicKey(subjectOf(ec.publicKey)).verify('ecdsa-sha256', message, key.sign('ecdsa-sha256', message)));
  }
});

/** Eight characters of the key in any of the forms in which a message could repeat them, and the passphrase. */
function leaks(error: Error, key: unknown): boolean {
  const said = `${error.message} ${String(error.cause)} ${JSON.stringify(error)}`.toLowerCase();
  const bytes = typeof key === 'string' ? ascii(key) : key instanceof Uint8Array ? key : new Uint8Array();
  const forms = ['hex', 'base64', 'latin1'] as const;
  return (
    said.includes('sesame') ||
    forms.some((form) => {
      const text = Buffer.from(bytes).toString(form).toLowerCase();
      // Labels are no secret
      const secret = text.replaceAll(/-----[^-]*-----/g, '');
      for (let at = 0; at + 8 <= secret.length; at += 1) if (said.includes(secret.slice(at, at + 8))) return true;
      return false;
    })
  );
}

const refused = (t: Test, crypto: CryptoProvider, key: unknown, says: RegExp, passphrase?: string): void => {
  try {
    crypto.privateKey(key, passphrase);
    t.fail(`${crypto.name} read it`);
  } catch (error) {
    t.ok(error instanceof ApiMisuseError, String(error));
    t.match((error as Error).message, says);
    t.notOk(leaks(error as Error, key), 'nothing of the key is said');
  }
};

t.test('what is no private key is refused, and the message says what would be one', async (t) => {
  const damaged = der(ec.privateKey);
  damaged[1]! -= 1;
  const encryptedPem = ec.privateKey.export({ ...encrypted, format: 'pem' });
  const encryptedDer = Uint8Array.from(ec.privateKey.export({ ...encrypted, format: 'der' }));
  for (const crypto of providers) {
    for (const key of [undefined, null, 5, {}, [1, 2, 3], new ArrayBuffer(5)])
      refused(t, crypto, key, /private key is/);
    for (const key of ['', 'my key', new Uint8Array(), ascii('my key'), hex('3000'), hex('30820500'), damaged])
      refused(t, crypto, key, /private key/);
    refused(t, crypto, ec.publicKey.export({ type: 'spki', format: 'pem' }), /private key/);
    refused(t, crypto, Uint8Array.from(ec.publicKey.export({ type: 'spki', format: 'der' })), /private key/);
    refused(t, crypto, pem(ec.privateKey).replace(/[A-Z]/g, '!'), /private key/);
    refused(t, crypto, pem(ec.privateKey).slice(0, 100), /private key/);
    refused(t, crypto, encryptedPem, /passphrase|encrypted/);
    refused(t, crypto, encryptedPem, /passphrase|encrypted/, 'another sesame');
    refused(t, crypto, encryptedDer, /passphrase|PKCS #8/);
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
    refused(t, crypto, der(other), /P-256/);
    refused(t, crypto, der(generateKeyPairSync('x25519').privateKey), /P-256/);
  }
  refused(t, node, ec.publicKey, /private key is wanted/);
  refused(t, node, createSecretKey(Buffer.alloc(32)), /private key is wanted/);
  refused(t, noble, ec.privateKey, /PKCS #8/);
  refused(t, noble, pem(ec.privateKey, 'sec1'), /openssl pkey/);
  refused(t, noble, pem(rsa.privateKey, 'pkcs1'), /openssl pkey/);
  refused(t, noble, der(ec.privateKey, 'sec1'), /openssl pkcs8/);
  refused(t, noble, pem(rsa.privateKey), /signature task/);
  refused(t, noble, new Uint8Array(70_000).fill(0x30), /65536 bytes/);
});

t.test('noble: a PKCS #8 key is read to the last bit', async (t) => {
  const good = der(ec.privateKey);
  for (let length = 0; length < good.length; length += 1)
    t.throws(() => noble.privateKey(good.slice(0, length)), ApiMisuseError, `cut at ${length}`);
  refused(t, noble, Uint8Array.from([...good, 0]), /PKCS #8/);
  const head = '304102010030130607 2a8648ce3d0201 06082a8648ce3d030107 0427 3025020101 0420';
  refused(t, noble, hex(head + '00'.repeat(32)), /range/);
  refused(t, noble, hex(`${head}ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551`), /range/);
  t.ok(noble.privateKey(hex(`${head}ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550`)));
  const swapped = good.slice();
  swapped.set(der(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).subarray(-64), good.length - 64);
  refused(t, noble, swapped, /not its own/);
  // RFC 8410 §10.3: with attributes and the public key
  const full = hex(
    `3072020101300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273812100
     19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1`,
  );
  t.same(
    noble.privateKey(full).publicKeyInfo.slice(-32),
    hex('19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1'),
  );
});
