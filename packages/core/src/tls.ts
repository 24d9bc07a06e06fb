// THE OPERATOR. Four ports joined by an engine:
//
//        writes                       plaintext (the result)
//          │                              ▲
//          ▼                              │
//      outbound.ts  ◄── readiness ──►  inbound.ts        both driven by stage.ts
//          │                              ▲
//          ▼                              │
//    ciphertextOut                   ciphertextIn (the source)
//
// The literal form is the connection form over a duplex made of its two ciphertext ports, so there is one implementation.

import { NEVER, type Observable, type Observer, type OperatorFunction, startWith, switchMap } from 'rxjs';
import type { ByteDuplex, ByteSink } from './duplex.ts';
import { ApiMisuseError } from './engine/index.ts';
import type { EngineSource } from './engine-source.ts';
import { Level } from './level.ts';
import { secure } from './secure.ts';
import type { SecureOptions } from './secure-options.ts';

export interface TlsOptions extends SecureOptions {
  /** Where ciphertext goes: a sink with demand, or an observer that takes everything. */
  readonly ciphertextOut: ByteSink | Observer<Uint8Array>;
}

/**
 * TLS as an operator on ciphertext: the result is the plaintext. `writes` are held until the engine says that they may go;
 * their completion sends close_notify, their error aborts. Unsubscribing aborts.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example ciphertextIn.pipe(tls(engine, { writes, ciphertextOut }))
 */
export function tls(
  engine: EngineSource<'client'> | EngineSource<'server'>,
  options: TlsOptions,
): OperatorFunction<Uint8Array, Uint8Array> {
  const { ciphertextOut, ...own } = options ?? {};
  if (typeof ciphertextOut !== 'object' || ciphertextOut === null)
    throw new ApiMisuseError('tls(engine, { ciphertextOut }) needs a ByteSink or an observer for the ciphertext');
  const connect = secure(engine, own);
  return (ciphertextIn) =>
    NEVER.pipe(
      startWith(duplexOf(ciphertextIn, ciphertextOut)),
      connect,
      switchMap((connection) => connection.plaintext),
    );
}

/** A duplex of two bare ports. An observable of ciphertext cannot be held back, so credit means nothing to it. */
function duplexOf(bytes: Observable<Uint8Array>, out: ByteSink | Observer<Uint8Array>): ByteDuplex {
  return {
    source: { bytes, request: () => undefined },
    sink: 'demand' in out ? out : sinkOf(out),
    unread() {
      throw new ApiMisuseError('nothing can be put back in front of a bare observable of ciphertext');
    },
    info: {},
  };
}

function sinkOf(observer: Observer<Uint8Array>): ByteSink {
  const demand = new Level(Number.POSITIVE_INFINITY);
  const taken = new Level(0);
  let isOver = false;
  const guard = (what: () => void): void => {
    try {
      what();
    } catch (error) {
      isOver = true;
      demand.fail(error);
    }
  };
  return {
    demand: demand.changes,
    taken: taken.changes,
    write(bytes) {
      if (isOver) return;
      const { length } = bytes;
      guard(() => observer.next(bytes));
      taken.set(taken.value + length);
    },
    end() {
      if (isOver) return;
      isOver = true;
      guard(() => observer.complete());
    },
    abort(reason) {
      if (isOver) return;
      isOver = true;
      guard(() => observer.error(reason));
    },
  };
}
