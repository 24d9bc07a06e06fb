/** HandshakeType (RFC 8446 §4) by the RFC's names. */
export const handshakeType = {
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  end_of_early_data: 5,
  encrypted_extensions: 8,
  certificate: 11,
  certificate_request: 13,
  certificate_verify: 15,
  finished: 20,
  key_update: 24,
  message_hash: 254,
} as const;

export type HandshakeTypeName = keyof typeof handshakeType;

const nameOf: ReadonlyMap<number, HandshakeTypeName> = new Map(
  (Object.keys(handshakeType) as HandshakeTypeName[]).map((name) => [handshakeType[name], name]),
);

/** The name of a type's number, or undefined for one that TLS 1.3 does not have. */
export const handshakeTypeName = (number: number): HandshakeTypeName | undefined => nameOf.get(number);
