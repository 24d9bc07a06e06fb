// Hashes, HMAC and the AEADs of records, by both providers, against published values and each other.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { ApiMisuseError } from '@rxtls/core/engine';
import { type CipherSuiteName, cipherSuite } from '../src/crypto/cipher-suite.ts';
import type { CryptoProvider, RecordKey } from '../src/crypto/crypto-provider.ts';
import { ascii, hex, providers, toHex } from './crypto-subject.ts';

const suites = Object.keys(cipherSuite) as CipherSuiteName[];
const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));
const sealed = (key: RecordKey, nonce: Uint8Array, header: Uint8Array, content: Uint8Array, trailer: Uint8Array) => {
  const out = new Uint8Array(content.length + trailer.length + 16);
  key.seal(nonce, header, content, trailer, out, 0);
  return out;
};
const [node, noble] = providers as [CryptoProvider, CryptoProvider];

for (const crypto of providers) {
  t.test(`${crypto.name}: hashes`, async (t) => {
    t.equal(toHex(crypto.sha256(ascii('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    for (const name of ['sha256', 'sha384'] as const) {
      const running = crypto.hash(name);
      running.update(ascii('a'));
      const first = running.digest();
      running.update(ascii('bc'));
      t.notSame(first, running.digest(), 'hashing goes on');
      t.same(running.digest(), running.digest(), 'a digest changes nothing');
      const whole = crypto.hash(name);
      whole.update(ascii('abc'));
      t.same(running.digest(), whole.digest());
      t.equal(Object.getPrototypeOf(whole.digest()), Uint8Array.prototype, 'no Buffer');
    }
    const running = crypto.hash('sha384');
    running.update(ascii('abc'));
    t.equal(
      toHex(running.digest()),
      'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
      'FIPS 180',
    );
  });

  t.test(`${crypto.name}: HMAC (RFC 4231 §4.3), whole and in two`, async (t) => {
    const want = {
      sha256: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      sha384: 'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    };
    for (const name of ['sha256', 'sha384'] as const) {
      const key = ascii('Jefe');
      t.equal(toHex(crypto.hmac(name, key, ascii('what do ya want for nothing?'))), want[name]);
      t.equal(toHex(crypto.hmac(name, key, ascii('what do ya '), ascii('want for nothing?'))), want[name]);
      t.same(node.hmac(name, new Uint8Array(), key), noble.hmac(name, new Uint8Array(), key), 'an empty key');
      const long = random(200);
      t.same(node.hmac(name, long, key, long), noble.hmac(name, long, key, long), 'a key longer than a block');
    }
  });

  t.test(`${crypto.name}: equal`, async (t) => {
    t.ok(crypto.equal(hex('010203'), hex('010203')));
    t.ok(crypto.equal(hex(''), hex('')));
    t.notOk(crypto.equal(hex('010203'), hex('010202')));
    t.notOk(crypto.equal(hex('010203'), hex('810203')));
    t.notOk(crypto.equal(hex('010203'), hex('0102')));
    t.notOk(crypto.equal(hex(''), hex('00')));
  });

  t.test(`${crypto.name}: AEADs have the published values`, async (t) => {
    const zeros = (length: number): Uint8Array => new Uint8Array(length);
    const gcm = (name: CipherSuiteName, bytes: number): string | undefined =>
      toHex(sealed(crypto.recordKey(cipherSuite[name], zeros(bytes)), zeros(12), zeros(0), zeros(15), zeros(1)));
    t.equal(
      gcm('TLS_AES_128_GCM_SHA256', 16),
      '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf',
      'test case 2',
    );
    t.equal(
      gcm('TLS_AES_256_GCM_SHA384', 32),
      'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
      'test case 14',
    );
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    const key = crypto.recordKey(
      cipherSuite.TLS_CHACHA20_POLY1305_SHA256,
      Uint8Array.from({ length: 32 }, (_, at) => 0x80 + at),
    );
    const [nonce, header] = [hex('070000004041424344454647'), hex('50515253c0c1c2c3c4c5c6c7')];
    const out = sealed(key, nonce, header, ascii(text.slice(0, -1)), ascii('.'));
    t.equal(toHex(out.subarray(0, 16)), 'd31a8d34648e60db7b86afbc53ef7ec2', 'RFC 8439 §2.8.2');
    t.equal(toHex(out.subarray(-16)), '1ae10b594f09e26a7e902ecbd0600691');
    // RFC 8448 §3: the client's Finished; its sequence number is 0, so that the nonce is the IV
    const finished = hex(
      `75ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384bd1caeacab6867d726c40546`,
    );
    const client = crypto.recordKey(cipherSuite.TLS_AES_128_GCM_SHA256, hex('dbfaa693d1762c5b666af5d950258d01'));
    t.equal(
      toHex(client.open(hex('5bd3c71b836e0b76bb73265f'), hex('1703030035'), finished)),
      '14000020a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce6116',
    );
  });

  t.test(`${crypto.name}: a record goes where it is told, and nothing else is written`, async (t) => {
    for (const name of suites)
      for (const bytes of [0, 1, 100, 2048, 16_384, 17_407, 17_408, 30_000]) {
        const key = crypto.recordKey(cipherSuite[name], random(cipherSuite[name].keyBytes));
        const [nonce, header, content] = [random(12), random(5), random(bytes)];
        const kept = content.slice();
        const out = new Uint8Array(bytes + 40).fill(0xa5);
        key.seal(nonce, header, content, hex('17'), out, 5);
        t.same(content, kept, `${name}, ${bytes} bytes: the content is untouched`);
        t.ok([...out.subarray(0, 5), ...out.subarray(5 + bytes + 17)].every((byte) => byte === 0xa5));
        const record = out.subarray(5, 5 + bytes + 17);
        const opened = key.open(nonce, header, record)!;
        t.same(opened, Uint8Array.from([...content, 0x17]));
        t.equal(Object.getPrototypeOf(opened), Uint8Array.prototype, 'no Buffer');
        t.notOk(opened.buffer === record.buffer, 'a fresh array');
      }
  });

  t.test(`${crypto.name}: nothing opens that was touched`, async (t) => {
    for (const name of suites) {
      const key = crypto.recordKey(cipherSuite[name], random(cipherSuite[name].keyBytes));
      const [nonce, header] = [random(12), random(5)];
      const record = sealed(key, nonce, header, random(20), hex('17'));
      t.ok(key.open(nonce, header, record));
      for (let at = 0; at < record.length; at += 1) {
        const other = record.slice();
        other[at]! ^= 1 << (at % 8);
        t.equal(key.open(nonce, header, other), undefined, `${name}: byte ${at}`);
      }
      for (let length = 0; length < record.length; length += 1)
        t.equal(key.open(nonce, header, record.subarray(0, length)), undefined, `${name}: cut at ${length}`);
      t.equal(key.open(nonce, header, Uint8Array.from([...record, 0])), undefined);
      t.equal(key.open(random(12), header, record), undefined, 'another nonce');
      t.equal(key.open(nonce, random(5), record), undefined, 'another header');
      const stranger = crypto.recordKey(cipherSuite[name], random(cipherSuite[name].keyBytes));
      t.equal(stranger.open(nonce, header, record), undefined, 'another key');
    }
  });

  t.test(`${crypto.name}: the key is a copy, and a wiped one does nothing`, async (t) => {
    for (const name of suites) {
      const secret = random(cipherSuite[name].keyBytes);
      const key = crypto.recordKey(cipherSuite[name], secret);
      const [nonce, header] = [random(12), random(5)];
      const before = sealed(key, nonce, header, hex('00'), hex('17'));
      secret.fill(0);
      t.same(sealed(key, nonce, header, hex('00'), hex('17')), before);
      key.wipe();
      t.throws(() => sealed(key, nonce, header, hex('00'), hex('17')), ApiMisuseError);
      t.throws(() => key.open(nonce, header, before), ApiMisuseError);
    }
  });
}

t.test('what one seals the other opens', async (t) => {
  for (const name of suites)
    for (const bytes of [0, 1, 15, 16, 17, 63, 64, 65, 1000, 5000, 16_384]) {
      const secret = random(cipherSuite[name].keyBytes);
      const [nonce, header, content] = [random(12), random(5), random(bytes)];
      const [one, other] = [node, noble].map((each) => each.recordKey(cipherSuite[name], secret)) as [
        RecordKey,
        RecordKey,
      ];
      const record = sealed(one, nonce, header, content, hex('16'));
      t.same(sealed(other, nonce, header, content, hex('16')), record, `${name}, ${bytes} bytes`);
      t.same(other.open(nonce, header, record), one.open(nonce, header, record));
    }
});

t.test('each prefers what it is quick and safe at', async (t) => {
  t.same(
    node.cipherSuites.map(({ name }) => name),
    suites,
  );
  t.same(
    noble.cipherSuites.map(({ name }) => name),
    [suites[2], suites[0], suites[1]],
  );
});

t.test('roots: those of Node, in DER', async (t) => {
  const roots = node.roots!();
  t.ok(roots.length > 50 && roots.every((der) => der[0] === 0x30));
  t.notOk('roots' in noble);
});
