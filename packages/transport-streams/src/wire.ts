import type { TlsError } from '@rxtls/core/engine';
import type { WireDuplex } from './wire-duplex.ts';

/** What an adapter does with its own kind of stream; what happens there it tells the duplex. */
export interface Wire {
  /** The duplex that hears of everything from now on. */
  attach(duplex: WireDuplex): void;
  /** Sends, in order. `went` and `freed` follow for these bytes, not from inside the call. */
  write(bytes: Uint8Array): void;
  /** After `write`, when demand has been lowered: sends now what would say `went` from inside it. */
  flush?(): void;
  /** No more bytes. `finished` follows when everything has gone. */
  end(): void;
  /** Reads on, or stops reading. */
  flow(wanted: boolean): void;
  /** So many received bytes were taken by the reader, or discarded. */
  read?(bytes: number): void;
  /**
   * Cuts both directions; called a second time it means it. `gently`: `end` was called, and what was written before it may
   * still go out. `gone` follows when nothing is left to wait for.
   */
  cut(error: TlsError, gently: boolean): void;
  /** Both directions have ended: gives back what was taken hold of. */
  release(): void;
}
