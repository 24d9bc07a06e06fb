import type { TLSSocket } from 'node:tls';
import { EngineFailureError, type NegotiatedParameters, type PeerIdentity, tlsVersions } from '@rxtls/core/engine';

/** Reads what a finished handshake agreed on. */
export function negotiatedParameters(
  socket: TLSSocket,
  peer: PeerIdentity,
  resumed: boolean,
  serverName: string | undefined,
): NegotiatedParameters {
  const version = tlsVersions.find((known) => known === socket.getProtocol());
  if (version === undefined) throw new EngineFailureError('OpenSSL agreed on a version that has no name here');
  const group = groupName(socket);
  // Node says `false` where no protocol was agreed on.
  const alpnProtocol = socket.alpnProtocol || undefined;
  return {
    version,
    cipherSuite: socket.getCipher().standardName,
    resumed,
    peer,
    ...(group === undefined ? {} : { group }),
    ...(alpnProtocol === undefined ? {} : { alpnProtocol }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** Node tells a client's ephemeral group only, and nothing for a resumption without one. */
function groupName(socket: TLSSocket): string | undefined {
  const info = socket.getEphemeralKeyInfo();
  return info !== null && 'name' in info && typeof info.name === 'string' ? info.name.toLowerCase() : undefined;
}
