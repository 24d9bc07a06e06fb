import { CredentialsError } from './credentials-error.ts';

/** A block of PEM (RFC 7468), or of its elder with headers (RFC 1421), which encrypted keys still have. */
export interface PemBlock {
  readonly label: string;
  /** From BEGIN to END, both with their dashes. */
  readonly text: string;
}

const begin = '-----BEGIN ';
const dashes = '-----';
const longestLabel = 64;

/**
 * The blocks in a text, in their order; what stands between them is explanation (RFC 7468 §2).
 * @throws CredentialsError where one does not end, or holds what is no base64: a file that is being written
 */
export function pemBlocks(text: string, part: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let from = text.indexOf(begin); from >= 0; ) {
    const labelEnd = text.indexOf(dashes, from + begin.length);
    const label = labelEnd < 0 ? '' : text.slice(from + begin.length, labelEnd);
    if (label.length > longestLabel || !/^[A-Z0-9 ]+$/.test(label)) throw unfinished(part);
    const end = `-----END ${label}-----`;
    const bodyFrom = labelEnd + dashes.length;
    const bodyEnd = text.indexOf(end, bodyFrom);
    const next = text.indexOf(begin, bodyFrom);
    if (bodyEnd < 0 || (next >= 0 && next < bodyEnd)) throw unfinished(part);
    if (!isBody(text.slice(bodyFrom, bodyEnd))) throw malformed(part, 'holds PEM that is not base64');
    blocks.push({ label, text: text.slice(from, bodyEnd + end.length) });
    from = next;
  }
  if (blocks.length === 0) throw malformed(part, 'holds no PEM block');
  return blocks;
}

/** Base64, behind headers and an empty line where there are any. */
function isBody(body: string): boolean {
  const headersEnd = /^\s*[\w-]+:/.test(body) ? /\r?\n\r?\n/.exec(body) : null;
  const base64 = headersEnd === null ? body : body.slice(headersEnd.index);
  const dense = base64.replaceAll(/\s+/g, '');
  return dense.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(dense);
}

const malformed = (part: string, what: string): CredentialsError =>
  new CredentialsError('malformed', part, `${part} ${what}: write the whole PEM file again`);
const unfinished = (part: string): CredentialsError => malformed(part, 'holds a PEM block that does not end');
