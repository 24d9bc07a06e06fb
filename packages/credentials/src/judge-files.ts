import { type CheckedCredentials, checkCredentials } from './check-credentials.ts';
import { isCertificate, readCertificates } from './check-certificates.ts';
import { pemBlocks } from './pem-blocks.ts';

/**
 * Credentials where there is a `cert` and a `key`; every file besides is whole PEM, and its certificates can be read.
 * @throws CredentialsError
 */
export function judgeFiles(
  texts: ReadonlyMap<string, string>,
  options: { readonly now: number; readonly passphrase: string | undefined; readonly warnBefore: number | undefined },
): CheckedCredentials | undefined {
  const { now, passphrase, warnBefore } = options;
  const [cert, key] = [texts.get('cert'), texts.get('key')];
  const isPair = cert !== undefined && key !== undefined;
  for (const [name, text] of texts)
    if (!(isPair && (name === 'cert' || name === 'key')) && pemBlocks(text, name).some(isCertificate))
      readCertificates(text, name, Number.POSITIVE_INFINITY);
  if (!isPair) return undefined;
  return checkCredentials(
    { cert, key, ...(passphrase !== undefined && { passphrase }) },
    { now, ...(warnBefore !== undefined && { warnBefore }) },
  );
}
