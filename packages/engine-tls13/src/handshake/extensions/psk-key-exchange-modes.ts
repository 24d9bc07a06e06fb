import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** PskKeyExchangeMode (RFC 8446 §4.2.9). */
export const pskKeyExchangeMode = { psk_ke: 0, psk_dhe_ke: 1 } as const;

/** psk_key_exchange_modes of a ClientHello. */
export function encodePskKeyExchangeModes(modes: readonly number[]): Uint8Array {
  const writer = new Writer();
  writer.vector(1, () => {
    for (const mode of modes) writer.uint8(mode);
  });
  return writer.finish();
}

/** The modes in the client's order, unknown ones included. @throws PeerMisbehavedError `decode_error` */
export function decodePskKeyExchangeModes(data: Uint8Array): readonly number[] {
  const reader = new Reader(data, 'psk_key_exchange_modes');
  // RFC 8446 §4.2.9: "PskKeyExchangeMode ke_modes<1..255>;"
  const modes = Array.from(reader.vector(1, 1, 255, 'ke_modes'));
  reader.end();
  return modes;
}
