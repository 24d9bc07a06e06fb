// Names: whom a certificate is for (RFC 9525), and what an authority may issue for (RFC 5280 §4.2.1.10).
import t from 'tap';
import { opensslVerdict, opensslVersion } from './certificate-openssl.ts';
import {
  attribute,
  cnName,
  extension,
  hex,
  type Issued,
  issue,
  judge,
  keys,
  oid,
  seq,
  tlv,
  verdict,
  type Wish,
} from './certificate-pki.ts';

const root = issue({ cn: 'root', ca: true });
const leafKeys = keys('p256');
const leaf = (wish: Wish): Issued => issue({ issuer: root, keys: leafKeys, usage: ['serverAuth'], ...wish });
const version = opensslVersion();
if (version === undefined) t.comment('openssl is not installed: its verdicts are not compared');

t.test('the name: subjectAltName alone, whole left-most wildcards, addresses by their bytes', async (t) => {
  const mapped = [...Array(10).fill(0), 255, 255, 127, 0, 0, 1];
  const loopback = [...Array(15).fill(0), 1];
  const good: [Wish, string][] = [
    [{ dns: ['host.test'] }, 'host.test'],
    [{ dns: ['HOST.Test'] }, 'host.TEST'],
    [{ dns: ['host.test'] }, 'host.test.'],
    [{ dns: ['other.test', 'host.test'] }, 'host.test'],
    [{ dns: ['*.wild.test'] }, 'a.wild.test'],
    [{ dns: ['*.WILD.test'] }, 'A.wild.test'],
    [{ dns: ['xn--bcher-kva.test'] }, 'xn--bcher-kva.test'],
    [{ dns: ['*.xn--bcher-kva.test'] }, 'xn--a.xn--bcher-kva.test'],
    [{ dns: ['under_score.test'] }, 'under_score.test'],
    [{ ips: [[127, 0, 0, 1]] }, '127.0.0.1'],
    [{ ips: [loopback] }, '::1'],
    [{ ips: [loopback] }, '0:0:0:0:0:0:0:1'],
    [{ ips: [mapped] }, '::ffff:127.0.0.1'],
    [{ dns: ['host.test'], moreNames: [tlv(0x81, 'me@host.test'), tlv(0x86, 'https://x.test/')] }, 'host.test'],
  ];
  const bad: [Wish, string][] = [
    [{ dns: ['other.test'] }, 'host.test'],
    [{ cn: 'host.test' }, 'host.test'],
    [{ cn: 'host.test', dns: ['other.test'] }, 'host.test'],
    [{ cn: 'host.test', moreNames: [tlv(0x81, 'host.test')] }, 'host.test'],
    [{ cn: '127.0.0.1' }, '127.0.0.1'],
    [{ dns: ['host.test\0.evil.test'] }, 'host.test'],
    [{ dns: ['host.test\0'] }, 'host.test'],
    [{ dns: ['host.test.'] }, 'host.test'],
    [{ dns: [' host.test'] }, 'host.test'],
    [{ dns: ['host.test,dns:other.test'] }, 'host.test'],
    [{ dns: ['.host.test'] }, 'a.host.test'],
    [{ dns: ['*.wild.test'] }, 'wild.test'],
    [{ dns: ['*.wild.test'] }, 'a.b.wild.test'],
    [{ dns: ['*'] }, 'test'],
    [{ dns: ['*'] }, 'host.test'],
    [{ dns: ['*.test'] }, 'host.test'],
    [{ dns: ['*.'] }, 'host.test'],
    [{ dns: ['w*.wild.test'] }, 'web.wild.test'],
    [{ dns: ['*b.wild.test'] }, 'web.wild.test'],
    [{ dns: ['a.*.wild.test'] }, 'a.b.wild.test'],
    [{ dns: ['*.*.test'] }, 'a.b.test'],
    [{ dns: ['**.wild.test'] }, 'a.wild.test'],
    [{ dns: ['xn--*.wild.test'] }, 'xn--a.wild.test'],
    [{ dns: ['b\u00fccher.test'] }, 'xn--bcher-kva.test'],
    [{ dns: ['127.0.0.1'] }, '127.0.0.1'],
    [{ dns: ['*.0.0.1'] }, '127.0.0.1'],
    [{ dns: ['::1'] }, '::1'],
    [{ ips: [[127, 0, 0, 2]] }, '127.0.0.1'],
    [{ ips: [mapped] }, '127.0.0.1'],
    [{ ips: [[127, 0, 0, 1]] }, '::ffff:127.0.0.1'],
    [{ ips: [[127, 0, 0, 1, 0]] }, '127.0.0.1'],
    [{ ips: [[104, 111, 115, 116]] }, 'host'],
    [{ moreNames: [tlv(0x86, 'host.test')] }, 'host.test'],
    [{ moreNames: [tlv(0xa4, cnName('host.test'))] }, 'host.test'],
    [{ moreNames: [tlv(0xa0, oid('1.2.3'), tlv(0xa0, tlv(0x0c, 'host.test')))] }, 'host.test'],
    [{ extensions: [extension('1.2.3.4', seq(tlv(0x82, 'host.test')))] }, 'host.test'],
  ];
  const folder = t.testdir();
  for (const [list, want] of [
    [good, 'ok'],
    [bad, 'wrong-name'],
  ] as const)
    for (const [wish, name] of list) {
      const shown = leaf(wish);
      const what = `${name} by ${JSON.stringify(wish).slice(0, 100)}`;
      t.equal(verdict(judge([shown], [root], { name })), want, what);
      t.equal(verdict(judge([shown], [root])), 'ok', `${what}: nothing but the name is wrong`);
      if (version !== undefined && want === 'ok') {
        const { ok, said } = opensslVerdict(folder, [shown], [root], { name: name.replace(/\.$/, '') });
        t.ok(ok, `${what}: OpenSSL accepts what we accept: ${said}`);
      }
    }
});

