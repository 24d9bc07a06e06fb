import { maxPlaintextRecordBytes } from '@rxtls/core/engine';

/** The most a protected record holds: content, its type and padding (RFC 8446 §5.4). RFC 8449 §4: the highest record_size_limit. */
export const maxInnerBytes: number = maxPlaintextRecordBytes + 1;

/** RFC 8449 §4: "A endpoint MUST treat receipt of a smaller value as a fatal error". */
export const minRecordSizeLimit = 64;
