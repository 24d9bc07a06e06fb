// What engines share, by itself; inside an engine the compliance suite holds it.
import { isIP } from 'node:net';
import {
  alpnList,
  checkOptions,
  clientAuthOption,
  derElements,
  extensionValue,
  flag,
  optionRules,
  ownOptions,
  portOption,
  type RecordBound,
  RecordReader,
  referenceIdentity,
  subjectAlternativeNames,
  subjectPublicKeyInfo,
  verifyOption,
} from '@rxtls/core/engine-parts';
import t from 'tap';

const record = (type: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(5 + length);
  bytes.set([type, 3, 3, length >> 8, length & 255]);
  return bytes;
};

t.test('records: each bound lets its longest record in and refuses one byte more by the header alone', async (t) => {
  const rows: [RecordBound, number, number][] = [
    ['clear', 22, 16_384],
    ['clear', 23, 16_384 + 2048],
    ['older', 22, 16_384 + 2048],
    ['older', 23, 16_384 + 2048],
    ['tls13', 22, 16_384 + 256],
    ['tls13', 23, 16_384 + 256],
  ];
  for (const [bound, type, most] of rows) {
    const reader = new RecordReader();
    reader.push(record(type, most));
    t.match(reader.next(bound), { type, length: most }, `${bound}, type ${type}: ${most} bytes`);
    reader.push(record(type, most + 1).subarray(0, 5));
    t.throws(() => reader.next(bound), { name: 'PeerMisbehavedError', alert: 'record_overflow' });
  }
});

t.test('records: one that is held back stays whole, is not asked about early, and comes when it may', async (t) => {
  const reader = new RecordReader();
  const asked: string[] = [];
  let holds = true;
  const unless = (type: number, length: number): boolean => asked.push(`${type} ${length}`) > 0 && holds;
  const bytes = record(23, 40);
  reader.push(bytes.subarray(0, 44));
  t.equal(reader.next('older', unless), undefined);
  t.same(asked, [], 'it is not complete');
  reader.push(bytes.subarray(44));
  t.equal(reader.next('older', unless), undefined);
  holds = false;
  t.same(reader.next('older', unless)?.bytes, bytes);
  t.same(asked, ['23 40', '23 40']);
  t.equal(reader.clear(), 0);
});

t.test('identities: what is an address is what Node takes for one, and every spelling of it is the same', async (t) => {
  let state = 7;
  const upTo = (most: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % (most + 1);
  };
  const pick = (list: readonly string[]): string => list[upTo(list.length - 1)]!;
  const group = (): string => pick(['', '0', '1', 'ff', '0db8', 'FFFF', 'fffff', 'g', '1.2.3.4', '01.2.3.4', '%eth0']);
  const number = (): string => pick(['', '0', '7', '10', '255', '256', '01', '0x1', '1e1', ' 1']);
  const addresses = { 4: 0, 6: 0 };
  const address = (text: string): Uint8Array | undefined => {
    try {
      const identity = referenceIdentity(text);
      return identity.kind === 'ip' ? identity.address : undefined;
    } catch {
      return undefined;
    }
  };
  for (let round = 0; round < 40_000; round++) {
    const text =
      round % 4 === 0
        ? Array.from({ length: 3 + upTo(2) }, number).join('.')
        : Array.from({ length: 1 + upTo(8) }, () => group() + pick(['', '', '', ':'])).join(':');
    const family = text.includes('%') ? 0 : isIP(text);
    const bytes = address(text);
    if ((bytes === undefined) !== (family === 0)) t.fail(`${JSON.stringify(text)}: Node says ${family}`);
    if (bytes === undefined || (family !== 4 && family !== 6)) continue;
    addresses[family]++;
    const canonical = new URL(family === 4 ? `http://${text}` : `http://[${text}]`).hostname.replaceAll(/[[\]]/g, '');
    if (bytes.join() !== address(canonical)?.join()) t.fail(`${text} is ${canonical}`);
  }
  t.ok(addresses[4] > 100 && addresses[6] > 100, `${addresses[4]} and ${addresses[6]} addresses were tried`);
  t.same(address('::ffff:1.2.3.4'), [...new Uint8Array(10), 255, 255, 1, 2, 3, 4]);
});

