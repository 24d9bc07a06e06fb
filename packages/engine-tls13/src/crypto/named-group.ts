/** Key exchange groups (RFC 8446 §4.2.7, draft-ietf-tls-ecdhe-mlkem) by OpenSSL's names, with their numbers. */
export const groupNumber = {
  x25519: 0x001d,
  secp256r1: 0x0017,
  secp384r1: 0x0018,
  /** ML-KEM-768 with X25519. Its library is not independently audited: opt-in. */
  X25519MLKEM768: 0x11ec,
} as const;

export type GroupName = keyof typeof groupNumber;

/** The name of a group's number, or undefined for one that is not spoken here. */
export const groupName = (number: number): GroupName | undefined =>
  (Object.keys(groupNumber) as GroupName[]).find((name) => groupNumber[name] === number);
