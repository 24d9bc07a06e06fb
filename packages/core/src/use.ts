import { concat, defer, type ObservableInput, type OperatorFunction, switchMap, tap } from 'rxjs';
import { apart } from './apart.ts';
import { Connection } from './connection.ts';
import { ApiMisuseError } from './engine/index.ts';
import type { TlsConnection } from './tls-connection.ts';

/**
 * Works with a connection and closes it gracefully when the work has completed; when the work errors the connection is cut, so
 * that the peer does not take what it has for all of it. The work of an earlier connection is dropped when a new one comes.
 *
 * @throws ApiMisuseError for what is no function
 */
export function use<R>(project: (connection: TlsConnection) => ObservableInput<R>): OperatorFunction<TlsConnection, R> {
  if (typeof project !== 'function') throw new ApiMisuseError('use(project) takes a function of the connection');
  return switchMap((connection) => {
    const error = (cause: unknown): void => {
      if (connection instanceof Connection) connection.workFailed(cause);
    };
    return concat(apart(defer(() => project(connection))).pipe(tap({ error })), connection.close());
  });
}
