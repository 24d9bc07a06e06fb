import { CertificateError } from '@rxtls/core/engine';
import type { PeerToVerify, VerifyPeer } from '@rxtls/core/engine-parts';
import type { HandshakeConnection } from './handshake-connection.ts';

/** Asks the user's function, where there is one, of a peer that has passed our checks; only `true` goes on. */
export function askVerify(
  connection: HandshakeConnection,
  verify: VerifyPeer | undefined,
  { chain, resumed, serverName }: Omit<PeerToVerify, 'serverName'> & { readonly serverName: string | undefined },
  then: () => void,
): void {
  if (verify === undefined) {
    then();
    return;
  }
  // Copies: what is negotiated, and what goes into a ticket, is not the function's to change.
  const copies = chain.map((der) => new Uint8Array(der));
  const peer = { chain: copies, resumed, ...(serverName !== undefined && { serverName }) };
  connection.ask<unknown>({ name: 'verify', alert: 'certificate_unknown', run: () => verify(peer) }, (accepted) => {
    if (accepted !== true) throw new CertificateError('refused-by-verify', 'verify refused the peer');
    then();
  });
}
