import type { DerReader } from './der-reader.ts';

const utcTime = 0x17;
const generalizedTime = 0x18;

/** Time (RFC 5280 §4.1.2.5) in milliseconds since 1970. @throws CertificateError */
export function certificateTime(reader: DerReader, field: string): number {
  const { tag, content } = reader.any(field);
  const text = String.fromCharCode(...content.subarray(0, 16));
  // RFC 5280 §4.1.2.5.1 and §4.1.2.5.2: Greenwich Mean Time with seconds, and no fractions of them.
  const form = tag === utcTime ? /^\d{12}Z$/ : tag === generalizedTime ? /^\d{14}Z$/ : undefined;
  if (form === undefined || !form.test(text))
    throw reader.malformed(`.${field} is no time in a form that RFC 5280 allows`);
  const digits = tag === generalizedTime ? text : `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`;
  const part = (at: number, length = 2): number => Number(digits.slice(at, at + length));
  const date = new Date(0);
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(part(0, 4), part(4) - 1, part(6));
  date.setUTCHours(part(8), part(10), part(12));
  // A date that does not exist runs over into another one.
  const written = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  if (written !== digits) throw reader.malformed(`.${field} is no date`);
  return date.getTime();
}
