import { constants } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ApiMisuseError, type TlsVersion } from '@rxtls/core/engine';
import type { LoadedCredentials } from './certificates.ts';
import { inheritingNothing } from './openssl-options.ts';
import type { TrustAnchors } from './trust-anchors.ts';

/** What both roles tell OpenSSL. */
export interface ContextSettings {
  readonly credentials: readonly LoadedCredentials[];
  readonly trust: TrustAnchors | undefined;
  readonly versions: { readonly min: TlsVersion; readonly max: TlsVersion };
  readonly legacy: boolean;
  readonly ciphers: string | undefined;
  readonly groups: string | undefined;
  readonly signatureAlgorithms: string | undefined;
  readonly resumption: boolean;
}

/** Node's options for a context; with `renegotiation` OpenSSL answers it, else it refuses with `no_renegotiation`. */
export function contextOptions(settings: ContextSettings, renegotiation: boolean): SecureContextOptions {
  const { credentials, trust, versions, legacy, groups, signatureAlgorithms } = settings;
  const ciphers = settings.ciphers ?? (legacy ? `${DEFAULT_CIPHERS}:@SECLEVEL=0` : undefined);
  const pfx = credentials.flatMap((one) => (one.pfx === undefined ? [] : [pfxOption(one.pfx, one.passphrase)]));
  const pem = credentials.filter((one) => one.pfx === undefined);
  const secureOptions =
    (renegotiation ? 0 : constants.SSL_OP_NO_RENEGOTIATION) | (settings.resumption ? 0 : constants.SSL_OP_NO_TICKET);
  return {
    minVersion: versions.min,
    maxVersion: versions.max,
    secureOptions,
    ...(trust?.pem === undefined ? {} : { ca: [...trust.pem] }),
    ...(pem.length === 0 ? {} : { cert: pem.map((one) => one.cert ?? ''), key: pem.map((one) => one.key ?? '') }),
    ...(pfx.length === 0 ? {} : { pfx }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
    ...(signatureAlgorithms === undefined ? {} : { sigalgs: signatureAlgorithms }),
  };
}

const pfxOption = (buf: Buffer, passphrase: string | undefined): { buf: Buffer; passphrase?: string } =>
  passphrase === undefined ? { buf } : { buf, passphrase };

/**
 * Builds the context, and with it proves the options.
 * @throws ApiMisuseError with OpenSSL's reason, which never quotes a key.
 */
export function secureContext(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(inheritingNothing(options));
  } catch (error) {
    throw contextRefused(error);
  }
}

/** What Node's refusal of options becomes. */
export function contextRefused(error: unknown): ApiMisuseError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'a key, certificate or passphrase does not fit';
  return new ApiMisuseError(`OpenSSL refuses these options: ${code.toLowerCase().replaceAll('_', ' ').slice(0, 80)}`);
}
