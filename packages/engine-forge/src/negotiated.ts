import { EngineFailureError, type NegotiatedParameters } from '@rxtls/core/engine';
import type { Authenticated } from '@rxtls/core/engine-parts';
import type { DrivenConnection } from './driven-connection.ts';

/** What a finished handshake agreed on. */
export function negotiatedParameters(
  { session, minorVersion }: DrivenConnection,
  { peer, resumed, serverName }: Authenticated,
): NegotiatedParameters {
  const cipherSuite = session?.cipherSuite?.name;
  if (cipherSuite === undefined) throw new EngineFailureError('node-forge connected without a cipher suite');
  return Object.freeze({
    version: minorVersion === 1 ? 'TLSv1' : 'TLSv1.1',
    cipherSuite,
    resumed,
    peer,
    ...(serverName === undefined ? {} : { serverName }),
  });
}
