import { CertificateError, EngineFailureError } from '@rxtls/core/engine';
import type { KnownCertificates } from '../certificate/known-certificates.ts';
import type { LoadedCredentials } from '../certificate/load-credentials.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { type SignatureScheme, signatureScheme } from '../crypto/signature-scheme.ts';
import { misbehaved } from '../presentation/misbehaved.ts';
import type { HandshakeConnection } from './handshake-connection.ts';
import { encodeCertificate } from './messages/certificate.ts';
import { decodeCertificateVerify, encodeCertificateVerify, signedContent } from './messages/certificate-verify.ts';
import type { TranscriptHash } from './transcript-hash.ts';

/** The first scheme that our key can sign with and the peer accepts (RFC 8446 §4.4.3). */
export function chooseScheme(
  { leaf, key }: LoadedCredentials,
  accepted: readonly number[],
  allowed: readonly SignatureScheme[],
): SignatureScheme | undefined {
  return allowed.find(
    (scheme) =>
      scheme.inHandshake &&
      scheme.key === leaf.publicKey?.type &&
      scheme.algorithm === (leaf.onlyAlgorithm ?? scheme.algorithm) &&
      accepted.includes(scheme.id) &&
      (!('schemes' in key) || key.schemes.includes(scheme.name)),
  );
}

/** Sends Certificate and CertificateVerify; `then` goes on when the signature is made. */
export function sendProof(
  connection: HandshakeConnection,
  transcript: TranscriptHash,
  proof: {
    readonly role: 'client' | 'server';
    readonly credentials: LoadedCredentials;
    readonly scheme: SignatureScheme;
    readonly ocspStaple?: Uint8Array | undefined;
  },
  then: () => void,
): void {
  const { role, credentials, scheme, ocspStaple } = proof;
  const { chain, key } = credentials;
  const entries = chain.map((certificate, at) =>
    at === 0 && ocspStaple !== undefined ? { certificate, ocspResponse: ocspStaple } : { certificate },
  );
  sendAndHash(connection, transcript, encodeCertificate({ entries }));
  const content = signedContent(role, transcript.digest());
  const signed = (signature: Uint8Array): void => {
    sendAndHash(connection, transcript, encodeCertificateVerify({ algorithm: scheme.id, signature }));
    then();
  };
  if (!('schemes' in key)) {
    signed(key.sign(scheme.algorithm, content));
    return;
  }
  connection.ask(
    { name: 'credentials.key.sign', alert: 'internal_error', run: () => key.sign(scheme.name, content) },
    (signature: Uint8Array) => signed(checkedSignature(signature, credentials, scheme, content, connection.crypto)),
  );
}

/** Adds one of our messages to the flight and to the transcript. */
export function sendAndHash(connection: HandshakeConnection, transcript: TranscriptHash, message: Uint8Array): void {
  transcript.add(connection.send(message));
}

/** What a user's signer answered: a signature that is not our certificate's never leaves. */
function checkedSignature(
  signature: unknown,
  { leaf }: LoadedCredentials,
  { algorithm }: SignatureScheme,
  content: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  if (signature instanceof Uint8Array && leaf.publicKey !== undefined) {
    const copy = new Uint8Array(signature);
    if (crypto.publicKey(leaf.publicKey).verify(algorithm, content, copy)) return copy;
  }
  throw new EngineFailureError("credentials.key.sign gave no signature of the certificate's key");
}

/**
 * Checks the peer's CertificateVerify (RFC 8446 §4.4.3) with the key of the leaf it has shown.
 * @throws PeerMisbehavedError `illegal_parameter`, `decrypt_error`
 */
export function checkProof(
  known: KnownCertificates,
  body: Uint8Array,
  peer: {
    readonly role: 'client' | 'server';
    readonly leaf: Uint8Array;
    readonly offered: readonly SignatureScheme[];
    /** Transcript from ClientHello to the peer's Certificate. */
    readonly digest: Uint8Array;
  },
): void {
  const { algorithm, signature } = decodeCertificateVerify(body);
  const scheme = signatureScheme(algorithm);
  // RFC 8446 §4.4.3: "the signature algorithm MUST be one offered in the client's "signature_algorithms" extension"; §4.2.3: PKCS #1 v1.5 is for certificates alone.
  if (scheme === undefined || !scheme.inHandshake || !peer.offered.includes(scheme))
    throw misbehaved('illegal_parameter', 'CertificateVerify uses a signature scheme that was not offered');
  const { certificate, key } = known.read(peer.leaf);
  const { publicKey, onlyAlgorithm } = certificate;
  // RFC 8446 §4.4.3: "the key ... MUST be ... compatible" with the scheme.
  if (publicKey?.type !== scheme.key || scheme.algorithm !== (onlyAlgorithm ?? scheme.algorithm))
    throw misbehaved('illegal_parameter', 'CertificateVerify uses a signature scheme of another kind of key');
  // RFC 8446 §4.4.3: "If the verification fails, the receiver MUST terminate the handshake with a "decrypt_error" alert."
  if (key()?.verify(scheme.algorithm, signedContent(peer.role, peer.digest), signature) !== true)
    throw misbehaved('decrypt_error', "CertificateVerify is not signed by the certificate's key");
}

export const chainTooLong = (most: number): CertificateError =>
  new CertificateError('chain-too-long', `the peer's chain has more than ${most} certificates`, {
    phase: 'verification',
  });