const der = (tag: number, ...content: (readonly number[] | Uint8Array)[]): number[] => {
  const inside = content.flatMap((each) => [...each]);
  const { length } = inside;
  return [tag, ...(length < 128 ? [length] : [0x82, length >> 8, length & 255]), ...inside];
};
const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
const names = (...entries: number[][]): number[] =>
  der(0x30, der(0x06, [0x55, 0x1d, 0x11]), der(0x04, der(0x30, ...entries)));
/** As much of a certificate as is read here (RFC 5280 §4.1): version 3 or, left out, 1; the key is `07`. */
const certificate = (version: boolean, ...extensions: number[][]): Uint8Array => {
  const fields = [der(0x02, [1]), der(0x30), der(0x30), der(0x30), der(0x30), der(0x30, [5, 0])];
  const list = der(0xa3, der(0x30, ...extensions));
  const first = version ? [der(0xa0, der(0x02, [2]))] : [];
  return Uint8Array.from(der(0x30, der(0x30, ...first, ...fields, list), der(0x30), der(0x03)));
};

t.test('certificates: subjectAltName comes from the DER, without names that no host has', async (t) => {
  const dns = (text: string): number[] => der(0x82, ascii(text));
  for (const version of [true, false]) {
    const one = certificate(
      version,
      names(
        dns('A.test'),
        dns('a.test\0.evil.test'),
        dns('a.test, DNS:b.test'),
        dns(''),
        dns('a'.repeat(254)),
        dns('\u00e9.test'),
        der(0x81, ascii('mail@a.test')),
        der(0x87, [127, 0, 0, 1]),
        der(0x87, [127, 0, 0, 1, 5]),
      ),
    );
    t.same(subjectAlternativeNames(one), { dns: ['a.test'], addresses: [Uint8Array.of(127, 0, 0, 1)] });
    t.same(subjectPublicKeyInfo(one), [0x30, 2, 5, 0], 'the key is found with and without a version');
  }
});

t.test('certificates: an extension that comes twice is none, nor is anything that cannot be read', async (t) => {
  const none = { dns: [], addresses: [] };
  const good = names(der(0x82, ascii('a.test')));
  t.same(subjectAlternativeNames(certificate(true, good, good)), none, 'RFC 5280 §4.2: at most one');
  t.same(subjectAlternativeNames(certificate(true)), none);
  t.equal(extensionValue(certificate(true, good), Uint8Array.of(0x55, 0x1d, 0x1e)), undefined, 'another extension');
  const whole = certificate(true, good);
  t.same(subjectAlternativeNames(whole).dns, ['a.test']);
  for (let length = 0; length < whole.length; length++)
    t.same(subjectAlternativeNames(whole.subarray(0, length)), none, `cut to ${length} bytes`);
  t.same(subjectAlternativeNames(Uint8Array.from([...whole, 0])), none, 'a byte too many');
  for (const lengths of [[0x80], [0x84, 0, 0, 0, 1], [0x82, 1], [0x7f]])
    t.equal(derElements(Uint8Array.from([0x30, ...lengths, 1])), undefined, `length ${lengths.join()}`);
});

const misuse = { name: 'ApiMisuseError' };

