import type { TlsEngineSink } from '@rxtls/core/engine';

/** A line of the NSS key log format (RFC 9850), as Node gives it. A secret. */
export function tellKeylog(sink: Pick<TlsEngineSink, 'observed' | 'event'> | undefined, line: Buffer): void {
  if (sink?.observed) sink.event({ type: 'keylog', line: line.toString('latin1').trimEnd() });
}
