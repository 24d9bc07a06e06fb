import { createPrivateKey, type KeyObject } from 'node:crypto';
import { CredentialsError } from './credentials-error.ts';
import { type PemBlock, pemBlocks } from './pem-blocks.ts';

/** The one private key in a text; parameters and certificates may stand beside it. @throws CredentialsError */
export function readPrivateKey(text: string, part: string, passphrase: string | undefined): KeyObject {
  const keys = pemBlocks(text, part).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block] = keys;
  if (block === undefined || keys.length > 1)
    throw new CredentialsError('malformed', part, `${part} holds ${keys.length} private keys: one is wanted, in PEM`);
  const encrypted = isEncrypted(block);
  if (encrypted && passphrase === undefined)
    throw new CredentialsError('encrypted', part, `${part} is encrypted: give its passphrase, or decrypt the file`);
  try {
    return createPrivateKey({ key: block.text, ...(passphrase !== undefined && { passphrase }) });
  } catch {
    // What OpenSSL says of a key may quote it; nothing of it is passed on.
  }
  if (encrypted)
    throw new CredentialsError('encrypted', part, `${part} does not open with this passphrase: give the right one`);
  throw new CredentialsError('malformed', part, `${part} cannot be read as a private key: write the file again`);
}

const isEncrypted = ({ label, text }: PemBlock): boolean =>
  label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(text);
