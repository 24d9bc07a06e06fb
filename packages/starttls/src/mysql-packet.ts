import { misbehaved } from './refusal.ts';
import { octets, type Script } from './script.ts';

/** Capability flags of MySQL's handshake that matter here. */
export const mysqlFlag = { protocol41: 0x0200, ssl: 0x0800 } as const;

/** A packet's payload; its sequence id has to be this. */
export function* mysqlPacket(sequenceId: number): Script<Uint8Array> {
  const [low, middle, high, id] = yield* octets(4);
  if (id !== sequenceId) throw misbehaved(`a packet is not number ${sequenceId}`);
  return yield* octets(low! | (middle! << 8) | (high! << 16));
}

export function mysqlPacketBytes(sequenceId: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const bytes = new Uint8Array(4 + length);
  bytes.set([length & 255, (length >> 8) & 255, length >> 16, sequenceId]);
  bytes.set(payload, 4);
  return bytes;
}

/** The capability flags of a server's greeting (HandshakeV10), lower and upper half; undefined where the bytes are none. */
export function greetingFlags(payload: Uint8Array): number | undefined {
  const versionEnd = payload.indexOf(0, 1);
  // thread id 4, scramble 8, filler 1; then flags 2, character set 1, status 2, flags 2
  const at = versionEnd + 14;
  if (payload[0] !== 10 || versionEnd < 0 || payload.length < at + 2) return undefined;
  const lower = payload[at]! | (payload[at + 1]! << 8);
  const hasUpper = payload.length >= at + 7;
  return hasUpper ? (lower | (payload[at + 5]! << 16) | (payload[at + 6]! << 24)) >>> 0 : lower;
}
