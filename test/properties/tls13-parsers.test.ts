// What is read from bytes that nobody vouches for, given any bytes: a typed error or an answer, and nothing else.
import { randomBytes } from 'node:crypto';
import {
  ApiMisuseError,
  CertificateError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  resolveLimits,
  type TlsHost,
} from '@rxtls/core/engine';
import { testPki } from '@rxtls/testing';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { judgeChain } from '../../packages/engine-tls13/src/certificate/judge-chain.ts';
import { parseCertificate } from '../../packages/engine-tls13/src/certificate/parse-certificate.ts';
import { trustAnchors } from '../../packages/engine-tls13/src/certificate/trust-anchors.ts';
import { cipherSuite } from '../../packages/engine-tls13/src/crypto/cipher-suite.ts';
import { nobleCrypto } from '../../packages/engine-tls13/src/crypto/noble/noble-crypto.ts';
import { nodeCrypto } from '../../packages/engine-tls13/src/crypto/node/node-crypto.ts';
import { signatureSchemes } from '../../packages/engine-tls13/src/crypto/signature-scheme.ts';
import { KnownCertificates } from '../../packages/engine-tls13/src/certificate/known-certificates.ts';
import { readClientHello } from '../../packages/engine-tls13/src/handshake/read-client-hello.ts';
import { isCookie, sealCookie } from '../../packages/engine-tls13/src/handshake/retry-cookie.ts';
import { keylogLine } from '../../packages/engine-tls13/src/keylog-line.ts';
import { SealingKeys, sealingPurpose } from '../../packages/engine-tls13/src/session/sealing-keys.ts';
import { decodeServerSession, encodeServerSession } from '../../packages/engine-tls13/src/session/server-session.ts';
import { ServerTickets } from '../../packages/engine-tls13/src/session/server-tickets.ts';
import { type ByteChange, byteChange, changedBytes } from './byte-change.ts';
import { seed } from './search.ts';

