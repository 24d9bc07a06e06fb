// What is read is what others read: @peculiar/asn1-x509 and Node's own parser as oracles, over real roots, made certificates
// and mutated ones. Whatever is accepted here, they accept with the same fields; the other way round need not be.
import { AsnConvert } from '@peculiar/asn1-schema';
import * as asn1 from '@peculiar/asn1-x509';
import { CertificateError, LimitExceededError } from '@rxtls/core/engine';
import { testPki } from '@rxtls/testing';
import fc from 'fast-check';
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import t, { type Test } from 'tap';
import { objectId } from '../src/certificate/object-id.ts';
import { type Certificate, parseCertificate } from '../src/certificate/parse-certificate.ts';
import {
  around,
  now,
  type Issued,
  issue,
  judge,
  type KeyKind,
  oid,
  seq,
  tlv,
  hex,
  extension,
} from './certificate-pki.ts';

const bytes = (view: ArrayBufferView | ArrayBuffer): string =>
  Buffer.from(
    ArrayBuffer.isView(view) ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view),
  ).toString('hex');
const unpadded = (integer: ArrayBuffer): string => bytes(integer).replace(/^00(?=..)/, '');

/** The fields that a reader could get wrong, in text. */
function ours(certificate: Certificate): Record<string, unknown> {
  const { basicConstraints, keyUsage, subjectAltName, nameConstraints } = certificate;
  return {
    version: certificate.version,
    serial: bytes(certificate.serial),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    subject: certificate.subjectName.map((part) => part.map(({ id }) => id)),
    publicKeyInfo: certificate.publicKey && bytes(certificate.publicKeyInfo),
    signature: bytes(certificate.signature),
    unknownCritical: certificate.unknownCritical,
    basicConstraints: basicConstraints && [basicConstraints.cA, basicConstraints.pathLenConstraint],
    keyUsage: keyUsage && [keyUsage.digitalSignature, keyUsage.keyCertSign],
    extKeyUsage: certificate.extKeyUsage,
    subjectAltName: subjectAltName?.map((name) =>
      name.form === 'directoryName' ? name.form : `${name.form} ${bytes(name.content)}`,
    ),
    nameConstraints: nameConstraints && [nameConstraints.permitted.length, nameConstraints.excluded.length],
  };
}

const known: readonly string[] = [
  'keyUsage',
  'subjectAltName',
  'basicConstraints',
  'nameConstraints',
  'extKeyUsage',
].map((each) => objectId[each as 'keyUsage']);

function oracle(der: Uint8Array, isSpoken = true): Record<string, unknown> {
  const certificate = AsnConvert.parse(der, asn1.Certificate);
  const { tbsCertificate: tbs, signatureValue } = certificate;
  const extensions = tbs.extensions ?? [];
  const value = <T>(id: string, type: new () => T): T | undefined => {
    const found = extensions.find(({ extnID }) => extnID === id)?.extnValue;
    return found && AsnConvert.parse(found.buffer, type);
  };
  const constraints = value(objectId.basicConstraints, asn1.BasicConstraints);
  const usage = value(objectId.keyUsage, asn1.KeyUsage)?.toNumber();
  const names = value(objectId.nameConstraints, asn1.NameConstraints);
  return {
    version: tbs.version + 1,
    serial: unpadded(tbs.serialNumber),
    notBefore: tbs.validity.notBefore.getTime().getTime(),
    notAfter: tbs.validity.notAfter.getTime().getTime(),
    subject: tbs.subject.map((part) => part.map(({ type }) => type)),
    publicKeyInfo: isSpoken ? bytes(AsnConvert.serialize(tbs.subjectPublicKeyInfo)) : undefined,
    signature: bytes(signatureValue),
    unknownCritical: extensions
      .filter(({ critical, extnID }) => critical && !known.includes(extnID))
      .map(({ extnID }) => extnID),
    basicConstraints: constraints && [constraints.cA, constraints.pathLenConstraint],
    keyUsage:
      usage === undefined
        ? undefined
        : [(usage & asn1.KeyUsageFlags.digitalSignature) !== 0, (usage & asn1.KeyUsageFlags.keyCertSign) !== 0],
    extKeyUsage: value(objectId.extKeyUsage, asn1.ExtendedKeyUsage)?.map(String),
    subjectAltName: value(objectId.subjectAltName, asn1.SubjectAlternativeName)?.map((name) => oracleName(name)),
    nameConstraints: names && [names.permittedSubtrees?.length ?? 0, names.excludedSubtrees?.length ?? 0],
  };
}

function oracleName(name: asn1.GeneralName): string {
  if (name.directoryName !== undefined) return 'directoryName';
  if (name.dNSName !== undefined) return `dNSName ${Buffer.from(name.dNSName, 'latin1').toString('hex')}`;
  if (name.rfc822Name !== undefined) return `rfc822Name ${Buffer.from(name.rfc822Name, 'latin1').toString('hex')}`;
  if (name.iPAddress !== undefined) return `iPAddress ${ipHex(AsnConvert.serialize(name))}`;
  if (name.uniformResourceIdentifier !== undefined)
    return `uniformResourceIdentifier ${Buffer.from(name.uniformResourceIdentifier, 'latin1').toString('hex')}`;
  return 'other';
}
const ipHex = (encoded: ArrayBuffer): string => bytes(encoded.slice(2));

