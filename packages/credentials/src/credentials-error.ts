import { ApiMisuseError } from '@rxtls/core/engine';

/** What is wrong with credentials, or with a file of theirs. */
export type CredentialsFault =
  /** No such file, or no such folder on the way to it. */
  | 'missing'
  /** The system does not let us read it. */
  | 'unreadable'
  /** A folder, a pipe, a socket or a device. */
  | 'not-a-file'
  | 'too-large'
  /** It has not stood still for long enough to be read. */
  | 'changing'
  /** No PEM, PEM that does not end, or what no certificate or key can be read from. */
  | 'malformed'
  /** The key is encrypted, and there is no passphrase or not the right one. */
  | 'encrypted'
  /** The key is not the first certificate's. */
  | 'mismatch'
  /** A certificate did not issue the one before it. */
  | 'broken-chain'
  | 'expired'
  | 'not-yet-valid'
  /** A key, or the hash of a signature, that peers refuse. */
  | 'weak-key';

/** Credentials that must not be used. The message says what to do, and holds nothing of what was read. */
export class CredentialsError extends ApiMisuseError {
  readonly fault: CredentialsFault;
  /** Which of the credentials it is: `cert`, `key`, … */
  readonly part: string;
  constructor(fault: CredentialsFault, part: string, message: string) {
    super(message);
    this.fault = fault;
    this.part = part;
  }
}
