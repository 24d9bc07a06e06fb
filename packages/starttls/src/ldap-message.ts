import { ascii } from './ascii.ts';
import { berElement, type BerElement, berElements, berFrame } from './ber.ts';
import { misbehaved } from './refusal.ts';
import type { Script } from './script.ts';

/** RFC 4511 §4.14.1: the name of the StartTLS operation. */
export const startTlsName: Uint8Array = ascii('1.3.6.1.4.1.1466.20037');

/** RFC 4511 §4: tags of the operations. */
export const ldapTag = {
  message: 0x30,
  integer: 0x02,
  enumerated: 0x0a,
  octets: 0x04,
  unbindRequest: 0x42,
  abandonRequest: 0x50,
  extendedRequest: 0x77,
  extendedResponse: 0x78,
  requestName: 0x80,
  responseName: 0x8a,
} as const;

/** A message's number, as the bytes it came in, and its operation. */
interface LdapMessage {
  readonly id: Uint8Array;
  readonly operation: BerElement;
}

/** RFC 4511 §4.1.1: LDAPMessage ::= SEQUENCE { messageID INTEGER (0 .. maxInt), protocolOp CHOICE, controls [0] OPTIONAL }. */
export function* ldapMessage(): Script<LdapMessage> {
  const [message] = berElements(yield berFrame(ldapTag.message));
  const [id, operation, ...controls] = berElements(message!.content);
  if (id?.tag !== ldapTag.integer || id.content.length < 1 || id.content.length > 4 || id.content[0]! > 127)
    throw misbehaved('an LDAP message has no number');
  if (operation === undefined || controls.length > 1) throw misbehaved('an LDAP message has no operation');
  return { id: id.content, operation };
}

export function ldapMessageBytes(id: Uint8Array, operation: readonly number[]): Uint8Array {
  return Uint8Array.from(berElement(ldapTag.message, berElement(ldapTag.integer, id), operation));
}
