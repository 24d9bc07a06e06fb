import { secure, type TlsConnection } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { connect } from '@rxtls/transport-tcp';
import { firstValueFrom, lastValueFrom, ReplaySubject, tap } from 'rxjs';
import { told } from '../told.ts';
import type { Asked } from './visit.ts';

/** A client that says nothing, and stays when the other side has closed; and how that ended. */
export function stay({ port, ca, name }: Asked): {
  readonly connected: Promise<unknown>;
  readonly ended: Promise<string>;
} {
  const connection = new ReplaySubject<TlsConnection>(1);
  connect({ host: '127.0.0.1', port })
    .pipe(
      secure(nodeEngine.client({ serverName: name, ca, minVersion: 'TLSv1.3' }), { halfOpen: true }),
      tap(({ plaintext }) => plaintext.subscribe({ error: () => undefined })), // the connection has the same error
    )
    .subscribe(connection);
  return {
    connected: firstValueFrom(connection),
    ended: lastValueFrom(connection).then(() => 'an end', told),
  };
}
