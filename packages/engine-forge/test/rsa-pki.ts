// The byte-by-byte PKI of engine-node's tests with RSA keys only: node-forge reads no others.
import { generateKeyPairSync } from 'node:crypto';
import { credentials, issue, type Issued, type Wish } from '../../engine-node/test/pki.ts';

export const rsa = (wish: Wish): Issued => issue({ kind: 'rsa', ...wish });
export const rsaAuthority = (cn: string, issuer?: Issued): Issued =>
  rsa({ cn, ca: true, ...(issuer === undefined ? {} : { issuer }) });

/** With a key of 512 bits, for tests of something else than the work with keys; `limits.minRsaKeyBits` has to allow it. */
export const short = (wish: Wish): Issued => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
  return rsa({ ...wish, key: { key: privateKey, publicKey } as Issued });
};

export const root: Issued = rsaAuthority('rxtls forge root');
export const otherRoot: Issued = rsaAuthority('rxtls other forge root');
export const intermediate: Issued = rsaAuthority('rxtls forge intermediate', root);
export const host: Issued = rsa({ issuer: intermediate, dns: ['host.test'], usage: 'serverAuth' });
export const client: Issued = rsa({ cn: 'client', issuer: root, usage: 'clientAuth' });

export { credentials };
export type { Issued, Wish };
