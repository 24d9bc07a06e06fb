import type { ByteDuplex, DuplexInfo } from './duplex.ts';

/** The one way to the transport inside, known to this file alone: the class below puts it here. */
const inside = {} as { duplexOf(ready: UpgradeReady): ByteDuplex };

/**
 * A transport whose other side has agreed to begin TLS now, and on which nothing else may be said. Only `secure` and `secureEach`
 * can use it: it has no bytes to read and nothing to write with, so that forgetting them does not compile.
 */
export class UpgradeReady {
  readonly info: DuplexInfo;
  readonly #duplex: ByteDuplex;

  constructor(duplex: ByteDuplex) {
    this.info = duplex.info;
    this.#duplex = duplex;
  }

  static {
    inside.duplexOf = (ready) => ready.#duplex;
  }
}

/**
 * For authors of upgrades: what a dialogue in the clear ends with once the other side has agreed to TLS. Bytes that came
 * too early have been refused by then; a ClientHello that came with the command is put back with `unread`.
 *
 * @example of(memoryPair()[0]).pipe(map((duplex) => upgradeReady(duplex)), secure(engine))
 */
export function upgradeReady(duplex: ByteDuplex): UpgradeReady {
  return new UpgradeReady(duplex);
}

/** The transport that TLS runs on. */
export function transportOf(below: ByteDuplex | UpgradeReady): ByteDuplex {
  return below instanceof UpgradeReady ? inside.duplexOf(below) : below;
}
