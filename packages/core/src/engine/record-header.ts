/** Content types of records (RFC 8446 §5.1; heartbeat RFC 6520). */
export const contentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  heartbeat: 24,
} as const;
export type ContentTypeName = keyof typeof contentType;

const names: readonly ContentTypeName[] = ['changeCipherSpec', 'alert', 'handshake', 'applicationData', 'heartbeat'];

/** The name of a record's content type, `undefined` for a byte that starts no TLS record. */
export const contentTypeName = (type: number): ContentTypeName | undefined => names[type - 20];

/** A record's header is type(1) legacy_record_version(2) length(2). */
export const recordHeaderBytes = 5;
/** The most a plaintext record carries (RFC 8446 §5.1). */
export const maxPlaintextRecordBytes = 16_384;
/** The most a protected record carries: 2^14 + 256 in TLS 1.3 (RFC 8446 §5.2), 2^14 + 2048 before (RFC 5246 §6.2.3). */
export const maxCiphertextRecordBytes = { 'TLSv1.3': 16_640, older: 18_432 } as const;