const dns = (text: string): Buffer => tlv(0x82, text);
const ip = (text: string): Buffer => tlv(0x87, hex(text));
const mail = (text: string): Buffer => tlv(0x81, text);
const dir = (...parts: Buffer[]): Buffer => tlv(0xa4, seq(...parts));
const org = (text: string, tag?: number): Buffer => attribute('2.5.4.10', text, tag);
const only = (...bases: Buffer[]): Buffer => tlv(0xa0, ...bases.map((base) => seq(base)));
const never = (...bases: Buffer[]): Buffer => tlv(0xa1, ...bases.map((base) => seq(base)));
const named = (...parts: Buffer[]): Buffer => seq(...parts, attribute('2.5.4.3', 'host'));

interface Case {
  readonly constraints: Buffer[];
  readonly names: Wish;
  readonly want: 'ok' | 'bad-certificate';
  /** Where OpenSSL accepts although we do not. */
  readonly openssl?: 'accepts' | 'refuses';
  readonly critical?: false;
}
const ok = 'ok';
const bad = 'bad-certificate';
const cases: Record<string, Case> = {
  'permitted: itself': { constraints: [only(dns('good.test'))], names: { dns: ['good.test'] }, want: ok },
  'permitted: below': { constraints: [only(dns('good.test'))], names: { dns: ['a.b.good.test'] }, want: ok },
  'permitted: capitals': { constraints: [only(dns('GOOD.test'))], names: { dns: ['a.Good.TEST'] }, want: ok },
  'permitted: a wildcard below': { constraints: [only(dns('good.test'))], names: { dns: ['*.good.test'] }, want: ok },
  'permitted: not a label that ends like it': {
    constraints: [only(dns('good.test'))],
    names: { dns: ['notgood.test'] },
    want: bad,
  },
  'permitted: not above': { constraints: [only(dns('a.good.test'))], names: { dns: ['good.test'] }, want: bad },
  'permitted: no wildcard above': {
    constraints: [only(dns('a.good.test'))],
    names: { dns: ['*.good.test'] },
    want: bad,
  },
  'permitted: one of two': {
    constraints: [only(dns('x.test'), dns('good.test'))],
    names: { dns: ['good.test'] },
    want: ok,
  },
  'permitted: both names': {
    constraints: [only(dns('good.test'))],
    names: { dns: ['good.test', 'evil.test'] },
    want: bad,
  },
  'permitted: everything': { constraints: [only(dns(''))], names: { dns: ['a.test'] }, want: ok },
  'permitted: with a dot in front, below': {
    constraints: [only(dns('.good.test'))],
    names: { dns: ['a.good.test'] },
    want: ok,
  },
  'permitted: with a dot in front, not itself': {
    constraints: [only(dns('.good.test'))],
    names: { dns: ['good.test'] },
    want: bad,
  },
  'permitted: addresses say nothing of names': {
    constraints: [only(ip('0a000000ff000000'))],
    names: { dns: ['a.test'] },
    want: ok,
  },
  'permitted: names say nothing of addresses': {
    constraints: [only(dns('good.test'))],
    names: { ips: [[10, 0, 0, 1]] },
    want: ok,
  },
  'permitted: a name with NUL': {
    constraints: [only(dns('good.test'))],
    names: { dns: ['evil.test\0.good.test'] },
    want: bad,
    openssl: 'accepts',
  },
  'permitted: a name with a dot at its end': {
    constraints: [only(dns('good.test'))],
    names: { dns: ['a.good.test.'] },
    want: bad,
  },
  'excluded: itself': { constraints: [never(dns('evil.test'))], names: { dns: ['evil.test'] }, want: bad },
  'excluded: below': { constraints: [never(dns('evil.test'))], names: { dns: ['a.evil.test'] }, want: bad },
  'excluded: capitals': { constraints: [never(dns('evil.test'))], names: { dns: ['A.EVIL.test'] }, want: bad },
  'excluded: a wildcard below': { constraints: [never(dns('evil.test'))], names: { dns: ['*.evil.test'] }, want: bad },
  'excluded: a wildcard that stands for it': {
    constraints: [never(dns('a.evil.test'))],
    names: { dns: ['*.evil.test'] },
    want: bad,
    openssl: 'accepts',
  },
  'excluded: a wildcard beside it': {
    constraints: [never(dns('a.b.evil.test'))],
    names: { dns: ['*.evil.test'] },
    want: ok,
  },
  'excluded: another': { constraints: [never(dns('evil.test'))], names: { dns: ['good.test'] }, want: ok },
  'excluded: everything': { constraints: [never(dns(''))], names: { dns: ['good.test'] }, want: bad },
  'excluded: a dot at its end does not help': {
    constraints: [never(dns('evil.test'))],
    names: { dns: ['evil.test.'] },
    want: bad,
    openssl: 'accepts',
  },
  'excluded from the permitted': {
    constraints: [only(dns('good.test')), never(dns('a.good.test'))],
    names: { dns: ['b.a.good.test'] },
    want: bad,
  },
  'a base that is no name': {
    constraints: [never(dns('*.evil.test'))],
    names: { dns: ['good.test'] },
    want: bad,
    openssl: 'accepts',
  },
  'IPv4 inside': { constraints: [only(ip('0a000000ff000000'))], names: { ips: [[10, 1, 2, 3]] }, want: ok },
  'IPv4 outside': { constraints: [only(ip('0a000000ff000000'))], names: { ips: [[11, 1, 2, 3]] }, want: bad },
  'IPv4 excluded': { constraints: [never(ip('0a000000ff000000'))], names: { ips: [[10, 1, 2, 3]] }, want: bad },
  'IPv4 not excluded': { constraints: [never(ip('0a000000ff000000'))], names: { ips: [[11, 1, 2, 3]] }, want: ok },
  'IPv4, mask of no byte': {
    constraints: [only(ip('0a0000000'.slice(0, 8) + 'ffe00000'))],
    names: { ips: [[10, 31, 2, 3]] },
    want: ok,
  },
  'IPv4, mask of no byte, outside': {
    constraints: [only(ip('0a000000ffe00000'))],
    names: { ips: [[10, 32, 2, 3]] },
    want: bad,
  },
  'IPv6 where IPv4 is permitted': {
    constraints: [only(ip('0a000000ff000000'))],
    names: { ips: [Array(16).fill(0)] },
    want: bad,
  },
  'IPv6 inside': {
    constraints: [only(ip('20010db8' + '0'.repeat(24) + 'ffffffff' + '0'.repeat(24)))],
    names: { ips: [[32, 1, 13, 184, ...Array(12).fill(7)]] },
    want: ok,
  },
  'IPv6 outside': {
    constraints: [only(ip('20010db8' + '0'.repeat(24) + 'ffffffff' + '0'.repeat(24)))],
    names: { ips: [[32, 1, 13, 185, ...Array(12).fill(7)]] },
    want: bad,
  },
  'an address of five bytes': {
    constraints: [never(ip('0a000000ff000000'))],
    names: { ips: [[10, 1, 2, 3, 4]] },
    want: bad,
  },
  'a subject inside': { constraints: [only(dir(org('good')))], names: { subject: named(org('good')) }, want: ok },
  'a subject outside': { constraints: [only(dir(org('good')))], names: { subject: named(org('evil')) }, want: bad },
  'a subject above': {
    constraints: [only(dir(org('good'), attribute('2.5.4.11', 'unit')))],
    names: { subject: named(org('good')) },
    want: bad,
  },
  'an empty subject': { constraints: [only(dir(org('good')))], names: { subject: seq(), dns: ['a.test'] }, want: ok },
  'a subject excluded': { constraints: [never(dir(org('evil')))], names: { subject: named(org('evil')) }, want: bad },
  'excluded in capitals, spaces and another type of string': {
    constraints: [never(dir(org('evil org')))],
    names: { subject: named(org(' EVIL   Org', 0x13)) },
    want: bad,
  },
  'excluded in two bytes a character': {
    constraints: [never(dir(org('evil')))],
    names: { subject: named(org('\0e\0v\0i\0l', 0x1e)) },
    want: bad,
  },
  'excluded, and a string that is none': {
    constraints: [never(dir(org('evil')))],
    names: { subject: named(org('evil\xff')) },
    want: bad,
  },
  'not excluded': { constraints: [never(dir(org('evil')))], names: { subject: named(org('good')) }, want: ok },
  'a directory name beside the subject': {
    constraints: [only(dir(org('good')))],
    names: { subject: named(org('good')), moreNames: [dir(org('evil'))] },
    want: bad,
  },
  'mail, and no such name': { constraints: [only(mail('good.test'))], names: { dns: ['a.test'] }, want: ok },
  'mail, and such a name': {
    constraints: [only(mail('good.test'))],
    names: { moreNames: [mail('me@good.test')] },
    want: bad,
    openssl: 'accepts',
  },
  'mail, and such a name in the subject': {
    constraints: [only(mail('good.test'))],
    names: { subject: named(attribute('1.2.840.113549.1.9.1', 'me@good.test', 0x16)) },
    want: bad,
    openssl: 'accepts',
  },
  'mail that is not critical': {
    constraints: [only(mail('good.test'))],
    names: { moreNames: [mail('me@good.test')] },
    want: ok,
    critical: false,
  },
  'URIs, and such a name': {
    constraints: [never(tlv(0x86, 'evil.test'))],
    names: { moreNames: [tlv(0x86, 'https://good.test/')] },
    want: bad,
    openssl: 'accepts',
  },
  'not critical, and broken all the same': {
    constraints: [only(dns('good.test'))],
    names: { dns: ['evil.test'] },
    want: bad,
    critical: false,
  },
};

