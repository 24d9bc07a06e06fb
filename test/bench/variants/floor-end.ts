import { createCipheriv, createDecipheriv } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { pour } from './pour.ts';
import type { End } from './variant.ts';

const [headerBytes, tagBytes, most] = [5, 16, 16_384];
const key = Buffer.alloc(16, 1);
const nonce = Buffer.alloc(12, 2);

/** Records of at most 16 KiB over a socket: a length, an AEAD call each way, and nothing else. */
export class FloorEnd implements End {
  received: (bytes: Uint8Array) => void = () => {};
  readonly #socket: Socket;
  /** Bytes of a flight that are missing, and who waits for them. */
  #missing = 0;
  #arrived: (() => void) | undefined;
  #rest: Buffer | undefined;

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
    this.#socket.write(seal(bytes));
  }

  pour(chunks: Iterable<Uint8Array>): Promise<void> {
    return pour(records(chunks), (record) => this.#socket.write(seal(record)), this.#socket);
  }

  end(): void {
    this.#socket.end();
  }

  closed(): Promise<unknown> {
    return once(this.#socket, 'close');
  }

  #count(chunk: Buffer): void {
    this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    const over = this.#missing < 0 ? chunk.subarray(this.#missing) : undefined;
    this.#missing = 0;
    this.#arrived?.();
    if (over !== undefined) this.#rest = over;
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= headerBytes) {
      const end = headerBytes + bytes.readUInt16BE(3);
      if (bytes.length < end) break;
      const plaintext = open(bytes.subarray(0, headerBytes), bytes.subarray(headerBytes, end));
      bytes = bytes.subarray(end);
      this.received(plaintext);
    }
    this.#rest = bytes.length === 0 ? undefined : bytes;
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

function seal(plaintext: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(headerBytes + plaintext.length + tagBytes);
  record.writeUInt16BE(plaintext.length + tagBytes, 3);
  const cipher = createCipheriv('aes-128-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(record.subarray(0, headerBytes));
  record.set(cipher.update(plaintext), headerBytes);
  cipher.final();
  record.set(cipher.getAuthTag(), headerBytes + plaintext.length);
  return record;
}

function open(header: Buffer, sealed: Buffer): Buffer {
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  decipher.final();
  return plaintext;
}
