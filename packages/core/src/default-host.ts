import type { SchedulerLike } from 'rxjs';
import { ApiMisuseError, type Limits, type TlsHost } from './engine/index.ts';

/** The Web Crypto API's `getRandomValues`: the one platform global that core asks for, present in every runtime it runs in. */
interface WithCrypto {
  readonly crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array };
}

/** Small draws are cut from one of this size: what `getRandomValues` costs is the call, not the bytes. */
const reserveBytes = 512;
const mostFromReserve = 64;

/** Real time and real entropy; durations by the connection's scheduler. */
export function defaultHost(scheduler: SchedulerLike, limits: Limits): TlsHost {
  const reserve = new Reserve();
  return {
    limits,
    wallClock: () => Date.now(),
    monotonicClock: () => scheduler.now(),
    random(length) {
      if (!Number.isInteger(length) || length < 0)
        throw new ApiMisuseError('random(length) takes a whole number of bytes, 0 or more');
      return length > mostFromReserve ? drawn(length) : reserve.take(length);
    },
  };
}

/** Entropy that was drawn and not asked for yet. What is handed out is wiped here. */
class Reserve {
  #bytes: Uint8Array | undefined;
  #used = 0;

  take(length: number): Uint8Array {
    if (this.#bytes === undefined || this.#used + length > reserveBytes) {
      this.#bytes = drawn(reserveBytes);
      this.#used = 0;
    }
    const end = this.#used + length;
    const taken = this.#bytes.slice(this.#used, end);
    this.#bytes.fill(0, this.#used, end);
    this.#used = end;
    return taken;
  }
}

function drawn(length: number): Uint8Array {
  const { crypto } = globalThis as WithCrypto;
  if (crypto === undefined) throw new ApiMisuseError('this runtime has no globalThis.crypto to take entropy from');
  const bytes = new Uint8Array(length);
  // getRandomValues gives at most 65 536 bytes a call
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}
