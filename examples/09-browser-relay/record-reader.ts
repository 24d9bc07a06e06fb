/** A record as anybody on the way sees it: its header is in the clear, and says nothing of what is inside (RFC 8446 §5.1). */
export interface SeenRecord {
  readonly type: string;
  /** Bytes of its body. */
  readonly length: number;
  /** Where in the chunk its body begins; that may be behind its last byte. */
  readonly at: number;
}

const types: Readonly<Record<number, string>> = {
  20: 'change_cipher_spec',
  21: 'alert',
  22: 'handshake',
  23: 'application_data',
};

/** Reads the headers of one direction, whatever its chunks are. */
export class RecordReader {
  #header: number[] = [];
  #body = 0;

  read(bytes: Uint8Array): readonly SeenRecord[] {
    const records: SeenRecord[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#body > 0) {
        const step = Math.min(this.#body, bytes.length - at);
        this.#body -= step;
        at += step;
        continue;
      }
      this.#header.push(bytes[at++]!);
      const [type, , , high, low] = this.#header;
      if (type === undefined || high === undefined || low === undefined) continue;
      this.#header = [];
      this.#body = high * 256 + low;
      records.push({ type: types[type] ?? 'not TLS', length: this.#body, at });
    }
    return records;
  }
}
