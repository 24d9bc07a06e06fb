import { type MonoTypeOperatorFunction, throwError, timeout } from 'rxjs';

/** Fails when nothing has come after so many milliseconds. */
export const answeredWithin = <T>(milliseconds: number): MonoTypeOperatorFunction<T> =>
  timeout({
    first: milliseconds,
    with: () => throwError(() => new Error(`the server did not answer within ${milliseconds} ms`)),
  });
