// Chains that are nearly right: names that constraints exclude, encodings, signatures and keys of another kind.
import { CertificateError } from '@rxtls/core/engine';
import forge from 'node-forge';
import t, { type Test } from 'tap';
import type { ForgeClientOptions } from '../src/index.ts';
import {
  both,
  type Both,
  client,
  End,
  joined,
  message,
  Offender,
  record,
  records,
  server,
  toBytes,
} from './harness.ts';
import {
  authorityExtensions,
  constraints,
  dns,
  element,
  names,
  odd,
  type OddCertificate,
  type Pair,
  pair,
  signAgain,
  toDer,
  toPem,
} from './odd-certificates.ts';

const [rootKey, middleKey, leafKey] = [pair(), pair(), pair()];
const root = odd({ subject: 'R', key: rootKey, signer: rootKey, extensions: authorityExtensions });
const middle = (extra: readonly object[] = [], key = middleKey): string =>
  toDer(odd({ subject: 'M', issuer: 'R', key, signer: rootKey, extensions: [...authorityExtensions, ...extra] }));
const leaf = (extensions: readonly object[] = [names(dns('host.test'))], key = leafKey): OddCertificate =>
  odd({ subject: 'L', issuer: 'M', key, signer: middleKey, extensions });

const shown = (leaf: string, middle: string, options: Partial<ForgeClientOptions> = {}, key: Pair = leafKey): Both =>
  both({
    client: client({ ca: toPem(toDer(root)), ...options }),
    server: server({
      credentials: { cert: toPem(leaf) + toPem(middle), key: forge.pki.privateKeyToPem(key.privateKey) },
    }),
  });
function refused(t: Test, { client, server }: Both, reason: string, name: string): void {
  t.ok(client.error instanceof CertificateError && client.error.reason === reason, `${name}: ${client.error}`);
  t.notOk(client.negotiated ?? server.negotiated, name);
}

t.test('A5 (forge) the name that was asked for is within the constraints of every authority', async (t) => {
  const named = toDer(leaf());
  t.ok(shown(named, middle([constraints(['host.test'])])).client.negotiated, 'permitted');
  refused(t, shown(named, middle([constraints(['other.test'])])), 'bad-certificate', 'not permitted');
  refused(t, shown(named, middle([constraints([], ['host.test'])])), 'bad-certificate', 'excluded');
  const wild = toDer(leaf([names(dns('*.wild.test'))]));
  const excluding = middle([constraints([], ['secret.wild.test'])]);
  t.ok(shown(wild, excluding, { serverName: 'open.wild.test' }).client.negotiated);
  refused(t, shown(wild, excluding, { serverName: 'secret.wild.test' }), 'bad-certificate', 'excluded, by a wildcard');
  // node-forge takes two bytes for a character of what it thinks a BMPString, and with it the tag of the name behind.
  const hidden = names('\x9e\x01\x00', dns('host.test'), element(0x81, `a@b.test${'x'.repeat(86)}`));
  const constrained = shown(toDer(leaf([hidden])), middle([constraints(['other.test'])]));
  refused(t, constrained, 'bad-certificate', 'a name that only one of two readers finds');
});

t.test('A4 (forge) an authority for another purpose issues no certificate for this one', async (t) => {
  const purpose = (usage: object): string => middle([{ name: 'extKeyUsage', critical: true, ...usage }]);
  refused(t, shown(toDer(leaf()), purpose({ codeSigning: true })), 'wrong-usage', 'codeSigning');
  refused(t, shown(toDer(leaf()), purpose({ clientAuth: true })), 'wrong-usage', 'clientAuth');
  t.ok(shown(toDer(leaf()), purpose({ serverAuth: true, clientAuth: true })).client.negotiated);
  t.ok(shown(toDer(leaf()), purpose({ '2.5.29.37.0': true })).client.negotiated, 'any');
});

t.test('A4 (forge) a certificate is three fields in DER', async (t) => {
  const der = toDer(leaf());
  const size = (length: number): string => String.fromCharCode(length >> 8, length & 255);
  const content = der.slice(4);
  for (const [name, other] of [
    ['a length of three bytes', `\x30\x83\x00${der.slice(2)}`],
    ['inside as well', `\x30\x82${size(content.length + 1)}\x30\x83\x00${content.slice(2)}`],
    ['a fourth field, which nobody has signed', `\x30\x82${size(content.length + 2)}${content}\x05\x00`],
    ['no length', `\x30\x80${content}\0\0`],
  ] as const)
    refused(t, shown(other, middle()), 'bad-certificate', name);
  t.ok(shown(der, middle()).client.negotiated, 'as it was signed');
});

