// What is read from bytes that nobody vouches for, given any bytes: a typed error or an answer, and nothing else.
import { randomBytes } from 'node:crypto';
import { ApiMisuseError, CertificateError, PeerMisbehavedError, resolveLimits, type TlsHost } from '@rxtls/core/engine';
import { testPki } from '@rxtls/testing';
import fc from 'fast-check';
import t from 'tap';
import { judgeChain } from '../../packages/engine-tls13/src/certificate/judge-chain.ts';
import { parseCertificate } from '../../packages/engine-tls13/src/certificate/parse-certificate.ts';
import { trustAnchors } from '../../packages/engine-tls13/src/certificate/trust-anchors.ts';
import { cipherSuite } from '../../packages/engine-tls13/src/crypto/cipher-suite.ts';
import { nobleCrypto } from '../../packages/engine-tls13/src/crypto/noble/noble-crypto.ts';
import { nodeCrypto } from '../../packages/engine-tls13/src/crypto/node/node-crypto.ts';
import { signatureSchemes } from '../../packages/engine-tls13/src/crypto/signature-scheme.ts';
import { readClientHello } from '../../packages/engine-tls13/src/handshake/read-client-hello.ts';
import { isCookie, sealCookie } from '../../packages/engine-tls13/src/handshake/retry-cookie.ts';
import { keylogLine } from '../../packages/engine-tls13/src/keylog-line.ts';
import { SealingKeys } from '../../packages/engine-tls13/src/session/sealing-keys.ts';
import { decodeServerSession, encodeServerSession } from '../../packages/engine-tls13/src/session/server-session.ts';
import { ServerTickets, ticketPurpose } from '../../packages/engine-tls13/src/session/server-tickets.ts';
import { type ByteChange, byteChange, changedBytes } from './byte-change.ts';
import { seed } from './search.ts';

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
const holds = (t: Tap.Test, property: fc.IProperty<[Uint8Array]>, numRuns: number): void => {
  const outcome = fc.check(property, { numRuns, seed });
  t.notOk(outcome.failed, outcome.failed ? fc.defaultReportMessage(outcome) : `${numRuns} runs`);
};
const typed = (read: () => unknown, ...kinds: readonly (abstract new (...args: never[]) => Error)[]): void => {
  try {
    read();
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw error;
  }
};
