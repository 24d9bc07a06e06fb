import { UsageError } from './usage-error.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, or `[2001:db8::1]:5432`. @throws UsageError */
export function endpoint(text: string): Endpoint {
  const [, bracketed, plain, port] = /^(?:\[([\d:a-f]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new UsageError(`--connect ${JSON.stringify(text)}: HOST:PORT is wanted, as in db.example.org:5432`);
  return { host, port: Number(port) };
}
