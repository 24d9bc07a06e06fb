import type { ByteDuplex } from '@rxtls/core';
import { AbortedError } from '@rxtls/core/engine';
import type { Observable } from 'rxjs';
import type { OptionRules } from '@rxtls/core/engine-parts';
import { rules } from './rules.ts';
import { asyncClock } from './clock.ts';
import { defaultHighWater, defaultLinger, type DuplexOptions, duplexRules } from './duplex-options.ts';
import type { MessageLink } from './message-link.ts';
import { MessageWire } from './message-wire.ts';
import { singleUse } from './single-use.ts';
import { WireDuplex } from './wire-duplex.ts';

/** What the adapters of messages take. */
export interface MessageDuplexOptions extends DuplexOptions {
  /** Bytes the other end may send before they are read here (default 256 KiB); its `demand` starts there. */
  readonly window?: number;
  /** Milliseconds the other end has to be there (default 10 000). */
  readonly connectTimeout?: number;
}

export const messageRules: OptionRules<keyof MessageDuplexOptions> = {
  ...duplexRules,
  window: rules.bytes,
  connectTimeout: rules.milliseconds,
};

/** A duplex over a link whose other end is ours too. */
export function messageDuplex(
  caller: string,
  what: string,
  options: MessageDuplexOptions,
  link: () => MessageLink,
): Observable<ByteDuplex> {
  const { info = {}, lingerTimeout = defaultLinger, window = defaultHighWater, connectTimeout = 10_000 } = options;
  return singleUse(caller, (subscriber) => {
    const wire: MessageWire = new MessageWire(link(), {
      what,
      window,
      connected(wire, room) {
        stopClock();
        const closed = (error?: unknown): void => (error ? subscriber.error(error) : subscriber.complete());
        const duplex = new WireDuplex(wire, { what, info, room, lingerTimeout, clock: asyncClock, closed });
        subscriber.add(() => duplex.release());
        subscriber.next(duplex);
      },
      refused: (error) => subscriber.error(error),
    });
    const stopClock = asyncClock(connectTimeout, () => {
      const message = `${what}: the other end did not answer within ${connectTimeout} ms; it has to call ${caller} too`;
      subscriber.error(new AbortedError(message, { phase: 'setup', retryable: true }));
    });
    subscriber.add(() => {
      stopClock();
      wire.giveUp();
    });
    wire.start();
  });
}
