// DER and nothing that is BER only: the reader's own rules, and those of the values in a certificate.
import { CertificateError } from '@rxtls/core/engine';
import t from 'tap';
import { certificateTime } from '../src/certificate/certificate-time.ts';
import { DerReader } from '../src/certificate/der-reader.ts';
import { readObjectId } from '../src/certificate/object-id.ts';
import { parseCertificate } from '../src/certificate/parse-certificate.ts';
import {
  algorithms,
  attribute,
  around,
  bits,
  cnName,
  extension,
  generalized,
  hex,
  issue,
  now,
  oid,
  seq,
  tlv,
  utc,
} from './certificate-pki.ts';

const reader = (bytes: string | Uint8Array): DerReader =>
  new DerReader(typeof bytes === 'string' ? new Uint8Array(hex(bytes)) : bytes, 'x');
const refused = { name: 'CertificateError', reason: 'bad-certificate' };

t.test('lengths: definite, in the fewest bytes, within what is around', async (t) => {
  t.same(reader('04 02 0a0b').content(4, 'f'), new Uint8Array([0x0a, 0x0b]));
  t.equal(reader(tlv(4, Buffer.alloc(200))).content(4, 'f').length, 200);
  t.equal(reader(tlv(4, Buffer.alloc(300))).content(4, 'f').length, 300);
  t.equal(reader(tlv(4, Buffer.alloc(70_000))).content(4, 'f').length, 70_000);
  for (const [bytes, why] of [
    ['', 'nothing'],
    ['04', 'no length'],
    ['0402 0a', 'cut off'],
    ['0481 02 0a0b', '81 where one byte does'],
    ['0482 00c8' + '00'.repeat(200), '82 where 81 does'],
    ['0483 00012c' + '00'.repeat(300), '83 where 82 does'],
    ['0484 0000000a' + '00'.repeat(10), '84'],
    ['0484 7fffffff 00', 'two gigabytes claimed'],
    ['0488 ffffffffffffffff 00', 'more than a number holds'],
    ['04ff', 'the reserved length'],
    ['0480 0a 0000', 'indefinite'],
    ['2480 0401 0a 0000', 'constructed and indefinite'],
    ['2403 0401 0a', 'constructed string'],
  ] as const)
    t.throws(() => reader(bytes).content(4, 'f'), refused, why);
});

t.test('tags under 31 and no end of contents; nothing after the end; depth and work are bounded', async (t) => {
  for (const bytes of ['2601 00', '10 00', '11 00', '2100', '1f 04 00', '3f 8104 00', 'bf 1f 00', '00 00', '0000'])
    t.throws(() => reader(bytes).any('f'), refused, bytes);
  const trailing = reader('0400 00');
  trailing.any('f');
  t.throws(() => trailing.end(), refused);
  let nested = reader(new Uint8Array(0));
  t.throws(() => {
    for (let depth = 0; depth < 64; depth++) nested = nested.nested(new Uint8Array(0), 'deeper');
  }, refused);
  const many = reader(Buffer.alloc(65_536, hex('0500')));
  let read = 0;
  t.throws(() => {
    while (!many.isAtEnd) {
      many.any('f');
      read++;
    }
  }, refused);
  t.equal(read, 8_192);
  const inside = reader(Buffer.alloc(65_536, hex('0500')));
  t.throws(
    () => {
      for (;;) inside.nested(hex('0500'), 'below').any('f');
    },
    refused,
    'what is read below counts',
  );
});

