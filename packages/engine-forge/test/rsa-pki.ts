// The byte-by-byte PKI of engine-node's tests with RSA keys only: node-forge reads no others.
import { credentials, issue, type Issued, type Wish } from '../../engine-node/test/pki.ts';

export const rsa = (wish: Wish): Issued => issue({ kind: 'rsa', ...wish });
export const rsaAuthority = (cn: string, issuer?: Issued): Issued =>
  rsa({ cn, ca: true, ...(issuer === undefined ? {} : { issuer }) });

export const root: Issued = rsaAuthority('rxtls forge root');
export const otherRoot: Issued = rsaAuthority('rxtls other forge root');
export const intermediate: Issued = rsaAuthority('rxtls forge intermediate', root);
export const host: Issued = rsa({ issuer: intermediate, dns: ['host.test'], usage: 'serverAuth' });
export const client: Issued = rsa({ cn: 'client', issuer: root, usage: 'clientAuth' });

export { credentials };
export type { Issued, Wish };
