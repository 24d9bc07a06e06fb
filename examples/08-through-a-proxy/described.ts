import { X509Certificate } from 'node:crypto';
import type { NegotiatedParameters } from '@rxtls/core';

/** What one layer agreed on, and with whom. */
export function described({ version, cipherSuite, alpnProtocol = 'no ALPN', peer }: NegotiatedParameters): string {
  const [leaf] = peer.chain;
  const names = leaf === undefined ? 'nobody' : new X509Certificate(leaf).subjectAltName?.replaceAll('DNS:', '');
  return `${names}, ${peer.verification}, ${version}, ${cipherSuite}, ${alpnProtocol}`;
}