t.test('constraints on names', async (t) => {
  const folder = t.testdir();
  for (const [what, { constraints, names, want, openssl, critical }] of Object.entries(cases)) {
    const middle = issue({
      cn: 'middle',
      ca: true,
      issuer: root,
      constraints: seq(...constraints),
      constraintsCritical: critical !== false,
    });
    const shown = [issue({ issuer: middle, usage: ['serverAuth'], keys: leafKeys, cn: 'host', ...names }), middle];
    t.equal(verdict(judge(shown, [root])), want, what);
    const anchor = issue({
      cn: 'anchor',
      ca: true,
      constraints: seq(...constraints),
      constraintsCritical: critical !== false,
    });
    t.equal(
      verdict(judge([issue({ issuer: anchor, keys: leafKeys, cn: 'host', ...names })], [anchor])),
      want,
      `${what}: of the anchor`,
    );
    if (version === undefined) continue;
    const { ok, said } = opensslVerdict(folder, shown, [root], {});
    t.equal(ok, openssl === undefined ? want === 'ok' : openssl === 'accepts', `${what}: OpenSSL: ${said}`);
  }
});

t.test('constraints hold for everything below, not for an authority that issues itself a new key', async (t) => {
  const good = seq(only(dir(org('good'))));
  const top = issue({ subject: seq(org('top')), ca: true, issuer: root, constraints: good });
  const self = issue({ subject: top.subject, ca: true, issuer: top });
  const below = issue({ subject: named(org('good')), issuer: self });
  t.equal(verdict(judge([below, self, top], [root])), 'ok');
  const between = issue({ subject: seq(org('evil')), ca: true, issuer: top });
  t.equal(
    verdict(judge([issue({ subject: named(org('good')), issuer: between }), between, top], [root])),
    'bad-certificate',
  );
  t.equal(verdict(judge([issue({ subject: named(org('evil')), issuer: self }), self, top], [root])), 'bad-certificate');
  const wider = issue({ subject: seq(org('good')), ca: true, issuer: top, constraints: seq(only(dir(org('evil')))) });
  t.equal(
    verdict(judge([issue({ subject: seq(org('evil')), issuer: wider }), wider, top], [root])),
    'bad-certificate',
    'a wider one below changes nothing',
  );
});

t.test('comparisons are counted before they are made', async (t) => {
  const many = Array.from({ length: 400 }, (_, index) => dns(`n${index}.test`));
  const middle = issue({ cn: 'middle', ca: true, issuer: root, constraints: seq(never(...many)) });
  const shown = (names: number): Issued[] => [
    issue({ issuer: middle, keys: leafKeys, dns: Array.from({ length: names }, (_, index) => `h${index}.example`) }),
    middle,
  ];
  t.equal(verdict(judge(shown(100), [root])), 'ok');
  t.equal(verdict(judge(shown(200), [root])), 'maxNameConstraintComparisons');
  const exactly = judge(shown(9), [root], { limits: { maxNameConstraintComparisons: 4_000 } });
  t.equal(verdict(exactly), 'ok', 'nine names and the subject, four hundred subtrees');
  t.equal(
    verdict(judge(shown(9), [root], { limits: { maxNameConstraintComparisons: 3_999 } })),
    'maxNameConstraintComparisons',
  );
  t.equal((judge(shown(200), [root]) as { alert?: string }).alert, 'bad_certificate');
});
