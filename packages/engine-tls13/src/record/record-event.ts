import { contentTypeName, recordHeaderBytes, type TlsEvent } from '@rxtls/core/engine';

/** What observers hear of a record received: the type that the wire shows, and the one inside. */
export function recordEvent(outerType: number, type: number, wireBytes: number): TlsEvent {
  const inner = contentTypeName(type);
  return {
    type: 'record',
    direction: 'received',
    contentType: contentTypeName(outerType) ?? 'applicationData',
    bytes: wireBytes - recordHeaderBytes,
    ...(inner !== undefined && { inner }),
  };
}
