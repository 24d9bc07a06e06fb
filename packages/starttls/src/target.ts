import { ApiMisuseError } from '@rxtls/core/engine';
import { ipv4Bytes, ipv6Bytes } from '@rxtls/core/engine-parts';

/** Where a tunnel is to lead. */
export interface Target {
  /** `host:port`, IPv6 in brackets, as it was given. */
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  /** The address, where the host is one. */
  readonly address: Uint8Array | undefined;
}

/**
 * Reads `host:port`: a name of letters, digits, `-`, `_` and dots, of at most 253 characters, an IPv4 address, or an IPv6 address in
 * brackets. Nothing else passes, so that no target can end a line or a length.
 * @throws ApiMisuseError
 */
export function targetOption(operator: string, value: unknown): Target {
  const [authority, bracketed, name, digits] =
    (typeof value === 'string' && /^(?:\[([\da-fA-F:.]{2,45})\]|([\w.-]{1,253})):(\d{1,5})$/.exec(value)) || [];
  const host = bracketed ?? name ?? '';
  const port = Number(digits);
  const address = bracketed === undefined ? ipv4Bytes(host) : ipv6Bytes(host);
  if (authority === undefined || port < 1 || port > 65_535 || (bracketed !== undefined && address === undefined))
    throw new ApiMisuseError(`${operator}: the target must be 'host:port', an IPv6 address in brackets`);
  return { authority, host, port, address };
}
