import { concat, defer, type ObservableInput, type OperatorFunction, switchMap } from 'rxjs';
import type { TlsConnection } from './tls-connection.ts';

/**
 * Works with a connection and closes it gracefully when the work has completed. The work of an earlier connection is dropped
 * when a new one comes.
 */
export function use<R>(project: (connection: TlsConnection) => ObservableInput<R>): OperatorFunction<TlsConnection, R> {
  return switchMap((connection) =>
    concat(
      defer(() => project(connection)),
      connection.close(),
    ),
  );
}
