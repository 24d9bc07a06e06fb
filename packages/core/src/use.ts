import { concat, defer, type ObservableInput, type OperatorFunction, switchMap } from 'rxjs';
import { ApiMisuseError } from './engine/index.ts';
import type { TlsConnection } from './tls-connection.ts';

/**
 * Works with a connection and closes it gracefully when the work has completed. The work of an earlier connection is dropped
 * when a new one comes.
 *
 * @throws ApiMisuseError for what is no function
 */
export function use<R>(project: (connection: TlsConnection) => ObservableInput<R>): OperatorFunction<TlsConnection, R> {
  if (typeof project !== 'function') throw new ApiMisuseError('use(project) takes a function of the connection');
  return switchMap((connection) =>
    concat(
      defer(() => project(connection)),
      connection.close(),
    ),
  );
}
