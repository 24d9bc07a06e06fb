import { throwError } from 'rxjs';

/**
 * Tells somebody of an end. RxJS 7 runs a subscriber's finalizers inside `complete()` and `error()`, and what they throw
 * comes out of there: it must keep nobody else from hearing, so it is reported as RxJS reports an unhandled error.
 */
export function reporting(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    throwError(() => error).subscribe();
  }
}
