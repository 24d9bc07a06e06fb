import { ApiMisuseError } from '@rxtls/core/engine';
import { Observable, type Subscriber } from 'rxjs';

/** An observable over something that can be taken hold of only once. */
export function singleUse<T>(what: string, subscribe: (subscriber: Subscriber<T>) => void): Observable<T> {
  let isUsed = false;
  return new Observable((subscriber) => {
    if (isUsed) {
      const message = `${what} was subscribed before and is used up; to reconnect, make a new one: defer(() => ${what}(…))`;
      subscriber.error(new ApiMisuseError(message));
      return;
    }
    isUsed = true;
    subscribe(subscriber);
  });
}