t.test('integers, booleans, bit strings, object identifiers', async (t) => {
  t.same(reader('0201 00').unsigned('f'), new Uint8Array([0]));
  t.same(reader('0202 0080').unsigned('f'), new Uint8Array([0x80]));
  t.equal(reader('0204 7fffffff').small('f'), 2 ** 31 - 1);
  for (const bytes of ['0200', '0202 0001', '0202 007f', '0201 ff', '0202 ff80', '0201 80', '0a01 01'])
    t.throws(() => reader(bytes).unsigned('f'), refused, bytes);
  for (const bytes of ['0205 0080000000', '0209 00ffffffffffffffff'])
    t.throws(() => reader(bytes).small('f'), refused, bytes);
  t.equal(reader('0101 ff').trueOrAbsent('f'), true);
  t.equal(reader('').trueOrAbsent('f'), false);
  for (const bytes of ['0101 01', '0101 00', '0100', '0102 ffff'])
    t.throws(() => reader(bytes).trueOrAbsent('f'), refused, bytes);
  t.same(reader('0302 00 aa').bitStringBytes('f'), new Uint8Array([0xaa]));
  for (const bytes of ['0300', '0302 01 aa', '0302 08 00', '2304 0302 00aa'])
    t.throws(() => reader(bytes).bitStringBytes('f'), refused, bytes);
  for (const [bytes, text] of [
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['551d13', '2.5.29.19'],
    ['00', '0.0'],
    ['8837', '2.999'],
    ['6983a0d6a4dbf5a6dbb4b2aadf8be7d4a9bbad6a', undefined],
    ['69' + 'ff'.repeat(17) + '7f', `2.25.${2n ** 126n - 1n}`],
    ['', undefined],
    ['80', undefined],
    ['2a8001', undefined],
    ['2a80', undefined],
    ['2aff', undefined],
    ['2a' + '01'.repeat(64), undefined],
  ] as const) {
    const read = readObjectId(hex(bytes));
    if (bytes.startsWith('6983')) t.match(read, /^2\.25\.\d{30,}$/, 'a UUID');
    else t.equal(read, text, bytes);
  }
});

