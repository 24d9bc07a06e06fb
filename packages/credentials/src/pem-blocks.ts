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
 * @throws CredentialsError where one does not end, or holds what is no base64: a file that is being written; and where BEGIN or
 * END share their line, as when files were joined without a line break: OpenSSL passes over such a block, or refuses the text
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
    const to = bodyEnd + end.length;
    if (!beginsLine(text, from) || !endsLine(text, to))
      throw malformed(part, 'holds a PEM block whose first or last line has something else in it');
    blocks.push({ label, text: text.slice(from, to) });
    from = next;
  }
  if (blocks.length === 0) throw malformed(part, 'holds no PEM block');
  return blocks;
}

const beginsLine = (text: string, at: number): boolean =>
  at === 0 || text[at - 1] === '\n' || (at === 1 && text[0] === '\uFEFF');

function endsLine(text: string, at: number): boolean {
  const end = text.indexOf('\n', at);
  return /^[\t\v\f\r ]*$/.test(text.slice(at, end < 0 ? undefined : end));
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
