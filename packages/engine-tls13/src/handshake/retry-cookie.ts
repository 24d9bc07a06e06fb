import type { TlsHost } from '@rxtls/core/engine';
import { equalBytes } from '@rxtls/core/engine-parts';
import { Reader } from '../presentation/reader.ts';
import { Writer } from '../presentation/writer.ts';
import { type SealingKeys, sealingPurpose } from '../session/sealing-keys.ts';

/** What a HelloRetryRequest was made from (RFC 8446 §4.2.2). */
export interface RetryState {
  /** The hash of the first ClientHello. */
  readonly hello: Uint8Array;
  readonly suite: number;
  readonly group: number;
}

/** A sealed cookie that says what was asked for, and when. */
export function sealCookie(keys: SealingKeys, host: TlsHost, { hello, suite, group }: RetryState): Uint8Array {
  const writer = new Writer();
  const now = Math.floor(host.wallClock());
  writer.uint32(Math.floor(now / 0x1_0000_0000));
  writer.uint32(now % 0x1_0000_0000);
  writer.uint16(suite);
  writer.uint16(group);
  writer.vector(1, (to) => to.bytes(hello));
  return keys.seal(host, sealingPurpose.cookie, writer.finish());
}

/** The cookie is ours, says the same, and is no older than a handshake may last. */
export function isCookie(keys: SealingKeys, host: TlsHost, cookie: Uint8Array, state: RetryState): boolean {
  const content = keys.open(host, sealingPurpose.cookie, cookie);
  if (content === undefined) return false;
  const reader = new Reader(content, 'cookie');
  const age = host.wallClock() - (reader.uint32('high') * 0x1_0000_0000 + reader.uint32('low'));
  return (
    age >= 0 &&
    age <= host.limits.handshakeTimeout &&
    reader.uint16('suite') === state.suite &&
    reader.uint16('group') === state.group &&
    equalBytes(reader.vector(1, 0, 255, 'hello'), state.hello)
  );
}