t.setTimeout(200_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same bytes again`);
const host: TlsHost = {
  wallClock: () => Date.now(),
  monotonicClock: () => 0,
  random: (length) => new Uint8Array(randomBytes(length)),
  limits: resolveLimits({}),
};
const pki = await testPki();
const any = fc.uint8Array({ maxLength: 300 });
const changes = fc.array(byteChange, { minLength: 1, maxLength: 3 });
const mutant = (original: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: changes.map((list: ByteChange[]) => list.reduce(changedBytes, original)) },
    { weight: 1, arbitrary: any },
  );
const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.from(one).equals(other);
const holds = (t: Test, property: fc.IProperty<[Uint8Array]>, numRuns: number): void => {
  const outcome = fc.check(property, { numRuns, seed });
  t.notOk(outcome.failed, fc.defaultReportMessage(outcome) ?? `${numRuns} runs`);
};
const typed = (read: () => unknown, ...kinds: readonly (abstract new (...args: never[]) => Error)[]): void => {
  try {
    read();
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw error;
  }
};

const suite = cipherSuite.TLS_AES_128_GCM_SHA256;
const now = Date.now();
const session = {
  hash: suite.hash,
  scope: new Uint8Array(randomBytes(32)),
  psk: new Uint8Array(randomBytes(32)),
  firstVerifiedAt: now - 1_000,
  chain: [],
};

t.test('tickets: anything but a whole ticket of ours opens as nothing', async (t) => {
  const keys = new SealingKeys(nodeCrypto, undefined);
  const tickets = new ServerTickets(nodeCrypto, keys, new KnownCertificates(nodeCrypto), () => true);
  const asked = { hash: suite.hash, scope: session.scope };
  const whole = keys.seal(host, sealingPurpose.ticket, encodeServerSession(session));
  t.same(tickets.open(host, whole, asked)?.psk, session.psk, 'the ticket that the others are made of is good');
  holds(
    t,
    fc.property(mutant(whole), (ticket) => {
      const opened = tickets.open(host, ticket, asked);
      if (opened !== undefined && !isSame(ticket, whole)) throw new Error('it opened');
    }),
    3_000,
  );
  const content = encodeServerSession(session);
  holds(
    t,
    fc.property(mutant(content), (bytes) => typed(() => decodeServerSession(bytes), PeerMisbehavedError)),
    3_000,
  );
  holds(
    t,
    fc.property(mutant(content), (bytes) => {
      const sealed = keys.seal(host, sealingPurpose.ticket, bytes);
      typed(() => tickets.open(host, sealed, asked), PeerMisbehavedError);
    }),
    1_000,
  );
});

t.test('cookies: anything but a whole cookie of this handshake is none', async (t) => {
  const keys = new SealingKeys(nodeCrypto, [new Uint8Array(randomBytes(32))]);
  const state = { hello: new Uint8Array(randomBytes(32)), suite: suite.id, group: 29 };
  const whole = sealCookie(keys, host, state);
  t.ok(isCookie(keys, host, whole, state), 'the cookie that the others are made of is good');
  t.notOk(isCookie(keys, host, whole, { ...state, group: 23 }), 'of another group it is none');
  t.notOk(
    isCookie(keys, host, keys.seal(host, sealingPurpose.ticket, encodeServerSession(session)), state),
    'a ticket is none',
  );
  holds(
    t,
    fc.property(mutant(whole), (cookie) => {
      if (isCookie(keys, host, cookie, state) && !isSame(cookie, whole)) throw new Error('it was taken');
    }),
    3_000,
  );
});

t.test('certificates and chains: CertificateError and nothing else', async (t) => {
  const trust = trustAnchors(pki.authorityPem, 'ca', nodeCrypto);
  for (const name of ['ecdsa', 'rsa', 'ed25519'] as const) {
    const { certificatePem } = await pki.leaf(name);
    const [leaf, middle] = Array.from(
      certificatePem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END/g),
      ([, body = '']) => new Uint8Array(Buffer.from(body, 'base64')),
    );
    if (leaf === undefined || middle === undefined) throw new Error('a leaf and an intermediate are wanted');
    const identity = { kind: 'dns', name: 'localhost' } as const;
    const rules = { usage: 'serverAuth', identity, trust, now, limits: host.limits, crypto: nodeCrypto } as const;
    t.ok(judgeChain([leaf, middle], rules).length > 1, `${name}: the chain that the others are made of is good`);
    holds(
      t,
      fc.property(mutant(leaf), (der) => typed(() => parseCertificate(der), CertificateError)),
      2_500,
    );
    holds(
      t,
      fc.property(mutant(leaf), (der) => {
        let isTrusted = false;
        typed(() => {
          judgeChain([der, middle], rules);
          isTrusted = true;
        }, CertificateError);
        if (isTrusted && !isSame(der, leaf)) throw new Error('a leaf that nobody signed is trusted');
      }),
      800,
    );
    holds(
      t,
      fc.property(mutant(middle), (der) => {
        let isTrusted = false;
        typed(() => {
          judgeChain([leaf, der], rules);
          isTrusted = true;
        }, CertificateError);
        if (isTrusted && !isSame(der, middle)) throw new Error('an intermediate that nobody signed is trusted');
      }),
      800,
    );
  }
});

t.test(
  'keys: no public key or signature that does not fit throws anything, a private key ApiMisuseError',
  async (t) => {
    for (const name of ['ecdsa', 'rsa', 'ed25519'] as const) {
      const { certificatePem, keyPem } = await pki.leaf(name);
      const { publicKey } = parseCertificate(
        new Uint8Array(Buffer.from(certificatePem.match(/-----\n([^-]*)-----END/)?.[1] ?? '', 'base64')),
      );
      if (publicKey === undefined) throw new Error('a key is wanted');
      const key = new Uint8Array(Buffer.from(keyPem.replace(/-----[^-]*-----/g, ''), 'base64'));
      const scheme = signatureSchemes.find((each) => each.inHandshake && each.key === publicKey.type);
      if (scheme === undefined) throw new Error('a scheme is wanted');
      const message = Uint8Array.of(1, 2, 3);
      const signature = nodeCrypto.privateKey(key).sign(scheme.algorithm, message);
      for (const crypto of [nodeCrypto, nobleCrypto]) {
        const verifier = crypto.publicKey(publicKey);
        t.ok(verifier.verify(scheme.algorithm, message, signature), `${crypto.name}, ${name}: the signature is good`);
        holds(
          t,
          fc.property(mutant(signature), (bytes) => {
            if (verifier.verify(scheme.algorithm, message, bytes) && !isSame(bytes, signature))
              throw new Error('a signature that nobody made is good');
          }),
          crypto === nodeCrypto ? 500 : 60,
        );
        holds(
          t,
          fc.property(mutant(key), (der) => typed(() => crypto.privateKey(der), ApiMisuseError)),
          crypto === nodeCrypto ? 600 : 200,
        );
      }
    }
  },
);

t.test('a ClientHello of any bytes: PeerMisbehavedError or PeerIncompatibleError', async (t) => {
  holds(
    t,
    fc.property(any, (body) => typed(() => readClientHello(body), PeerMisbehavedError, PeerIncompatibleError)),
    3_000,
  );
});

t.test('key log lines are what RFC 9850 says of them, whatever they hold', async (t) => {
  holds(
    t,
    fc.property(any, (secret) => {
      const line = keylogLine('EXPORTER_SECRET', new Uint8Array(32).fill(secret.length), secret);
      const [label, random, hex, ...more] = line.split(' ');
      const isLine = label === 'EXPORTER_SECRET' && /^[0-9a-f]{64}$/.test(random ?? '') && more.length === 0;
      if (!isLine || !isSame(Buffer.from(hex ?? '', 'hex'), secret)) throw new Error(line);
    }),
    500,
  );
});
