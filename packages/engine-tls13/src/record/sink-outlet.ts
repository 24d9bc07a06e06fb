import type { TlsEngineSink } from '@rxtls/core/engine';
import type { RecordOutlet } from './record-sender.ts';

/** What the record layer sends goes to the engine's sink, and what observers hear of it, too. */
export const sinkOutlet = (sink: TlsEngineSink): RecordOutlet => ({
  get observed() {
    return sink.observed;
  },
  ciphertext: (bytes) => sink.ciphertext(bytes),
  sent: (outer, inner, bytes) => sink.event({ type: 'record', direction: 'sent', contentType: outer, bytes, inner }),
});
