import { misbehaved } from '../../presentation/misbehaved.ts';
import { decodeUint16List, encodeUint16List } from '../../presentation/uint16-list.ts';

/** NamedGroupList (RFC 8446 §4.2.7) of a ClientHello or EncryptedExtensions. */
export const encodeSupportedGroups = (groups: readonly number[]): Uint8Array => encodeUint16List(groups, 2);

/** @throws PeerMisbehavedError `decode_error`, `illegal_parameter` */
export function decodeSupportedGroups(data: Uint8Array): readonly number[] {
  // RFC 8446 §4.2.7: "NamedGroup named_group_list<2..2^16-1>;"
  const groups = decodeUint16List(data, 2, 2, 0xffff, 'supported_groups');
  // RFC 9846 §4.3.7: "A recipient MAY abort a connection with a fatal "illegal_parameter" alert if it detects a duplicate entry."
  if (new Set(groups).size !== groups.length) throw misbehaved('illegal_parameter', 'supported_groups repeats a group');
  return groups;
}
