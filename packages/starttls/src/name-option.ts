import { ApiMisuseError } from '@rxtls/core/engine';

/** A name that is said in the clear: a domain, or an address as the protocol writes it. Nothing that could end a line or a tag. */
export function nameOption(operator: string, option: string, value: unknown): string {
  if (typeof value === 'string' && /^[\w.:[\]-]{1,255}$/.test(value)) return value;
  throw new ApiMisuseError(`${operator}: ${option} must be a domain name or an address, of at most 255 characters`);
}
