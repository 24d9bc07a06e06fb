import forge from 'node-forge';

/**
 * What is used of node-forge, as this package sees it. DefinitelyTyped's declarations bring Node's globals along, and leave
 * out what a contract engine needs of a connection; nothing of them reaches our own declarations.
 */
export interface ForgeLibrary {
  readonly tls: {
    readonly CipherSuites: Readonly<Record<string, ForgeCipherSuite>>;
    readonly createConnection: (options: ForgeConnectionOptions) => ForgeConnection;
  };
  readonly pki: {
    certificateFromAsn1(der: ForgeAsn1, computeHash?: boolean): ForgeCertificate;
    createCaStore(anchors: readonly ForgeCertificate[]): ForgeCaStore;
    verifyCertificateChain(
      store: ForgeCaStore,
      chain: readonly ForgeCertificate[],
      options: { readonly validityCheckDate: Date | null },
    ): boolean;
    privateKeyFromPem(pem: string): ForgePrivateKey;
    privateKeyFromAsn1(der: ForgeAsn1): ForgePrivateKey;
    decryptRsaPrivateKey(pem: string, passphrase: string): ForgePrivateKey | null;
    privateKeyToPem(key: ForgePrivateKey): string;
  };
  readonly asn1: { fromDer(bytes: string): ForgeAsn1; toDer(element: ForgeAsn1): ForgeBuffer };
  readonly md: { readonly sha256: { create(): ForgeDigest } };
  readonly pem: {
    decode(text: string): readonly { readonly type: string; readonly body: string }[];
    encode(message: { readonly type: string; readonly body: string }): string;
  };
  readonly util: { createBuffer(bytes?: string): ForgeBuffer; encodeUtf8(text: string): string };
  /** One for the whole process; looked up again for every byte. */
  readonly random: { getBytes: (count: number) => string; getBytesSync: (count: number) => string };
}

/** Opaque here. */
type ForgeAsn1 = { readonly value: unknown };

interface ForgeBuffer {
  length(): number;
  /** A copy. */
  bytes(count?: number): string;
  /** Takes them out. */
  getBytes(count?: number): string;
}

export interface ForgeDigest {
  update(bytes: string): ForgeDigest;
  digest(): ForgeBuffer & { toHex(): string };
}

interface ForgeBigInteger {
  bitLength(): number;
  equals(other: ForgeBigInteger): boolean;
}

interface ForgePublicKey {
  readonly n: ForgeBigInteger;
  readonly e: ForgeBigInteger;
}

export interface ForgePrivateKey extends ForgePublicKey {
  /** `null`: PKCS #1 v1.5 without DigestInfo, as TLS before 1.2 signs (RFC 4346 §4.7). */
  sign(bytes: string, scheme: null): string;
}

export interface ForgeExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly [property: string]: unknown;
}

export interface ForgeCertificate {
  readonly publicKey: ForgePublicKey;
  readonly signatureOid: string;
  /** What the signed part says of the signature. */
  readonly siginfo: { readonly algorithmOid: string };
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly extensions: { id: string; critical: boolean; [property: string]: unknown }[];
  readonly subject: unknown;
  /** Whether the other one's subject is our issuer. */
  isIssuer(other: ForgeCertificate): boolean;
  /** Whether it signed the other one; throws where that cannot be. */
  verify(child: ForgeCertificate): boolean;
}

export interface ForgeCaStore {
  /** By a hash of the subject; only read to name authorities in a CertificateRequest. */
  readonly certs: Readonly<Record<string, unknown>>;
  getIssuer(certificate: ForgeCertificate): unknown;
  hasCertificate(certificate: ForgeCertificate): boolean;
}

interface ForgeVersion {
  major: number;
  minor: number;
}

export interface ForgeCipherSuite {
  readonly id: readonly [number, number];
  readonly name: string;
}

export interface ForgeRecord {
  type: number;
  fragment: ForgeBuffer;
}

/** RFC 4346 §6.1; binary strings. */
export interface ForgeSecurityParameters {
  master_secret?: string | null;
  pre_master_secret?: string | null;
  client_random?: string;
  server_random?: string;
  compression_algorithm?: number;
  keys?: unknown;
}

/** The part of a connection that a handshake fills. */
export interface ForgeSession {
  id: string;
  version: ForgeVersion | null;
  cipherSuite: ForgeCipherSuite | null;
  resuming?: boolean;
  readonly serverCertificate?: ForgeCertificate | null;
  readonly clientCertificate?: ForgeCertificate | null;
  sp?: ForgeSecurityParameters;
  md5: ForgeDigest;
  sha1: ForgeDigest;
}

export interface ForgeFailure {
  readonly message?: string;
  readonly send?: boolean;
  readonly fatal?: boolean;
  readonly alert?: { readonly level: number; readonly description: number };
}

export interface ForgeConnection {
  version: ForgeVersion;
  session: ForgeSession | null;
  state: { pending: unknown; current: { read: ForgeReadState; write: unknown } | null };
  readonly tlsData: ForgeBuffer;
  readonly data: ForgeBuffer;
  readonly input: ForgeBuffer;
  handshake(sessionId?: string): void;
  process(bytes: string): number;
  prepare(bytes: string): boolean;
  error(connection: ForgeConnection, failure: ForgeFailure): void;
}

export interface ForgeReadState {
  /** Decrypts a record in place; false, after an alert, when it does not authenticate. */
  update: (connection: ForgeConnection, record: ForgeRecord) => boolean;
}

/** What a session cache holds for forge. */
interface ForgeCachedSession {
  readonly id: string;
  readonly version: ForgeVersion;
  readonly sp: ForgeSecurityParameters;
}

export interface ForgeConnectionOptions {
  readonly server: boolean;
  readonly caStore: ForgeCaStore;
  readonly cipherSuites: readonly ForgeCipherSuite[];
  readonly virtualHost?: string;
  readonly verifyClient?: boolean | 'optional';
  readonly verifyOptions: { readonly validityCheckDate: null };
  readonly sessionCache: {
    readonly order: readonly string[];
    getSession(id: string): ForgeCachedSession | null;
    setSession(): void;
  };
  readonly verify: () => true;
  readonly getCertificate?: () => readonly string[];
  readonly getPrivateKey?: () => string;
  readonly getSignature?: (
    connection: ForgeConnection,
    bytes: string,
    done: (connection: ForgeConnection, signature: string) => void,
  ) => void;
  readonly connected: (connection: ForgeConnection) => void;
  readonly tlsDataReady: (connection: ForgeConnection) => void;
  readonly dataReady: (connection: ForgeConnection) => void;
  readonly closed: () => void;
  readonly error: (connection: ForgeConnection, failure: ForgeFailure) => void;
}

export const library: ForgeLibrary = forge as unknown as ForgeLibrary;
