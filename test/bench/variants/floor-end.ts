import { createCipheriv, createDecipheriv } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { pour } from './pour.ts';
import type { End } from './variant.ts';

const [headerBytes, tagBytes, most] = [5, 16, 16_384];
/** Records are put together in one of these until it is full. */
const slabBytes = 262_144;
const key = Buffer.alloc(16, 1);
const nonce = Buffer.alloc(12, 2);

/** Records of at most 16 KiB over a socket: a length, an AEAD call each way, and nothing else. */
export class FloorEnd implements End {
  received: (bytes: Uint8Array) => void = () => {};
  readonly #socket: Socket;
  /** Bytes of a flight that are missing, and who waits for them. */
  #missing = 0;
  #arrived: (() => void) | undefined;
  /** A record that has not come whole. */
  readonly #partial = Buffer.allocUnsafe(headerBytes + most + tagBytes);
  #held = 0;
  #slab = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#missing > 0) this.#count(chunk);
      else this.#read(chunk);
    });
  }

  /** A flight of the handshake. */
  flight(bytes: number): void {
    this.#socket.write(Buffer.alloc(bytes));
  }

  arrival(bytes: number): Promise<void> {
    this.#missing = bytes;
    return new Promise((resolve) => (this.#arrived = resolve));
  }

  send(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  pour(chunks: Iterable<Uint8Array>): Promise<void> {
    return pour(records(chunks), (record) => this.#write(record), this.#socket);
  }

  end(): void {
    this.#socket.end();
  }

  closed(): Promise<unknown> {
    return once(this.#socket, 'close');
  }

  #write(plaintext: Uint8Array): boolean {
    const length = headerBytes + plaintext.length + tagBytes;
    if (this.#slab.length < length) this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    const record = this.#slab.subarray(0, length);
    this.#slab = this.#slab.subarray(length);
    record.writeUInt16BE(plaintext.length + tagBytes, 3);
    const cipher = createCipheriv('aes-128-gcm', key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(record.subarray(0, headerBytes));
    record.set(cipher.update(plaintext), headerBytes);
    cipher.final();
    record.set(cipher.getAuthTag(), headerBytes + plaintext.length);
    return this.#socket.write(record);
  }

  #count(chunk: Buffer): void {
    this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    const over = this.#missing < 0 ? chunk.subarray(this.#missing) : undefined;
    this.#missing = 0;
    this.#arrived?.();
    if (over !== undefined) this.#hold(over);
  }

  #read(chunk: Buffer): void {
    let at = this.#held === 0 ? 0 : this.#complete(chunk);
    while (at + headerBytes <= chunk.length) {
      const end = at + headerBytes + chunk.readUInt16BE(at + 3);
      if (end > chunk.length) break;
      this.received(open(chunk.subarray(at, end)));
      at = end;
    }
    if (at < chunk.length) this.#hold(chunk.subarray(at));
  }

  /** What is held, with as much of a chunk as it lacks; gives how much that was. */
  #complete(chunk: Buffer): number {
    const ofHeader = Math.max(0, headerBytes - this.#held);
    this.#hold(chunk.subarray(0, ofHeader));
    if (this.#held < headerBytes) return chunk.length;
    const end = headerBytes + this.#partial.readUInt16BE(3);
    const lacking = end - this.#held;
    this.#hold(chunk.subarray(ofHeader, ofHeader + lacking));
    if (this.#held < end) return chunk.length;
    this.#held = 0;
    this.received(open(this.#partial.subarray(0, end)));
    return ofHeader + lacking;
  }

  #hold(bytes: Buffer): void {
    this.#partial.set(bytes, this.#held);
    this.#held += bytes.length;
  }
}

/** The same bytes, in as few pieces of at most 16 KiB as there can be. A piece is good until the next. */
function* records(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  const gathered = Buffer.allocUnsafe(most);
  let length = 0;
  for (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += most) {
      const part = chunk.subarray(at, at + most);
      if (length + part.length > most) {
        yield gathered.subarray(0, length);
        length = 0;
      }
      if (part.length === most) yield part;
      else {
        gathered.set(part, length);
        length += part.length;
      }
    }
  if (length > 0) yield gathered.subarray(0, length);
}

function open(record: Buffer): Buffer {
  const end = record.length - tagBytes;
  const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(record.subarray(0, headerBytes));
  decipher.setAuthTag(record.subarray(end));
  const plaintext = decipher.update(record.subarray(headerBytes, end));
  decipher.final();
  return plaintext;
}
