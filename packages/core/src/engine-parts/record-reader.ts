import {
  contentType,
  contentTypeName,
  maxCiphertextRecordBytes,
  maxPlaintextRecordBytes,
  NotTlsError,
  PeerMisbehavedError,
  recordHeaderBytes,
} from '../engine/index.ts';

/** One whole record as it came, header included. */
export interface WireRecord {
  /** The outer content type (RFC 8446 §5.1). */
  readonly type: number;
  /** Without the header. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** The longest record that may come now: in the clear (application data never is), protected, or protected by TLS 1.3. */
export type RecordBound = 'clear' | 'older' | 'tls13';

const recordBound: Readonly<Record<RecordBound, number>> = {
  clear: maxPlaintextRecordBytes,
  older: maxCiphertextRecordBytes.older,
  tls13: maxCiphertextRecordBytes['TLSv1.3'],
};

/**
 * Cuts the stream of ciphertext into records by their headers alone. A record is handed out when it is complete, so
 * memory follows the bytes that came and never the length that a header claims.
 */
export class RecordReader {
  #chunks: Uint8Array[] = [];
  #offset = 0;
  #available = 0;
  #any = false;

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#available += bytes.length;
  }

  /** Forgets the bytes that are left, and says how many. */
  clear(): number {
    const left = this.#available;
    this.#chunks = [];
    this.#available = 0;
    this.#offset = 0;
    return left;
  }

  /**
   * The next whole record, or undefined while it is incomplete; with `unless` it stays where it is when that says so of
   * its type and length.
   * @throws NotTlsError when the first byte of all starts no TLS record.
   * @throws PeerMisbehavedError for a later record of no known type, or one longer than RFC 8446 §5.1 and §5.2 allow.
   */
  next(bound: RecordBound, unless?: (type: number, length: number) => boolean): WireRecord | undefined {
    if (this.#available === 0) return undefined;
    const type = this.#byteAt(0);
    if (contentTypeName(type) === undefined) throw this.#unknownType(type);
    if (this.#available < 2) return undefined;
    if (this.#byteAt(1) !== 3) throw this.#notVersion3();
    if (this.#available < recordHeaderBytes) return undefined;
    const length = (this.#byteAt(3) << 8) | this.#byteAt(4);
    // RFC 8446 §5.2: "An endpoint that receives a record that exceeds this length MUST terminate the connection
    // with a "record_overflow" alert." RFC 4346 §6.2.3 and §7.2.2 say so of the older versions.
    const most = recordBound[bound === 'clear' && type === contentType.applicationData ? 'older' : bound];
    if (length > most)
      throw new PeerMisbehavedError(`a record of ${length} bytes, over the ${most} allowed`, {
        alert: 'record_overflow',
      });
    if (this.#available < recordHeaderBytes + length || unless?.(type, length) === true) return undefined;
    this.#any = true;
    return { type, length, bytes: this.#take(recordHeaderBytes + length) };
  }

  #unknownType(type: number): NotTlsError | PeerMisbehavedError {
    if (!this.#any) return new NotTlsError(this.#peek(32), 'the first byte received starts no TLS record');
    return new PeerMisbehavedError(`a record of unknown content type ${type}`, { alert: 'unexpected_message' });
  }

  #notVersion3(): NotTlsError | PeerMisbehavedError {
    if (!this.#any) return new NotTlsError(this.#peek(32), 'the first bytes received start no TLS record');
    return new PeerMisbehavedError('a record of no TLS version', { alert: 'protocol_version' });
  }

  #byteAt(index: number): number {
    let at = this.#offset + index;
    for (const chunk of this.#chunks) {
      if (at < chunk.length) return chunk[at] ?? 0;
      at -= chunk.length;
    }
    return 0;
  }

  #peek(bytes: number): Uint8Array {
    const length = Math.min(bytes, this.#available);
    return Uint8Array.from({ length }, (_, index) => this.#byteAt(index));
  }

  #take(bytes: number): Uint8Array {
    this.#available -= bytes;
    const first = this.#chunks[0];
    if (first !== undefined && first.length - this.#offset >= bytes) {
      const taken = first.subarray(this.#offset, this.#offset + bytes);
      this.#offset += bytes;
      if (this.#offset === first.length) this.#drop(1, 0);
      return taken;
    }
    return this.#gather(bytes);
  }

  #gather(bytes: number): Uint8Array {
    const taken = new Uint8Array(bytes);
    let filled = 0;
    let used = 0;
    let offset = this.#offset;
    while (filled < bytes) {
      const chunk = this.#chunks[used];
      if (chunk === undefined) break;
      const piece = chunk.subarray(offset, offset + bytes - filled);
      taken.set(piece, filled);
      filled += piece.length;
      offset += piece.length;
      if (offset === chunk.length) {
        used++;
        offset = 0;
      }
    }
    this.#drop(used, offset);
    return taken;
  }

  #drop(chunks: number, offset: number): void {
    if (chunks === this.#chunks.length) this.#chunks = [];
    else this.#chunks.splice(0, chunks);
    this.#offset = offset;
  }
}
