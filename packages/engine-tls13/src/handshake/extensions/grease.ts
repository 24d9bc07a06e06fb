/** Whether a 16 bit value is one of the sixteen reserved by GREASE (RFC 8701 §2): 0x0A0A, 0x1A1A … 0xFAFA. */
export const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
