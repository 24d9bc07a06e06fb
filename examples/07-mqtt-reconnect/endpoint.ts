import { isIPv6 } from 'node:net';
import { UsageError } from './usage-error.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, `192.0.2.1:443` or `[2001:db8::1]:443`. @throws UsageError */
export function endpoint(text: string): Endpoint {
  const [, bracketed, plain, digits] = /^(?:\[([^[\]]*)\]|([^[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (isIPv6(text) || (plain !== undefined && isIPv6(plain)) || plain?.includes(':'))
    throw new UsageError(`--connect ${JSON.stringify(text)}: an IPv6 address stands in brackets, as in [::1]:443`);
  if (bracketed !== undefined && !isIPv6(bracketed))
    throw new UsageError(`--connect ${JSON.stringify(text)}: brackets hold an IPv6 address, as in [::1]:443`);
  if (digits === undefined || host === '' || /[\s\p{Cc}]/u.test(host))
    throw new UsageError(`--connect ${JSON.stringify(text)}: HOST:PORT is wanted, as in example.org:443`);
  if (port < 1 || port > 65_535)
    throw new UsageError(`--connect ${JSON.stringify(text)}: the port must be from 1 to 65535`);
  return { host, port };
}
