import { type SignatureHash, signatureHashBytes } from '../crypto/signature-parameters.ts';
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

const hashes: ReadonlyMap<string, SignatureHash> = new Map([
  [objectId.sha256, 'sha256'],
  [objectId.sha384, 'sha384'],
  [objectId.sha512, 'sha512'],
] as const);

/** The algorithm of a signature; undefined for one that is not spoken here: MD5 and SHA-1 are such. @throws CertificateError */
export function signatureAlgorithm({ id, parameters }: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  if (id === objectId.rsassaPss) return parameters && pssAlgorithm(parameters);
  const known = algorithms.get(id);
  // RFC 4055 §5: "implementations MUST accept the parameters being absent as well as present".
  if (known === undefined || parameters === undefined) return known?.[0];
  return known[1] === 'null' && isNull(parameters) ? known[0] : undefined;
}

/** RSASSA-PSS in the forms of RFC 8446 §4.2.3: MGF1 of the same hash, and a salt of its length. @throws CertificateError */
export function pssAlgorithm(parameters: DerReader): SignatureAlgorithm | undefined {
  const { hash, saltLength } = pssParameters(parameters) ?? {};
  return hash !== undefined && saltLength === signatureHashBytes[hash] ? `rsa-pss-${hash}` : undefined;
}

/** RSASSA-PSS-params (RFC 4055 §3.1) with MGF1 of the same hash; undefined for others. @throws CertificateError */
export function pssParameters(
  parameters: DerReader,
): { readonly hash: SignatureHash; readonly saltLength: number } | undefined {
  const fields = parameters.inside(derTag.sequence, 'pss');
  parameters.end();
  const named = explicit(fields, 0xa0, 'hashAlgorithm');
  const mask = explicit(fields, 0xa1, 'maskGenAlgorithm');
  const salt = explicit(fields, 0xa2, 'saltLength');
  // What is left out is SHA-1, with which nothing is signed here; a trailerField is there only when it is not the usual one.
  if (named === undefined || mask === undefined || !fields.isAtEnd) return undefined;
  const hash = hashOf(named.inside(derTag.sequence, 'hash'));
  const generator = algorithmIdentifier(mask.inside(derTag.sequence, 'mask'));
  // RFC 4055 §3.1: "The default value is 20."
  const saltLength = salt?.small('length') ?? 20;
  for (const each of [named, mask, salt]) each?.end();
  if (hash === undefined || generator.id !== objectId.mgf1 || generator.parameters === undefined) return undefined;
  const maskHash = hashOf(generator.parameters.inside(derTag.sequence, 'hash'));
  generator.parameters.end();
  return maskHash === hash ? { hash, saltLength } : undefined;
}

function explicit(fields: DerReader, tag: number, field: string): DerReader | undefined {
  const content = fields.optional(tag, field);
  return content && fields.nested(content, field);
}

/** RFC 4055 §2.1: parameters of a hash are NULL or left out. */
function hashOf(algorithm: DerReader): SignatureHash | undefined {
  const { id, parameters } = algorithmIdentifier(algorithm);
  return parameters === undefined || isNull(parameters) ? hashes.get(id) : undefined;
}

/** @throws CertificateError */
export function isNull(parameters: DerReader): boolean {
  return parameters.optional(derTag.null, 'null')?.length === 0 && parameters.isAtEnd;
}
