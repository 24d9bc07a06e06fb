import type { Observer } from 'rxjs';
import type { TimelineEvent, TimelineRow } from './timeline.ts';

/** Collects rows for `renderTimeline` from whatever can be observed. */
export interface TimelineRecorder {
  /** The rows so far, in the order in which they were asked for. */
  readonly rows: readonly TimelineRow[];
  /** An observer whose notifications become events of this row: labels, `|` for completion, `#` and the error's name. */
  row<T>(name: string, label: (value: T) => string): Observer<T>;
}

/** What a transport or a connection emits, as a label. */
export const label: {
  /** Plaintext as text when it is short ASCII, else its length: `"hello"`, `4096 B`. */
  readonly bytes: (bytes: Uint8Array) => string;
  /** The records in ciphertext, by their headers: `handshake 88`, `applicationData 5 + alert 2`. */
  readonly records: (ciphertext: Uint8Array) => string;
  /** Readiness in OpenSSL's words, and what blocks: `READY`, `WANT_READ (handshake)`. */
  readonly readiness: (readiness: { readonly engine: string; readonly blockedOn: readonly string[] }) => string;
  /** `#2 sealed 100`. */
  readonly ack: (ack: { readonly type: string; readonly intent: number; readonly bytes: number }) => string;
} = {
  bytes: (bytes) => {
    const text = String.fromCharCode(...bytes.subarray(0, 24));
    return bytes.length <= 24 && /^[\x20-\x7e]*$/.test(text) ? JSON.stringify(text) : `${bytes.length} B`;
  },
  records: (ciphertext) => {
    const records: string[] = [];
    for (let at = 0; at < ciphertext.length; ) {
      const [type, , , high = 0, low = 0] = ciphertext.subarray(at, at + 5);
      const length = (high << 8) | low;
      records.push(`${contentNames[(type ?? 0) - 20] ?? 'bytes'} ${length}`);
      at += 5 + length;
    }
    return records.join(' + ');
  },
  readiness: ({ engine, blockedOn }) => (blockedOn.length === 0 ? engine : `${engine} (${blockedOn.join(', ')})`),
  ack: ({ type, intent, bytes }) => `#${intent} ${type} ${bytes}`,
};

const contentNames = ['changeCipherSpec', 'alert', 'handshake', 'applicationData', 'heartbeat'];

/** Records a connection for a timeline; `now` gives the time of each event, for instance a scheduler's. */
export function timelineRecorder(now: () => number): TimelineRecorder {
  const rows: { name: string; events: TimelineEvent[] }[] = [];
  return {
    rows,
    row(name, toLabel) {
      const events: TimelineEvent[] = [];
      rows.push({ name, events });
      const note = (text: string): void => void events.push({ at: now(), label: text });
      return {
        next: (value) => note(toLabel(value)),
        error: (error: unknown) => note(error instanceof Error ? `# ${error.name}` : '#'),
        complete: () => note('|'),
      };
    },
  };
}
