import { ApiMisuseError } from '../engine/index.ts';

/** Whether a server asks its clients for a certificate. */
export type ClientAuth = 'none' | 'request' | 'require';

/** @throws ApiMisuseError */
export function clientAuthOption(value: unknown): ClientAuth {
  if (value === undefined) return 'none';
  if (value === 'none' || value === 'request' || value === 'require') return value;
  throw new ApiMisuseError("clientAuth must be 'none', 'request' or 'require'");
}
