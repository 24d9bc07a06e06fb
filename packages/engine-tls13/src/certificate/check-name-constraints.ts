import { LimitExceededError } from '@rxtls/core/engine';
import { certificateRefused } from './certificate-refused.ts';
import { type ComparableName, comparableName, isUnderName } from './comparable-name.ts';
import { dnsConstraint, dnsName, isUnderDns, mayBeUnderDns } from './dns-constraint.ts';
import type { GeneralName } from './general-name.ts';
import { objectId } from './object-id.ts';
import type { Certificate } from './parse-certificate.ts';

/** What comparing names with constraints may still cost (CVE-2023-0464 was of this kind), all paths together. */
export interface NameConstraintWork {
  left: number;
  readonly max: number;
}

/** A name in the form in which it is compared, made once however many subtrees there are: a long one takes milliseconds. */
interface ConstrainedName {
  readonly form: GeneralName['form'];
  readonly content: Uint8Array;
  readonly dns: () => string;
  readonly directory: () => ComparableName;
}

/** A base of a subtree: does a name of its own form lie in it? */
interface Subtree {
  readonly form: GeneralName['form'];
  permits(name: ConstrainedName): boolean;
  excludes(name: ConstrainedName): boolean;
}

/**
 * Holds the names of the certificates below an authority, the leaf first, against what it may issue for (RFC 5280
 * §4.2.1.10, §6.1.3 (b) and (c)): dNSName, iPAddress and directoryName. Names of other forms are refused where a critical
 * extension says anything of their form.
 * @throws CertificateError, LimitExceededError
 */
export function checkNameConstraints(
  { nameConstraints }: Certificate,
  below: readonly Certificate[],
  work: NameConstraintWork,
): void {
  if (nameConstraints === undefined) return;
  const permitted = nameConstraints.permitted.map(subtree);
  const excluded = nameConstraints.excluded.map(subtree);
  for (const [index, certificate] of below.entries()) {
    // RFC 5280 §6.1.3: "if certificate i is self-issued and it is not the final certificate in the path, skip this step".
    if (index > 0 && certificate.isSelfIssued) continue;
    const names = namesOf(certificate).map(constrainedName);
    spend(work, names.length * (permitted.length + excluded.length));
    for (const name of names) check(name, permitted, excluded, nameConstraints.critical);
  }
}

function check(
  name: ConstrainedName,
  permitted: readonly Subtree[],
  excluded: readonly Subtree[],
  critical: boolean,
): void {
  const inForm = ({ form }: Subtree): boolean => form === name.form;
  const allowed = permitted.filter(inForm);
  const denied = excluded.filter(inForm);
  if (allowed.length + denied.length === 0) return;
  if (name.form !== 'dNSName' && name.form !== 'iPAddress' && name.form !== 'directoryName') {
    // RFC 5280 §4.2.1.10: "then the application MUST either process the constraint or reject the certificate".
    if (critical) throw outside();
    return;
  }
  if (allowed.length > 0 && !allowed.some((each) => each.permits(name))) throw outside();
  if (denied.some((each) => each.excludes(name))) throw outside();
}

/** The names in subjectAltName, the subject unless it is empty, and its addresses of electronic mail. */
function namesOf({ subjectAltName = [], subjectName }: Certificate): readonly GeneralName[] {
  const mail = subjectName.flat().filter(({ id }) => id === objectId.emailAddress);
  return [
    ...subjectAltName,
    ...(subjectName.length === 0 ? [] : [{ form: 'directoryName', name: subjectName } as const]),
    ...mail.map(({ content }) => ({ form: 'rfc822Name', content }) as const),
  ];
}

function constrainedName(name: GeneralName): ConstrainedName {
  const content = name.form === 'directoryName' ? new Uint8Array() : name.content;
  let dns: string | undefined;
  let directory: ComparableName | undefined;
  return {
    form: name.form,
    content,
    dns: () => (dns ??= dnsName(content)),
    directory: () => (directory ??= name.form === 'directoryName' ? comparableName(name.name) : []),
  };
}

function subtree(base: GeneralName): Subtree {
  const { form } = base;
  if (form === 'directoryName') {
    const under = comparableName(base.name);
    const isUnder = (name: ConstrainedName): boolean => isUnderName(name.directory(), under);
    return { form, permits: isUnder, excludes: isUnder };
  }
  if (form === 'dNSName') {
    const under = dnsConstraint(base.content);
    return {
      form,
      permits: (name) => isUnderDns(name.dns(), under),
      excludes: (name) => mayBeUnderDns(name.dns(), under),
    };
  }
  const isUnder = (name: ConstrainedName): boolean => isInNetwork(name.content, base.content);
  return { form, permits: isUnder, excludes: isUnder };
}

/** @param network an address and its mask. */
function isInNetwork(address: Uint8Array, network: Uint8Array): boolean {
  // RFC 5280 §4.2.1.6: "the octet string MUST contain exactly four octets", or sixteen.
  if (address.length !== 4 && address.length !== 16) throw outside();
  if (network.length !== address.length * 2) return false;
  return address.every((byte, index) => {
    const mask = network[address.length + index] ?? 0;
    return (byte & mask) === ((network[index] ?? 0) & mask);
  });
}

function spend(work: NameConstraintWork, comparisons: number): void {
  work.left -= comparisons;
  if (work.left >= 0) return;
  throw new LimitExceededError(
    'maxNameConstraintComparisons',
    `limits.maxNameConstraintComparisons: the chain needs more than ${work.max} comparisons of names with constraints`,
    { phase: 'verification', alert: 'bad_certificate' },
  );
}

const outside = (): Error =>
  certificateRefused('bad-certificate', 'a certificate of the peer has a name that an authority above it may not give');
