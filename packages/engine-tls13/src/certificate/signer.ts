import type { TaskResult } from '@rxtls/core/engine';
import type { SignatureSchemeName } from '../crypto/signature-scheme.ts';

/** A private key that is somewhere else, in an HSM, a KMS or WebCrypto, and signs in its own time. */
export interface Signer {
  /** What it can sign with, in the order of preference (RFC 8446 §4.2.3). */
  readonly schemes: readonly SignatureSchemeName[];
  /** The signature over `message`, which the scheme hashes, in the form that TLS sends it: DER for ECDSA. */
  sign(scheme: SignatureSchemeName, message: Uint8Array): TaskResult<Uint8Array>;
}