function compareWithNode(t: Test, certificate: Certificate, what: string): void {
  const node = new X509Certificate(certificate.der);
  t.equal(node.serialNumber.toLowerCase().padStart(2, '0'), bytes(certificate.serial), `${what}: serial number`);
  t.equal(Date.parse(node.validFrom), certificate.notBefore, `${what}: notBefore`);
  t.equal(Date.parse(node.validTo), certificate.notAfter, `${what}: notAfter`);
  t.equal(node.ca, certificate.basicConstraints?.cA ?? false, `${what}: authority`);
  t.same(node.keyUsage ?? undefined, certificate.extKeyUsage, `${what}: extended key usage`);
  const { publicKey: key } = certificate;
  if (key === undefined) return;
  t.equal(
    bytes(node.publicKey.export({ type: 'spki', format: 'der' })),
    bytes(certificate.publicKeyInfo),
    `${what}: key`,
  );
  if ('bits' in key) t.equal(node.publicKey.asymmetricKeyDetails?.modulusLength, key.bits, `${what}: bits`);
}

const mail = tlv(0x81, 'me@host.test');
const uri = tlv(0x86, 'https://host.test/');
const root = issue({ cn: 'root', ca: true });
const middle = issue({
  cn: 'middle',
  ca: 3,
  issuer: root,
  constraints: seq(tlv(0xa0, seq(tlv(0x82, 'test')), seq(tlv(0xa4, seq()))), tlv(0xa1, seq(tlv(0x82, 'evil.test')))),
  usage: ['serverAuth', 'any'],
});
const leaf = issue({
  issuer: middle,
  dns: ['host.test', '*.host.test'],
  ips: [[127, 0, 0, 1]],
  moreNames: [mail, uri],
  usage: ['serverAuth', 'clientAuth'],
});
const kinds: readonly KeyKind[] = ['p256', 'p384', 'p521', 'rsa', 'rsa-pss', 'ed25519', 'ed448'];
const made: readonly Issued[] = [
  root,
  middle,
  leaf,
  issue({ extensions: [extension('1.2.3.4', oid('1.2'), true), extension('2.5.29.32', seq(), false)] }),
  issue({ bare: true }),
  issue({ serial: hex('00') }),
  issue({ serial: hex('00ff00') }),
  issue({ from: Date.UTC(1960, 0, 1), to: Date.UTC(2049, 11, 31, 23, 59, 59) }),
  ...kinds.map((kind) => issue({ kind, dns: [`${kind}.test`] })),
];

t.test('made certificates, and those of the test kit', async (t) => {
  const pki = await testPki();
  const kit = await Promise.all(
    (['ecdsa', 'rsa', 'ed25519', 'ip', 'wildcard', 'client'] as const).map((name) => pki.leaf(name)),
  );
  for (const [index, der] of [
    ...made.map(({ der }) => der),
    pki.authorityDer,
    ...kit.flatMap(({ chainDer }) => chainDer),
  ].entries()) {
    const certificate = parseCertificate(der);
    t.same(ours(certificate), oracle(der, certificate.publicKey !== undefined), `${index}`);
    const { tbsCertificate } = AsnConvert.parse(der, asn1.Certificate);
    t.equal(bytes(AsnConvert.serialize(tbsCertificate.issuer)), bytes(certificate.issuer), `${index}: issuer`);
    t.equal(bytes(AsnConvert.serialize(tbsCertificate.subject)), bytes(certificate.subject), `${index}: subject`);
    t.equal(bytes(AsnConvert.serialize(tbsCertificate)), bytes(certificate.tbs), `${index}: tbsCertificate`);
    compareWithNode(t, certificate, `${index}`);
    const types = { p521: undefined, ed448: undefined } as Record<string, string | undefined>;
    const kind = kinds[index - (made.length - kinds.length)];
    if (index < made.length && kind !== undefined)
      t.equal(certificate.publicKey?.type, kind in types ? undefined : kind, kind);
  }
});

t.test("Node's roots", async (t) => {
  let same = 0;
  for (const pem of rootCertificates) {
    const node = new X509Certificate(pem);
    const certificate = parseCertificate(new Uint8Array(node.raw));
    compareWithNode(t, certificate, node.subject);
    t.ok(certificate.publicKey, `${node.subject}: a key that is spoken here`);
    t.same(ours(certificate), oracle(new Uint8Array(node.raw)), node.subject);
    same++;
  }
  t.ok(same > 100, `${same} roots`);
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** One change of a few bytes: what a mutated certificate is made of. */
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant('set' as const),
    at: fc.nat(),
    value: fc.constantFrom(0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x30, 0x1f, 0xa0),
  }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 80 }) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(der: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let changed = Buffer.from(der);
  for (const change of mutations) {
    const at = change.at % Math.max(1, changed.length);
    const [front, back] = [changed.subarray(0, at), changed.subarray(at)];
    if (change.kind === 'flip')
      changed = Buffer.concat([front, Buffer.from([(back[0] ?? 0) ^ (1 << change.bit)]), back.subarray(1)]);
    else if (change.kind === 'set') changed = Buffer.concat([front, Buffer.from([change.value]), back.subarray(1)]);
    else if (change.kind === 'insert') changed = Buffer.concat([front, Buffer.from([change.value]), back]);
    else if (change.kind === 'remove') changed = Buffer.concat([front, back.subarray(change.length)]);
    else if (change.kind === 'cut') changed = Buffer.from(front);
    else changed = Buffer.concat([front, back.subarray(0, change.length), back]);
  }
  return new Uint8Array(changed);
}

