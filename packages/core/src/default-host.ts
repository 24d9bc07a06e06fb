import type { SchedulerLike } from 'rxjs';
import { ApiMisuseError, type Limits, type TlsHost } from './engine/index.ts';

/** The Web Crypto API's `getRandomValues`: the one platform global that core asks for, present in every runtime it runs in. */
interface WithCrypto {
  readonly crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array };
}

/** Real time and real entropy; durations by the connection's scheduler. */
export function defaultHost(scheduler: SchedulerLike, limits: Limits): TlsHost {
  return {
    limits,
    wallClock: () => Date.now(),
    monotonicClock: () => scheduler.now(),
    random(length) {
      const { crypto } = globalThis as WithCrypto;
      if (crypto === undefined) throw new ApiMisuseError('this runtime has no globalThis.crypto to take entropy from');
      const bytes = new Uint8Array(length);
      // getRandomValues gives at most 65 536 bytes a call
      for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      return bytes;
    },
  };
}