t.test('options: own properties, read once; null and names that are not known are refused', async (t) => {
  let reads = 0;
  const given = Object.create(
    { inherited: true, b: 2 },
    {
      a: { enumerable: true, get: () => ++reads },
      left: { enumerable: true, value: undefined },
    },
  ) as object;
  const own = ownOptions(given, ['a', 'b', 'left'], 'here');
  t.equal(own.a, 1);
  t.equal(own.a, 1, 'read once');
  t.notOk('b' in own || 'left' in own || 'toString' in own, 'nothing is inherited, and undefined is absent');
  t.throws(() => ownOptions({ c: 1 }, ['b', 'a'], 'here'), {
    ...misuse,
    message: /here has no option "c"; it knows a, b/,
  });
  t.throws(() => ownOptions({ ['x'.repeat(1000)]: 1 }, ['a'], 'here'), { ...misuse, message: /^.{20,100}$/s });
  t.throws(() => ownOptions({ a: null }, ['a'], 'here'), misuse);
  for (const wrong of [undefined, null, 1, 'a', [], () => 1]) t.throws(() => ownOptions(wrong, ['a'], 'here'), misuse);
});

t.test('options: each kind takes what it says and refuses the rest', async (t) => {
  t.same([flag(undefined, 'x'), flag(false, 'x'), flag(true, 'x')], [false, false, true]);
  for (const wrong of [0, 1, '', 'true', null]) t.throws(() => flag(wrong, 'x'), misuse);
  t.same([portOption(undefined), portOption(0), portOption(65_535)], [0, 0, 65_535]);
  for (const wrong of [-1, 1.5, 65_536, '443', Number.NaN]) t.throws(() => portOption(wrong), misuse);
  t.same([undefined, 'none', 'request', 'require'].map(clientAuthOption), ['none', 'none', 'request', 'require']);
  for (const wrong of ['', true, 'required', null]) t.throws(() => clientAuthOption(wrong), misuse);
  const verify = (): boolean => true;
  t.equal(verifyOption(verify, 'x'), verify);
  t.equal(verifyOption(undefined, 'x'), undefined);
  for (const wrong of [true, {}, 'x']) t.throws(() => verifyOption(wrong, 'x'), misuse);
});

t.test('options: names of protocols are measured in UTF-8 (RFC 7301 §3.1)', async (t) => {
  t.same(alpnList(undefined), []);
  const list = ['h2', 'http/1.1'];
  const read = alpnList(list);
  list.push('later');
  t.same(read, ['h2', 'http/1.1'], 'a copy');
  t.ok(Object.isFrozen(read));
  for (const unit of ['a', '\u00e9', '\u20ac', '\u{1f600}', '\ud83d', '\ude00'])
    for (let count = 60; count < 258; count++) {
      const name = unit.repeat(count);
      if (Buffer.byteLength(name) <= 255) t.same(alpnList([name]), [name]);
      else t.throws(() => alpnList([name]), misuse);
    }
  for (const wrong of [[], [''], ['h2', 1], 'h2', {}]) t.throws(() => alpnList(wrong), misuse);
});

t.test('checkOptions: each by the rule of its name, and no other', async (t) => {
  const { port, flag, text } = optionRules;
  const check = (options: object): object => checkOptions('connect', options, { port, flag, text });
  t.same(check({}), {});
  t.same(check({ port: 0, flag: false, text: 'a' }), { port: 0, flag: false, text: 'a' });
  t.same(Object.keys(check({ port: undefined })), []);
  let reads = 0;
  const changing = {
    get port() {
      return reads++ === 0 ? 1 : -1;
    },
  };
  t.match(check(changing), { port: 1 }, 'what was held against its rule is what is used');
  t.equal(Object.getPrototypeOf(check({ port: 1 })), null, 'and nothing that a prototype adds');
  for (const [options, message] of [
    [null, 'connect needs an object of options'],
    [{ toString: 1 }, 'connect has no option "toString"; it knows flag, port, text'],
    [{ port: 65_536 }, 'connect: port must be an integer from 0 to 65535'],
    [{ port: '1' }, 'connect: port must be an integer from 0 to 65535'],
    [{ port: null }, 'connect: port must not be null; leave it out instead'],
    [{ flag: 1 }, 'connect: flag must be a boolean'],
    [{ text: '' }, 'connect: text must be a string that is not empty'],
  ] as const)
    t.throws(() => check(options as object), { name: 'ApiMisuseError', message });
});
