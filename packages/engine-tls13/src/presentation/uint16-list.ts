import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** A list of uint16 that is all of an extension: `uint16 list<min..max>`. @throws PeerMisbehavedError `decode_error` */
export function decodeUint16List(
  data: Uint8Array,
  lengthBytes: 1 | 2,
  min: number,
  max: number,
  path: string,
): readonly number[] {
  const reader = new Reader(data, path);
  const list = reader.inside(lengthBytes, min, max, 'list');
  reader.end();
  return readUint16s(list);
}

/** Every uint16 up to the end. @throws PeerMisbehavedError `decode_error` for half of one */
export function readUint16s(list: Reader): readonly number[] {
  const values: number[] = [];
  while (!list.isAtEnd) values.push(list.uint16('entry'));
  return values;
}

/** The inverse of `decodeUint16List`. */
export function encodeUint16List(values: readonly number[], lengthBytes: 1 | 2): Uint8Array {
  const writer = new Writer();
  writer.vector(lengthBytes, () => {
    for (const value of values) writer.uint16(value);
  });
  return writer.finish();
}
