import { from, Observable, of, type OperatorFunction } from 'rxjs';
import { apart } from './apart.ts';
import type { ByteDuplex } from './duplex.ts';
import { AbortedError, ApiMisuseError } from './engine/index.ts';
import type { UpgradeReady } from './upgrade-ready.ts';

/**
 * One transport of a listener, after the upgrade that comes before TLS. An upgrade that gives nothing leaves nothing open, and
 * none that the server does not wait for: one made of RxJS's operators does not know that there is something to cut.
 */
export function upgraded(
  duplex: ByteDuplex,
  upgrade: OperatorFunction<ByteDuplex, ByteDuplex | UpgradeReady>,
): Observable<ByteDuplex | UpgradeReady> {
  return new Observable((subscriber) => {
    let isEmpty = true;
    let hasFailed = false;
    const misused = (message: string, cause?: unknown): void => {
      const error = new ApiMisuseError(message, { cause });
      hasFailed = true;
      duplex.sink.abort(error);
      subscriber.error(error);
    };
    try {
      subscriber.add(
        apart(from(upgrade(of(duplex)))).subscribe({
          next(below) {
            isEmpty = false;
            subscriber.next(below);
          },
          error(error: unknown) {
            hasFailed = true;
            subscriber.error(error);
          },
          complete() {
            if (isEmpty) misused('secureEach: the upgrade completed without a transport');
            else subscriber.complete();
          },
        }),
      );
      subscriber.add(() => {
        if (isEmpty && !hasFailed) duplex.sink.abort(new AbortedError('nobody waits for the upgrade any more'));
      });
    } catch (cause) {
      misused('secureEach: the upgrade threw; it is an operator on the observable of one transport', cause);
    }
  });
}
