import { ByteCursor } from './byte-cursor.ts';
import { handshakeType } from './forge-role.ts';
import { type HandshakeMessage, outOfOrder } from './handshake-reader.ts';

/**
 * Sees to it that node-forge finds one handshake message in what it is given, the one that was judged: it reads as much of a
 * body as it wants to and takes the rest for the next message. A certificate behind the header of a HelloRequest would be
 * believed unseen.
 * @throws PeerMisbehavedError when a body is not exactly what RFC 4346 §7.4 says, or its type is none of these versions.
 */
export function checkFraming({ type, bytes }: HandshakeMessage): void {
  const body = new ByteCursor(bytes, 'handshake message', headerBytes);
  switch (type) {
    // Read to their ends where they are judged.
    case handshakeType.clientHello:
    case handshakeType.serverHello:
    case handshakeType.certificate:
      return;
    // §7.4.1.1, §7.4.5: "struct { }"
    case handshakeType.helloRequest:
    case handshakeType.serverHelloDone:
      break;
    // §7.4.4: certificate_types and certificate_authorities
    case handshakeType.certificateRequest:
      body.vector(1);
      body.vector(2);
      break;
    // §7.4.8 a signature, §7.4.7.1 an encrypted premaster secret
    case handshakeType.certificateVerify:
    case handshakeType.clientKeyExchange:
      body.vector(2);
      break;
    // §7.4.9: "opaque verify_data[12]"
    case handshakeType.finished:
      body.take(12);
      break;
    // §7.4.3: a ServerKeyExchange is among these: "It is not legal to send" one for RSA, and node-forge takes an empty one.
    default:
      throw outOfOrder('a handshake message of another kind');
  }
  body.end();
}

const headerBytes = 4;
