import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Carries bytes to a socket and back, with back-pressure both ways, several writes in one system call. */
export class Relay extends Duplex {
  readonly #wire: Socket;

  constructor(wire: Socket) {
    super({ allowHalfOpen: false }); // the TLSSocket does as its stream does
    this.#wire = wire;
    wire.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) wire.pause();
    });
    wire.on('end', () => this.push(null));
    wire.on('error', (error) => this.destroy(error));
    wire.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#wire.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#passed(this.#wire.write(chunk), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    let mayGoOn = true;
    this.#wire.cork();
    for (const { chunk } of chunks) mayGoOn = this.#wire.write(chunk);
    this.#wire.uncork();
    this.#passed(mayGoOn, done);
  }

  override _final(done: () => void): void {
    this.#wire.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wire.destroy();
    done(error);
  }

  #passed(mayGoOn: boolean, done: () => void): void {
    if (mayGoOn) done();
    else this.#wire.once('drain', done);
  }
}
