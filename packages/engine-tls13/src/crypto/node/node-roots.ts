import * as tls from 'node:tls';
import { plainBytes } from './plain-bytes.ts';

/** Newer Node can say which roots it trusts, and lets a program change them; Node 20 shows its bundle only. */
const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };

/** The runtime's trusted roots in DER, as they are now. */
export const nodeRoots = (): readonly Uint8Array[] =>
  (getCACertificates?.('default') ?? tls.rootCertificates).map((pem) =>
    plainBytes(Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64')),
  );
