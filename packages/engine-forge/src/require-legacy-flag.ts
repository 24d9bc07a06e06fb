import { ApiMisuseError } from '@rxtls/core/engine';

/**
 * Every factory of this package starts here.
 * @throws ApiMisuseError without `dangerouslyAllowLegacyVersions: true`.
 */
export function requireLegacyFlag(value: unknown, where: string): void {
  if (value === true) return;
  throw new ApiMisuseError(
    `${where} speaks TLS 1.0 and 1.1 only, which RFC 8996 forbids; use nodeEngine of @rxtls/engine-node, or where nothing newer can be had give dangerouslyAllowLegacyVersions: true`,
  );
}
