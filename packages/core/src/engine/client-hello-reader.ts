import type { ClientHello } from './client-hello.ts';
import type { Limits } from './limits.ts';
import { parseClientHello } from './parse-client-hello.ts';
import { contentType, contentTypeName, maxPlaintextRecordBytes, recordHeaderBytes } from './record-header.ts';
import { LimitExceededError, NotTlsError, PeerMisbehavedError } from './tls-error.ts';

export type ClientHelloLimit = 'maxClientHelloBytes' | 'maxClientHelloWireBytes' | 'maxClientHelloRecords';

/**
 * Finds the ClientHello in the first bytes of a connection, in any chunking and fragmentation, and never holds more than
 * has arrived: a length that is only claimed allocates nothing. It keeps what it assembles; the caller keeps the bytes.
 */
export class ClientHelloReader {
  readonly #limits: Limits;
  readonly #header = new Uint8Array(recordHeaderBytes);
  #headerBytes = 0;
  /** What is left of the record being read. */
  #fragmentBytes = 0;
  #message = new Uint8Array(512);
  #messageBytes = 0;
  #records = 0;
  #wireBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * The next bytes from the wire; answers with the ClientHello when it is complete.
   * @throws NotTlsError, PeerMisbehavedError, LimitExceededError
   */
  receive(bytes: Uint8Array): ClientHello | undefined {
    if (this.#wireBytes === 0) this.#checkFirstBytes(bytes);
    let at = 0;
    while (at < bytes.length) {
      if (this.#fragmentBytes === 0) {
        at += this.#readHeader(bytes, at);
        continue;
      }
      const part = bytes.subarray(at, at + this.#fragmentBytes);
      at += part.length;
      this.#fragmentBytes -= part.length;
      this.#count(part.length);
      this.#append(part);
      const length = this.#messageLength();
      if (length !== undefined && this.#messageBytes >= length) return parseClientHello(this.#message.slice(0, length));
    }
    return undefined;
  }

  /** How much of that limit has been used. */
  used(limit: ClientHelloLimit): number {
    if (limit === 'maxClientHelloBytes') return Math.max(0, this.#messageBytes - 4);
    return limit === 'maxClientHelloRecords' ? this.#records : this.#wireBytes;
  }

  #checkFirstBytes(bytes: Uint8Array): void {
    const first = bytes[0];
    if (first === undefined) return;
    if (contentTypeName(first) === undefined || (bytes.length > 1 && bytes[1] !== 3))
      throw new NotTlsError(bytes, 'what arrived does not begin like TLS: is the peer speaking another protocol?');
  }

  #readHeader(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + recordHeaderBytes - this.#headerBytes);
    this.#header.set(part, this.#headerBytes);
    this.#headerBytes += part.length;
    this.#count(part.length);
    if (this.#headerBytes === recordHeaderBytes) this.#startRecord();
    return part.length;
  }

  #startRecord(): void {
    const header = this.#header;
    this.#headerBytes = 0;
    if (header[1] !== 3) throw new NotTlsError(header, 'what arrived does not begin like TLS');
    // RFC 8446 §5.1: handshake messages "MUST NOT be interleaved with other record types".
    if (header[0] !== contentType.handshake)
      throw new PeerMisbehavedError(`a record of type ${header[0]} came where the ClientHello belongs`, {
        alert: 'unexpected_message',
      });
    const length = (header[3]! << 8) | header[4]!;
    // RFC 8446 §5.1: "The length MUST NOT exceed 2^14 bytes. An endpoint that receives a record that exceeds this length MUST terminate the connection with a "record_overflow" alert."
    if (length > maxPlaintextRecordBytes)
      throw new PeerMisbehavedError(`a record of ${length} bytes`, { alert: 'record_overflow' });
    // RFC 8446 §5.1: "Implementations MUST NOT send zero-length fragments of Handshake types".
    if (length === 0) throw new PeerMisbehavedError('an empty handshake record', { alert: 'unexpected_message' });
    this.#records++;
    if (this.#records > this.#limits.maxClientHelloRecords) throw this.#exceeded('maxClientHelloRecords');
    this.#fragmentBytes = length;
  }

  #append(part: Uint8Array): void {
    const needed = this.#messageBytes + part.length;
    if (needed > this.#message.length) {
      const larger = new Uint8Array(Math.max(needed, this.#message.length * 2));
      larger.set(this.#message.subarray(0, this.#messageBytes));
      this.#message = larger;
    }
    this.#message.set(part, this.#messageBytes);
    this.#messageBytes = needed;
  }

  /** The message's length with its header, checked as soon as it is known. */
  #messageLength(): number | undefined {
    const message = this.#message;
    if (this.#messageBytes > 0 && message[0] !== 1)
      throw new PeerMisbehavedError(`handshake message ${message[0]} came where the ClientHello belongs`, {
        alert: 'unexpected_message',
      });
    if (this.#messageBytes < 4) return undefined;
    const length = (message[1]! << 16) | (message[2]! << 8) | message[3]!;
    if (length > this.#limits.maxClientHelloBytes) throw this.#exceeded('maxClientHelloBytes');
    return length + 4;
  }

  #count(bytes: number): void {
    this.#wireBytes += bytes;
    if (this.#wireBytes > this.#limits.maxClientHelloWireBytes) throw this.#exceeded('maxClientHelloWireBytes');
  }

  #exceeded(limit: ClientHelloLimit): LimitExceededError {
    return new LimitExceededError(limit, `the ClientHello is over limits.${limit} (${this.#limits[limit]})`, {
      alert: 'decode_error',
    });
  }
}