t.test('mutated certificates: refused in one way only, or the same to every reader', async (t) => {
  let accepted = 0;
  let refused = 0;
  let beyond = 0;
  fc.assert(
    fc.property(fc.constantFrom(...made), fc.array(mutation, { minLength: 1, maxLength: 3 }), ({ der }, mutations) => {
      const changed = mutate(der, mutations);
      let certificate: Certificate;
      try {
        certificate = parseCertificate(changed);
      } catch (error) {
        refused++;
        if (error instanceof CertificateError && error.reason === 'bad-certificate' && error.message.length < 300)
          return;
        throw error;
      }
      accepted++;
      const theirs = attempt(() => oracle(changed, certificate.publicKey !== undefined));
      if (theirs === undefined) {
        // The library has bounds of its own: long arcs of an identifier, strings that are no UTF-8. What OpenSSL cannot read
        // either is inside the parameters of an algorithm that is not worked with.
        beyond++;
        const node = attempt(() => new X509Certificate(changed));
        const isUsed = certificate.publicKey !== undefined && certificate.signatureAlgorithm !== undefined;
        if (
          node === undefined ? isUsed : node.serialNumber.toLowerCase().padStart(2, '0') !== bytes(certificate.serial)
        )
          throw new Error('accepted by nobody else');
      } else if (JSON.stringify(ours(certificate)) !== JSON.stringify(theirs))
        throw new Error(`${JSON.stringify(ours(certificate))}\n${JSON.stringify(theirs)}`);
    }),
    { numRuns: Number(process.env['RXTLS_RUNS'] ?? 3_000) },
  );
  t.ok(
    accepted > 100 && refused > 100 && beyond < accepted / 10,
    `${accepted} accepted, ${refused} refused, ${beyond} more than the library reads`,
  );
});

t.test('mutated chains: a typed error, or the path of what was signed', async (t) => {
  const shown = [leaf, middle];
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat(1), fc.array(mutation, { minLength: 1, maxLength: 3 }), (which, mutations) => {
      const changed = shown.map((each, index) =>
        index === which ? { ...each, der: mutate(each.der, mutations) } : each,
      );
      const result = judge(changed, [root], { name: 'host.test' });
      if (result instanceof CertificateError || result instanceof LimitExceededError) return;
      if (result instanceof Error) throw result;
      accepted++;
      for (const [index, der] of result.entries()) {
        const { tbs } = parseCertificate(der);
        if (Buffer.compare(tbs, [leaf, middle, root][index]!.tbs) !== 0)
          throw new Error('accepted with another tbsCertificate');
      }
    }),
    { numRuns: Number(process.env['RXTLS_RUNS'] ?? 1_500) },
  );
  t.comment(`${accepted} accepted: changes that change nothing`);
  t.same(
    judge(shown, [root], { name: 'host.test' }),
    [leaf, middle, root].map(({ der }) => der),
  );
});

t.test('mutated certificates that an authority has signed all the same', async (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(0, 1), fc.array(mutation, { minLength: 1, maxLength: 2 }), (which, mutations) => {
      const [below, above] = [leaf, middle].map((each, index) =>
        index === which
          ? { ...each, der: around(Buffer.from(mutate(each.tbs, mutations)), [middle, root][index]!) }
          : each,
      ) as [Issued, Issued];
      const result = judge([below, above], [root], { name: 'host.test' });
      if (result instanceof CertificateError || result instanceof LimitExceededError) return;
      if (result instanceof Error) throw result;
      accepted++;
      const node = new X509Certificate(result[0]!);
      if (node.checkHost('host.test', { subject: 'never' }) === undefined) throw new Error('accepted for another host');
      if (Date.parse(node.validFrom) > now || Date.parse(node.validTo) < now)
        throw new Error('accepted at another time');
    }),
    { numRuns: Number(process.env['RXTLS_RUNS'] ?? 3_000) },
  );
  t.ok(accepted > 20, `${accepted} accepted`);
});

t.test('any bytes', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
      try {
        parseCertificate(garbage);
      } catch (error) {
        if (error instanceof CertificateError) return;
        throw error;
      }
      throw new Error('accepted');
    }),
    { numRuns: 2_000 },
  );
  t.throws(() => parseCertificate(new Uint8Array(65_536)), CertificateError);
  const deep = (levels: number): Buffer => (levels === 0 ? seq() : seq(deep(levels - 1)));
  t.throws(() => parseCertificate(new Uint8Array(deep(2_000))), CertificateError, 'two thousand levels');
});
