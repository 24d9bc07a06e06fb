import { ApiMisuseError, hostName } from '../engine/index.ts';
import { equalBytes } from './der.ts';
import { ipv4Bytes, ipv6Bytes } from './ip-address.ts';
import type { SubjectAlternativeNames } from './subject-alternative-names.ts';

/** Whom the client wants to talk to (RFC 9525 §6.1): a DNS name, or an address that is never sent as SNI. */
export type ReferenceIdentity =
  | { readonly kind: 'dns'; readonly name: string }
  | { readonly kind: 'ip'; readonly name: string; readonly address: Uint8Array };

/**
 * Reads the option `serverName`: an ASCII host name (A-labels for international ones) or an IP literal.
 * @throws ApiMisuseError for anything else.
 */
export function referenceIdentity(serverName: unknown): ReferenceIdentity {
  if (typeof serverName !== 'string' || serverName === '')
    throw new ApiMisuseError('serverName is required: the DNS name or IP address the certificate must be for');
  const address = ipv4Bytes(serverName) ?? (serverName.includes(':') ? ipv6Bytes(serverName) : undefined);
  if (address !== undefined) return { kind: 'ip', name: serverName, address };
  const name = hostName(serverName);
  if (name === undefined)
    throw new ApiMisuseError(
      'serverName must be a host name in ASCII (A-labels) or an IP address without brackets or zone',
    );
  return { kind: 'dns', name };
}

/** Whether a certificate with these names is for that identity (RFC 9525 §6): by subjectAltName alone, never by CN. */
export function matchesIdentity(names: SubjectAlternativeNames, identity: ReferenceIdentity): boolean {
  if (identity.kind === 'ip') return names.addresses.some((address) => equalBytes(address, identity.address));
  return names.dns.some((pattern) => matchesName(pattern, identity.name));
}

/**
 * RFC 9525 §6.3: "the wildcard character appears only as the complete content of the left-most label". It stands for
 * one label, and never right above a top-level name.
 */
function matchesName(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name && !pattern.includes('*');
  const parent = pattern.slice(1);
  if (parent.includes('*') || parent.split('.').length < 3) return false;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === parent;
}
