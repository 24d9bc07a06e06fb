import { certificateRefused } from './certificate-refused.ts';
import { latin1Text } from './latin1-text.ts';

/** A dNSName as it may stand below a constraint, in lower case: what looks like no host name is refused. @throws CertificateError */
export const dnsName = (content: Uint8Array): string => lowerCase(content, /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/);

/** The base of a subtree of DNS names; empty for all of them. @throws CertificateError */
export const dnsConstraint = (content: Uint8Array): string =>
  lowerCase(content, /^(?:\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)?$/);

/**
 * RFC 5280 §4.2.1.10: "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side of
 * the name satisfies the name constraint." With a dot in front, which many write, at least one label is added.
 */
export const isUnderDns = (name: string, base: string): boolean =>
  base === '' || name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`);

/** The same for a name that is excluded: a wildcard can stand for the one label that makes it so. */
export const mayBeUnderDns = (name: string, base: string): boolean =>
  isUnderDns(name, base) || (name.startsWith('*.') && base.slice(base.indexOf('.')) === name.slice(1));

function lowerCase(content: Uint8Array, form: RegExp): string {
  const text = content.length > 255 ? undefined : latin1Text(content).toLowerCase();
  if (text === undefined || !form.test(text))
    throw certificateRefused('bad-certificate', 'a DNS name under a constraint of an authority is no host name');
  return text;
}
