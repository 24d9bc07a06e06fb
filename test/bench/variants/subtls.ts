// subtls: a TLS 1.3 client on SubtleCrypto; P-256 only.
import { ReadQueue, startTls } from 'subtls';
import type { ByteDuplex } from '@rxtls/core';
import type { Pki } from '../pki.ts';
import { clientOnly, type ForeignClient } from './client-only.ts';
import { serverName } from './setting.ts';
import type { Variant } from './variant.ts';

class WireQueue extends ReadQueue {
  moreDataMayFollow(): boolean {
    return true;
  }
}

class SubtlsClient implements ForeignClient {
  received: (bytes: Uint8Array) => void = () => {};
  readonly resumed = false;
  readonly #write: (bytes: Uint8Array) => Promise<void>;

  constructor({ read, write }: Awaited<ReturnType<typeof startTls>>) {
    this.#write = write;
    void this.#readAll(read);
  }

  send(bytes: Uint8Array): void {
    void this.#write(bytes);
  }

  async pour(chunks: Iterable<Uint8Array>): Promise<void> {
    for (const chunk of chunks) await this.#write(chunk);
  }

  /** It has no close_notify. */
  close(): void {}

  async #readAll(read: () => Promise<Uint8Array | undefined>): Promise<void> {
    for (let bytes = await read(); bytes !== undefined; bytes = await read()) this.received(bytes);
  }
}

async function open(wire: ByteDuplex, authority: string): Promise<ForeignClient> {
  const queue = new WireQueue();
  wire.source.bytes.subscribe({ next: (bytes) => queue.enqueue(bytes), error: () => undefined });
  wire.source.request(Number.MAX_SAFE_INTEGER);
  return new SubtlsClient(
    await startTls(
      serverName,
      authority,
      queue.read.bind(queue), // it peeks, with a second argument that its types leave out
      (bytes) => wire.sink.write(bytes),
    ),
  );
}

export const subtls = (pki: Pki): Variant => clientOnly(pki, (wire) => open(wire, pki.p256.authority));