t.test('times: Z, seconds, dates that there are', async (t) => {
  const time = (tag: number, text: string): number => certificateTime(reader(tlv(tag, text)), 'f');
  t.equal(time(0x17, '300615000000Z'), now);
  t.equal(time(0x18, '20300615000000Z'), now);
  t.equal(time(0x17, '500101000000Z'), Date.UTC(1950, 0, 1));
  t.equal(time(0x17, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
  t.equal(time(0x18, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
  t.equal(time(0x18, '20240229000000Z'), Date.UTC(2024, 1, 29));
  t.ok(time(0x18, '00500101000000Z') < Date.UTC(1000, 0, 1));
  for (const [tag, text] of [
    [0x17, '3006150000Z'],
    [0x17, '300615000000+0000'],
    [0x17, '300615000000'],
    [0x17, '20300615000000Z'],
    [0x17, '300230000000Z'],
    [0x17, '301315000000Z'],
    [0x17, '300615240000Z'],
    [0x17, '300615006000Z'],
    [0x17, '300615000060Z'],
    [0x17, '3006150000 0Z'],
    [0x17, '-10615000000Z'],
    [0x17, ''],
    [0x18, '20300615000000.5Z'],
    [0x18, '20230229000000Z'],
    [0x18, '300615000000Z'],
    [0x18, '20300615000000Z\0'],
    [0x04, '20300615000000Z'],
  ] as const)
    t.throws(() => time(tag, text), refused, text);
});

t.test('what a certificate may not be, whoever signed it', async (t) => {
  const issuer = issue({ cn: 'issuer', ca: true });
  const algorithm = algorithms['ecdsa-sha256'];
  const validity = seq(utc(now), generalized(now + 1));
  const good = {
    version: hex('a003020102'),
    serial: hex('020101'),
    algorithm,
    issuer: cnName('issuer'),
    validity,
    subject: cnName('subject'),
    key: issuer.keys.spki,
    ids: Buffer.alloc(0),
    extensions: tlv(0xa3, seq(extension('2.5.29.19', seq()))),
    more: Buffer.alloc(0),
  };
  const made = (change: Partial<Record<keyof typeof good, Buffer>>): Uint8Array =>
    around(seq(...Object.values({ ...good, ...change })), issuer);
  const none = Buffer.alloc(0);
  const exts = (...list: Buffer[]): Buffer => tlv(0xa3, seq(...list));
  t.equal(parseCertificate(made({})).version, 3);
  t.equal(parseCertificate(made({ version: none, extensions: none })).version, 1);
  t.equal(parseCertificate(made({ version: hex('a003020101'), extensions: none, ids: hex('8102 00aa') })).version, 2);
  t.same(
    parseCertificate(made({ serial: hex('020100') })).serial,
    new Uint8Array(1),
    'roots in use have serial number zero',
  );
  t.ok(parseCertificate(made({ serial: tlv(2, Buffer.alloc(1), Buffer.alloc(20, 0xff)) })));
  t.same(parseCertificate(made({ subject: seq() })).subjectName, []);
  t.equal(
    parseCertificate(made({ extensions: exts(extension('2.5.29.15', hex('0303070600'))) })).keyUsage?.keyCertSign,
    true,
  );
  const wrong: Record<string, Uint8Array> = {
    'version 1 written out': made({ version: hex('a003020100'), extensions: none }),
    'version 4': made({ version: hex('a003020103') }),
    'extensions in version 1': made({ version: none }),
    'extensions in version 2': made({ version: hex('a003020101') }),
    'unique identifiers in version 1': made({ version: none, ids: hex('8102 00aa'), extensions: none }),
    'negative serial number': made({ serial: hex('0201ff') }),
    'padded serial number': made({ serial: hex('02020001') }),
    'serial number of 21 bytes': made({ serial: tlv(2, Buffer.alloc(21, 1)) }),
    'another algorithm inside': made({ algorithm: algorithms['ecdsa-sha384'] }),
    'the same algorithm with NULL inside': made({ algorithm: seq(oid('1.2.840.10045.4.3.2'), hex('0500')) }),
    'no issuer': made({ issuer: seq() }),
    'an empty part of a name': made({ subject: seq(tlv(0x31)) }),
    'an attribute with three fields': made({
      subject: seq(tlv(0x31, seq(oid('2.5.4.3'), tlv(12, 'a'), tlv(12, 'b')))),
    }),
    'half a character': made({ subject: seq(attribute('2.5.4.3', 'abc', 0x1e)) }),
    'three quarters of a character': made({ subject: seq(attribute('2.5.4.3', 'abc', 0x1c)) }),
    'a string that is no UTF-8': made({ subject: seq(attribute('2.5.4.3', 'evil\xff')) }),
    'a string of more than Unicode': made({ subject: seq(attribute('2.5.4.3', '\0\x11\0\0', 0x1c)) }),
    'a number as a name': made({ subject: seq(attribute('2.5.4.3', '\x01', 0x02)) }),
    'an other name without type': made({ extensions: exts(extension('2.5.29.17', seq(tlv(0xa0, 'abc')))) }),
    'an other name with more': made({
      extensions: exts(extension('2.5.29.17', seq(tlv(0xa0, oid('1.2.3'), tlv(0xa0, hex('0500'), hex('0500')))))),
    }),
    'a registered identifier that is none': made({ extensions: exts(extension('2.5.29.17', seq(tlv(0x88, '\x80')))) }),
    'an attribute of a context': made({ subject: seq(attribute('2.5.4.3', 'abc', 0xa0)) }),
    'a constructed identifier in parameters': made({
      key: seq(seq(oid('1.2.840.10045.2.1'), hex('2603060100')), bits(hex('04'))),
    }),
    'validity of one time': made({ validity: seq(utc(now)) }),
    'validity of three times': made({ validity: seq(utc(now), utc(now), utc(now)) }),
    'an empty list of extensions': made({ extensions: exts() }),
    'two of one extension': made({ extensions: exts(extension('2.5.29.19', seq()), extension('2.5.29.19', seq())) }),
    'two of one unknown extension': made({ extensions: exts(extension('1.2.3', seq()), extension('1.2.3', seq())) }),
    'critical FALSE written out': made({ extensions: exts(seq(oid('1.2.3'), hex('010100'), tlv(4, seq()))) }),
    'critical 01': made({ extensions: exts(seq(oid('1.2.3'), hex('010101'), tlv(4, seq()))) }),
    'an extension without value': made({ extensions: exts(seq(oid('1.2.3'))) }),
    'an extension with more': made({ extensions: exts(seq(oid('1.2.3'), tlv(4, seq()), hex('0500'))) }),
    'cA FALSE written out': made({ extensions: exts(extension('2.5.29.19', seq(hex('010100')))) }),
    'a negative pathLenConstraint': made({ extensions: exts(extension('2.5.29.19', seq(hex('0101ff0201ff')))) }),
    'bytes after basicConstraints': made({
      extensions: exts(extension('2.5.29.19', Buffer.concat([seq(), hex('0500')]))),
    }),
    'keyUsage with unused bits set': made({ extensions: exts(extension('2.5.29.15', hex('03020181'))) }),
    'keyUsage of no bit': made({ extensions: exts(extension('2.5.29.15', hex('03020000'))) }),
    'keyUsage of no byte': made({ extensions: exts(extension('2.5.29.15', hex('030100'))) }),
    'keyUsage with eight unused bits': made({ extensions: exts(extension('2.5.29.15', hex('03020880'))) }),
    'an empty extKeyUsage': made({ extensions: exts(extension('2.5.29.37', seq())) }),
    'an empty subjectAltName': made({ extensions: exts(extension('2.5.29.17', seq())) }),
    'a name of no form': made({ extensions: exts(extension('2.5.29.17', seq(tlv(0x89, 'a')))) }),
    'empty name constraints': made({ extensions: exts(extension('2.5.29.30', seq())) }),
    'an empty list of subtrees': made({ extensions: exts(extension('2.5.29.30', seq(tlv(0xa0)))) }),
    'a subtree with minimum': made({
      extensions: exts(extension('2.5.29.30', seq(tlv(0xa0, seq(tlv(0x82, 'a'), hex('800101')))))),
    }),
    'a mask with a hole': made({
      extensions: exts(extension('2.5.29.30', seq(tlv(0xa0, seq(tlv(0x87, hex('0a000000 ff00ff00'))))))),
    }),
    'a network of five bytes': made({
      extensions: exts(extension('2.5.29.30', seq(tlv(0xa0, seq(tlv(0x87, hex('0a000000ff'))))))),
    }),
    'something after the extensions': made({ more: hex('0500') }),
    'extensions before the identifiers': made({ more: hex('8202 00aa') }),
    'an RSA key without NULL': made({
      key: seq(seq(oid('1.2.840.113549.1.1.1')), bits(seq(hex('020103'), hex('020103')))),
    }),
    'an even RSA key': made({
      key: seq(seq(oid('1.2.840.113549.1.1.1'), hex('0500')), bits(seq(hex('020104'), hex('020103')))),
    }),
    'an exponent of one': made({
      key: seq(seq(oid('1.2.840.113549.1.1.1'), hex('0500')), bits(seq(hex('020105'), hex('020101')))),
    }),
    'an exponent of nine bytes': made({
      key: seq(seq(oid('1.2.840.113549.1.1.1'), hex('0500')), bits(seq(hex('020105'), tlv(2, Buffer.alloc(9, 1))))),
    }),
    'bytes after an RSA key': made({
      key: seq(seq(oid('1.2.840.113549.1.1.1'), hex('0500')), bits(seq(hex('020105'), hex('020103')), hex('00'))),
    }),
    'an unused bit in a key': made({ key: seq(seq(oid('1.3.101.112')), tlv(3, Buffer.from([1]), Buffer.alloc(32))) }),
    'bytes after the certificate': Buffer.concat([made({}), hex('00')]),
    'a signature with an unused bit': seq(...pieces(made({})), tlv(3, hex('01aa'))),
    'four parts': seq(...pieces(made({})), bits(hex('00')), hex('0500')),
    'no bytes': new Uint8Array(0),
  };
  for (const [what, der] of Object.entries(wrong)) t.throws(() => parseCertificate(new Uint8Array(der)), refused, what);
  t.ok(Object.keys(wrong).length > 40);
  const error = (() => {
    try {
      return parseCertificate(new Uint8Array(wrong['version 4']!));
    } catch (caught) {
      return caught;
    }
  })();
  t.ok(error instanceof CertificateError);
  t.match((error as Error).message, /certificate\.body\.tbsCertificate\.version/, 'the error says where');
});

/** tbsCertificate and signatureAlgorithm of a certificate. */
function pieces(der: Uint8Array): Buffer[] {
  const outer = new DerReader(der, 'x').inside(0x30, 'f');
  return [Buffer.from(outer.any('f').encoded), Buffer.from(outer.any('f').encoded)];
}
