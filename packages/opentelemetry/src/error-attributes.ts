import { CertificateError, HandshakeTimeoutError, LimitExceededError, TlsError } from '@rxtls/core/engine';
import type { MetricsAttributes } from './connection-metrics.ts';

/** By the conventions: the `error.type` of what has no name that is known to be one of few. */
const other = Object.freeze({ 'error.type': '_OTHER' });

/** An error as few words, each from a short list: never a message, which may differ from one to the next. */
export function errorAttributes(error: unknown): MetricsAttributes {
  if (!(error instanceof TlsError)) return other;
  const reason = reasonOf(error);
  return {
    'error.type': error.name,
    'rxtls.phase': error.phase,
    ...(reason !== undefined && { 'rxtls.reason': reason }),
  };
}

function reasonOf(error: TlsError): string | undefined {
  if (error instanceof CertificateError) return error.reason;
  if (error instanceof LimitExceededError || error instanceof HandshakeTimeoutError) return error.limit;
  return error.alert ?? faultOf(error);
}

/** The `fault` of a `CredentialsError`, whose package this one does not import. */
function faultOf(error: TlsError & { readonly fault?: unknown }): string | undefined {
  return typeof error.fault === 'string' ? error.fault : undefined;
}
