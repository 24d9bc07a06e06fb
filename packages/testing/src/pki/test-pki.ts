import { webcrypto } from 'node:crypto';
import { ApiMisuseError } from '@rxtls/core/engine';
import {
  type CertificateMaker,
  certificateMaker,
  type IssueOptions,
  type TestCredentials,
} from './certificate-maker.ts';

/** Leaves that are made when first asked for. Names are `localhost` and `server.test` where nothing else is said. */
export type TestLeafName =
  | 'ecdsa'
  | 'p384'
  | 'rsa'
  | 'rsa-pss'
  | 'ed25519'
  | 'expired'
  | 'not-yet-valid'
  /** For `other.test`. */
  | 'wrong-name'
  /** From an authority that nobody trusts. */
  | 'untrusted'
  /** A server's leaf that may only be a client's. */
  | 'wrong-usage'
  /** `localhost` as common name and no subject alternative name (RFC 9525 §2 refuses it). */
  | 'common-name-only'
  /** For 127.0.0.1 and ::1, no DNS name. */
  | 'ip'
  /** For `*.wild.test`. */
  | 'wildcard'
  | 'client'
  | 'client-p384'
  | 'client-rsa'
  | 'client-rsa-pss'
  | 'client-ed25519'
  | 'client-expired'
  | 'client-untrusted'
  /** A client's leaf that may only be a server's. */
  | 'client-wrong-usage';

/** A throw-away public key infrastructure: a root, an intermediate below it, another root nobody trusts, and leaves. */
export interface TestPki {
  /** The root to trust, as PEM and DER. */
  readonly authorityPem: string;
  readonly authorityDer: Uint8Array;
  /** The root that `untrusted` leaves come from. */
  readonly otherAuthorityPem: string;
  /** One of the ready-made leaves; asked for again, the same one. */
  leaf(name: TestLeafName): Promise<TestCredentials>;
  /** A leaf of your own, new every time. */
  issue(options?: IssueOptions): Promise<TestCredentials>;
}

const hour = 3_600_000;
const day = 24 * hour;

const leaves = (now: number): Record<TestLeafName, IssueOptions> => {
  const expired = { notBefore: new Date(now - 2 * day), notAfter: new Date(now - hour) };
  return {
    ecdsa: { key: 'ecdsa' },
    p384: { key: 'p384' },
    rsa: { key: 'rsa' },
    'rsa-pss': { key: 'rsa-pss' },
    ed25519: { key: 'ed25519' },
    expired,
    'not-yet-valid': { notBefore: new Date(now + day), notAfter: new Date(now + 2 * day) },
    'wrong-name': { names: ['other.test'] },
    untrusted: { issuer: 'untrusted' },
    'wrong-usage': { usage: 'client' },
    'common-name-only': { commonNameOnly: true },
    ip: { names: [], ips: ['127.0.0.1', '::1'] },
    wildcard: { names: ['*.wild.test'] },
    client: { usage: 'client', names: ['client.test'] },
    'client-p384': { usage: 'client', names: ['client.test'], key: 'p384' },
    'client-rsa': { usage: 'client', names: ['client.test'], key: 'rsa' },
    'client-rsa-pss': { usage: 'client', names: ['client.test'], key: 'rsa-pss' },
    'client-ed25519': { usage: 'client', names: ['client.test'], key: 'ed25519' },
    'client-expired': { usage: 'client', names: ['client.test'], ...expired },
    'client-untrusted': { usage: 'client', names: ['client.test'], issuer: 'untrusted' },
    'client-wrong-usage': { usage: 'server', names: ['client.test'] },
  };
};

export interface TestPkiOptions {
  /** What validity is relative to, in milliseconds (default now). */
  readonly now?: number;
  /** The keys of the authorities, and of every leaf that does not say: with `rsa`, for engines that read nothing else. Default `ecdsa`. */
  readonly keys?: 'ecdsa' | 'rsa';
}

/**
 * Makes a PKI for one test file: keys are new, nothing is stored, nothing is to be trusted outside the test. Takes a few
 * milliseconds, with RSA keys some hundred; leaves are made when they are asked for.
 *
 * @throws ApiMisuseError (as a rejection) for kinds of keys that it does not make
 */
export async function testPki(options: TestPkiOptions = {}): Promise<TestPki> {
  const { now = Date.now(), keys = 'ecdsa' } = options;
  if (keys !== 'ecdsa' && keys !== 'rsa')
    throw new ApiMisuseError(`testPki: keys must be 'ecdsa' or 'rsa', not ${JSON.stringify(keys)}`);
  // Loaded here, not above: the library needs a Reflect polyfill, which users of the rest of this package never see.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const maker: CertificateMaker = certificateMaker(x509, webcrypto, keys, now);
  const root = await maker.authority('rxtls test root');
  const [intermediate, other] = await Promise.all([
    maker.authority('rxtls test intermediate', root),
    maker.authority('rxtls test root of somebody else'),
  ]);
  const issuers = { intermediate, root, untrusted: other };
  const issue = (leaf: IssueOptions = {}): Promise<TestCredentials> =>
    maker.leaf(leaf, issuers[leaf.issuer ?? 'intermediate']);
  const named = leaves(now);
  const made = new Map<TestLeafName, Promise<TestCredentials>>();
  return {
    authorityPem: root.pem,
    authorityDer: root.der,
    otherAuthorityPem: other.pem,
    issue,
    leaf: (name) => {
      if (!Object.hasOwn(named, name)) return Promise.reject(new ApiMisuseError(`testPki has no leaf '${name}'`));
      const credentials = made.get(name) ?? issue(named[name]);
      made.set(name, credentials);
      return credentials;
    },
  };
}
