import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** early_data of a NewSessionTicket (RFC 8446 §4.2.10): max_early_data_size in bytes. In the hellos it is empty. */
export function encodeEarlyDataTicket(maxEarlyDataSize: number): Uint8Array {
  const writer = new Writer();
  writer.uint32(maxEarlyDataSize);
  return writer.finish();
}

/** @throws PeerMisbehavedError `decode_error` */
export function decodeEarlyDataTicket(data: Uint8Array): number {
  const reader = new Reader(data, 'early_data');
  const maxEarlyDataSize = reader.uint32('max_early_data_size');
  reader.end();
  return maxEarlyDataSize;
}
