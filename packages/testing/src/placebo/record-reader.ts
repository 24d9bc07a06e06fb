import { contentType, NotTlsError, PeerMisbehavedError, recordHeaderBytes } from '@rxtls/core/engine';
import { ByteQueue } from './byte-queue.ts';

/** A whole record; `body` is a view of the bytes received. */
export interface PlaceboRecord {
  readonly type: number;
  readonly body: Uint8Array;
  readonly wireBytes: number;
}

const mostPlaintext = 16_384;

/** Cuts the stream into records and refuses headers that no peer may send, before their bodies arrive. */
export class RecordReader {
  readonly #bytes = new ByteQueue();
  #first = true;

  push(bytes: Uint8Array): void {
    this.#bytes.push(bytes);
  }

  /** The next record if it is whole. @throws NotTlsError or PeerMisbehavedError at a bad header. */
  peek(): PlaceboRecord | undefined {
    const header = this.#bytes.peek(recordHeaderBytes);
    const [type, major] = header;
    if (type === undefined) return undefined;
    if (type < contentType.changeCipherSpec || type > contentType.heartbeat) throw this.#bad('content type', type);
    if (major === undefined) return undefined;
    if (major !== 3) throw this.#bad('record version', major);
    if (header.length < recordHeaderBytes) return undefined;
    const length = (header[3]! << 8) | header[4]!;
    // RFC 8446 §5.1: "The length MUST NOT exceed 2^14 bytes. An endpoint that receives a record that exceeds this
    // length MUST terminate the connection with a "record_overflow" alert." The placebo has no expansion.
    if (length > mostPlaintext)
      throw new PeerMisbehavedError(`a record of ${length} bytes is over 16384`, { alert: 'record_overflow' });
    this.#first = false;
    const wireBytes = recordHeaderBytes + length;
    if (this.#bytes.length < wireBytes) return undefined;
    return { type, body: this.#bytes.peek(wireBytes).subarray(recordHeaderBytes), wireBytes };
  }

  drop(record: PlaceboRecord): void {
    this.#bytes.drop(record.wireBytes);
  }

  /** Forgets what is left, and says how much it was. */
  clear(): number {
    const { length } = this.#bytes;
    this.#bytes.clear();
    return length;
  }

  #bad(what: string, value: number): NotTlsError | PeerMisbehavedError {
    if (this.#first) return new NotTlsError(this.#bytes.peek(32), `what arrived is not TLS: ${what} ${value}`);
    return new PeerMisbehavedError(`a record has ${what} ${value}`, { alert: 'unexpected_message' });
  }
}
