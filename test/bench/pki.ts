// The certificates of a run: made once, handed to every process.
import { type TestCredentials, testPki } from '@rxtls/testing';

export interface Chain {
  /** The root, PEM. */
  readonly authority: string;
  /** Leaf and intermediate, and the leaf's key, PEM. */
  readonly credentials: { readonly cert: string; readonly key: string };
}

/** A chain on P-256, and one of RSA for node-forge, which reads nothing else. */
export interface Pki {
  readonly p256: Chain;
  readonly rsa: Chain;
}

const chain = (authority: string, { certificatePem, keyPem }: TestCredentials): Chain => ({
  authority,
  credentials: { cert: certificatePem, key: keyPem },
});

export async function makePki(): Promise<Pki> {
  const [p256, rsa] = await Promise.all([testPki(), testPki({ keys: 'rsa' })]);
  return {
    p256: chain(p256.authorityPem, await p256.leaf('ecdsa')),
    rsa: chain(rsa.authorityPem, await rsa.leaf('rsa')),
  };
}
