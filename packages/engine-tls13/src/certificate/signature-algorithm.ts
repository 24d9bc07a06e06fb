import type { SignatureAlgorithm } from '../crypto/signature-scheme.ts';
import { type DerReader, derTag } from './der-reader.ts';
import { objectId } from './object-id.ts';

/** The parts of an AlgorithmIdentifier (RFC 5280 §4.1.1.2). */
export interface AlgorithmIdentifier {
  readonly id: string;
  /** Reads the parameters; undefined when there are none. */
  readonly parameters: DerReader | undefined;
}

/** @throws CertificateError */
export function algorithmIdentifier(algorithm: DerReader): AlgorithmIdentifier {
  const id = algorithm.objectId('algorithm');
  if (algorithm.isAtEnd) return { id, parameters: undefined };
  const { encoded } = algorithm.any('parameters');
  algorithm.end();
  return { id, parameters: algorithm.nested(encoded, 'parameters') };
}

/** Algorithms by identifier, and what RFC 5758 §3.2, RFC 4055 §5 and RFC 8410 §3 say of their parameters. */
const algorithms: ReadonlyMap<string, readonly [SignatureAlgorithm, 'absent' | 'null']> = new Map([
  ['1.2.840.10045.4.3.2', ['ecdsa-sha256', 'absent']],
  ['1.2.840.10045.4.3.3', ['ecdsa-sha384', 'absent']],
  ['1.2.840.10045.4.3.4', ['ecdsa-sha512', 'absent']],
  ['1.2.840.113549.1.1.11', ['rsa-pkcs1-sha256', 'null']],
  ['1.2.840.113549.1.1.12', ['rsa-pkcs1-sha384', 'null']],
  ['1.2.840.113549.1.1.13', ['rsa-pkcs1-sha512', 'null']],
  [objectId.ed25519, ['ed25519', 'absent']],
] as const);

const pssAlgorithms: ReadonlyMap<string, readonly [SignatureAlgorithm, number]> = new Map([
  [objectId.sha256, ['rsa-pss-sha256', 32]],
  [objectId.sha384, ['rsa-pss-sha384', 48]],
  [objectId.sha512, ['rsa-pss-sha512', 64]],
] as const);

/** The algorithm of a signature; undefined for one that is not spoken here: MD5 and SHA-1 are such. @throws CertificateError */
export function signatureAlgorithm({ id, parameters }: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  if (id === objectId.rsassaPss) return parameters && pssAlgorithm(parameters);
  const known = algorithms.get(id);
  // RFC 4055 §5: "implementations MUST accept the parameters being absent as well as present".
  if (known === undefined || parameters === undefined) return known?.[0];
  return known[1] === 'null' && isNull(parameters) ? known[0] : undefined;
}

/** RSASSA-PSS-params (RFC 4055 §3.1) in the forms of RFC 8446 §4.2.3: MGF1 of the same hash, and a salt of its length. @throws CertificateError */
export function pssAlgorithm(parameters: DerReader): SignatureAlgorithm | undefined {
  const fields = parameters.inside(derTag.sequence, 'pss');
  parameters.end();
  const hash = explicit(fields, 0xa0, 'hashAlgorithm');
  const mask = explicit(fields, 0xa1, 'maskGenAlgorithm');
  const salt = explicit(fields, 0xa2, 'saltLength');
  // What is left out is SHA-1, with which nothing is signed here; a trailerField is there only when it is not the usual one.
  if (hash === undefined || mask === undefined || salt === undefined || !fields.isAtEnd) return undefined;
  const known = hashOf(hash.inside(derTag.sequence, 'hash'));
  const generator = algorithmIdentifier(mask.inside(derTag.sequence, 'mask'));
  const length = salt.small('length');
  for (const each of [hash, mask, salt]) each.end();
  if (known === undefined || generator.id !== objectId.mgf1 || generator.parameters === undefined) return undefined;
  const maskHash = hashOf(generator.parameters.inside(derTag.sequence, 'hash'));
  generator.parameters.end();
  const [algorithm, saltLength] = pssAlgorithms.get(known) ?? [];
  return maskHash === known && length === saltLength ? algorithm : undefined;
}

function explicit(fields: DerReader, tag: number, field: string): DerReader | undefined {
  const content = fields.optional(tag, field);
  return content && fields.nested(content, field);
}

/** RFC 4055 §2.1: parameters of a hash are NULL or left out. */
function hashOf(algorithm: DerReader): string | undefined {
  const { id, parameters } = algorithmIdentifier(algorithm);
  return parameters === undefined || isNull(parameters) ? id : undefined;
}

/** @throws CertificateError */
export function isNull(parameters: DerReader): boolean {
  return parameters.optional(derTag.null, 'null')?.length === 0 && parameters.isAtEnd;
}
