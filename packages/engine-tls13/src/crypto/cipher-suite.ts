/** The hashes of TLS 1.3's cipher suites. */
export type HashName = 'sha256' | 'sha384';

/** Output bytes of each hash. */
export const hashBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48 };

/** A cipher suite (RFC 8446 §B.4). */
export interface CipherSuite {
  readonly name: CipherSuiteName;
  readonly id: number;
  readonly hash: HashName;
  /** Bytes of the AEAD's key; nonces have 12 and tags 16 in all of them. */
  readonly keyBytes: 16 | 32;
  readonly isAesGcm: boolean;
}

export type CipherSuiteName = 'TLS_AES_128_GCM_SHA256' | 'TLS_AES_256_GCM_SHA384' | 'TLS_CHACHA20_POLY1305_SHA256';

/** The three suites by name. */
export const cipherSuite: Readonly<Record<CipherSuiteName, CipherSuite>> = Object.freeze({
  TLS_AES_128_GCM_SHA256: Object.freeze<CipherSuite>({
    name: 'TLS_AES_128_GCM_SHA256',
    id: 0x1301,
    hash: 'sha256',
    keyBytes: 16,
    isAesGcm: true,
  }),
  TLS_AES_256_GCM_SHA384: Object.freeze<CipherSuite>({
    name: 'TLS_AES_256_GCM_SHA384',
    id: 0x1302,
    hash: 'sha384',
    keyBytes: 32,
    isAesGcm: true,
  }),
  TLS_CHACHA20_POLY1305_SHA256: Object.freeze<CipherSuite>({
    name: 'TLS_CHACHA20_POLY1305_SHA256',
    id: 0x1303,
    hash: 'sha256',
    keyBytes: 32,
    isAesGcm: false,
  }),
});