t.test('A4 (forge) signatures: one algorithm, said twice, of those that are accepted; keys that sign', async (t) => {
  const { pki, md } = forge;
  const sha256 = (tbs: string): string => middleKey.privateKey.sign(md.sha256.create().update(tbs));
  const sha256Rsa = pki.oids['sha256WithRSAEncryption']!;
  const md5Rsa = pki.oids['md5WithRSAEncryption']!;
  const twice = signAgain(leaf(), sha256, { inside: md5Rsa, outside: sha256Rsa });
  refused(t, shown(twice, middle()), 'bad-certificate', 'MD5 inside, SHA-256 outside');
  t.ok(shown(signAgain(leaf(), sha256, { inside: sha256Rsa, outside: sha256Rsa }), middle()).client.negotiated);
  const md5 = signAgain(leaf(), (tbs) => middleKey.privateKey.sign(md.md5.create().update(tbs)), {
    inside: md5Rsa,
    outside: md5Rsa,
  });
  refused(t, shown(md5, middle(), { dangerouslyAllowSha1Signatures: true }), 'bad-certificate', 'MD5');
  for (const hash of ['md5', 'sha1', 'sha256'] as const) {
    const each = leaf();
    const algorithmOid = pki.oids[hash]!;
    const mgf = { algorithmOid: pki.oids['mgf1']!, hash: { algorithmOid } };
    const parameters = { hash: { algorithmOid }, mgf, saltLength: 16 };
    Object.assign(each, { signatureParameters: parameters });
    Object.assign(each.siginfo, { parameters });
    const scheme = forge.pss.create({
      md: md[hash].create(),
      mgf: forge.mgf.mgf1.create(md[hash].create()),
      saltLength: 16,
    });
    const pss = pki.oids['RSASSA-PSS']!;
    const sign = (tbs: string): string =>
      middleKey.privateKey.sign(md.sha256.create().update(tbs), scheme as unknown as 'RSASSA-PSS');
    const signed = signAgain(each, sign, { inside: pss, outside: pss });
    refused(t, shown(signed, middle()), 'bad-certificate', `PSS with ${hash}`);
  }
  const one = new forge.jsbn.BigInteger('1');
  const trivial = { ...middleKey, publicKey: pki.rsa.setPublicKey(middleKey.publicKey.n, one) };
  const forged = signAgain(
    leaf(),
    (tbs) => {
      const info = `\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\0\x04\x20${md.sha256.create().update(tbs).digest().getBytes()}`;
      return `\0\x01${'\xff'.repeat(256 - 3 - info.length)}\0${info}`;
    },
    { inside: sha256Rsa, outside: sha256Rsa },
  );
  refused(t, shown(forged, middle([], trivial)), 'bad-certificate', 'signed by nobody, with an exponent of 1');
});

t.test('L2 (forge) keys and chains that would take minutes are refused, whoever judges them', async (t) => {
  const { BigInteger } = forge.jsbn;
  const long = new BigInteger(`f${'a7'.repeat(2_000)}1`, 16);
  const monstrous = { ...leafKey, publicKey: forge.pki.rsa.setPublicKey(long, leafKey.publicKey.e) };
  const wide = { ...leafKey, publicKey: forge.pki.rsa.setPublicKey(leafKey.publicKey.n, long) };
  const asked = (): boolean => true;
  for (const options of [{}, { dangerouslyReplaceVerification: asked }])
    for (const key of [monstrous, wide]) {
      const end = new End(client({ ca: toPem(toDer(root)), ...options }));
      const offender = new Offender('server');
      offender.give(end.take());
      const der = toBytes(toDer(leaf(undefined, key)));
      for (const each of records(offender.take()))
        if (end.error === undefined) end.give(each[5] === 11 ? record(22, certificateMessage([der])) : each);
      t.ok(end.error instanceof CertificateError, `${Object.keys(options)}: ${end.error}`);
    }
  const replaced = client({ dangerouslyReplaceVerification: asked });
  const many = both({ client: replaced }, { client: { limits: { maxChainLength: 1 } } });
  t.match(many.client.error, { reason: 'chain-too-long' });
});

function certificateMessage(ders: readonly Uint8Array[]): Uint8Array {
  const sized = (bytes: Uint8Array): Uint8Array =>
    joined([Uint8Array.of(0, bytes.length >> 8, bytes.length & 255), bytes]);
  return message(11, sized(joined(ders.map(sized))));
}
