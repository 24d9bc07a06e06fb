// @reclaimprotocol/tls: a client, on WebCrypto or in JavaScript alone (on @noble, as tls13Engine/noble is).
import {
  type Crypto,
  loadX509FromPem,
  makeTLSClient,
  setCryptoImplementation,
  type TLSPresharedKey,
  type TLSSessionTicket,
} from '@reclaimprotocol/tls';
import type { ByteDuplex } from '@rxtls/core';
import type { Pki } from '../pki.ts';
import { clientOnly, type ForeignClient } from './client-only.ts';
import { serverName, suite } from './setting.ts';
import type { MakeVariant } from './variant.ts';

interface Sessions {
  newest?: TLSPresharedKey;
}

class ReclaimClient implements ForeignClient {
  received: (bytes: Uint8Array) => void = () => {};
  readonly resumed: boolean;
  readonly #opened: Promise<void>;
  readonly #sessions: Sessions;
  /** The newest ticket is being made a key of. */
  #kept: Promise<void> | undefined;
  readonly #psk: TLSPresharedKey | undefined;
  readonly #client: ReturnType<typeof makeTLSClient>;

  constructor(wire: ByteDuplex, authority: string, sessions: Sessions, resume: boolean) {
    this.#sessions = sessions;
    this.#psk = resume ? sessions.newest : undefined;
    this.resumed = this.#psk !== undefined; // it throws where a server does not take the key
    let opened: (() => void) | undefined;
    this.#opened = new Promise((resolve) => (opened = resolve));
    this.#client = makeTLSClient({
      host: serverName,
      rootCAs: [loadX509FromPem(authority)],
      cipherSuites: [suite],
      namedCurves: ['X25519'],
      supportedProtocolVersions: ['TLS1_3'],
      logger: silent,
      write({ header, content }) {
        wire.sink.write(header);
        wire.sink.write(content);
      },
      onHandshake: () => opened?.(),
      onApplicationData: (bytes) => this.received(bytes),
      onSessionTicket: (ticket) => {
        if (resume) this.#kept = this.#keep(ticket);
      },
    });
    wire.source.bytes.subscribe({
      next: (bytes) => void this.#client.handleReceivedBytes(bytes),
      error: () => undefined,
    });
    wire.source.request(Number.MAX_SAFE_INTEGER);
  }

  async open(): Promise<this> {
    await this.#client.startHandshake(this.#psk && { psk: this.#psk });
    await this.#opened;
    return this;
  }

  send(bytes: Uint8Array): void {
    void this.#client.write(bytes);
  }

  async pour(chunks: Iterable<Uint8Array>): Promise<void> {
    for (const chunk of chunks) await this.#client.write(chunk);
  }

  async close(): Promise<void> {
    await this.#kept;
    await this.#client.end();
  }

  async #keep(ticket: TLSSessionTicket): Promise<void> {
    this.#sessions.newest = await this.#client.getPskFromTicket(ticket);
  }
}

const nothing = (): void => {};
const silent = { info: nothing, debug: nothing, trace: nothing, warn: nothing, error: nothing };

/** By the way it does cryptography. */
export const reclaim =
  (crypto: Crypto<unknown>): MakeVariant =>
  (pki: Pki) => {
    setCryptoImplementation(crypto);
    const sessions: Sessions = {};
    return clientOnly(pki, (wire, resume) => new ReclaimClient(wire, pki.p256.authority, sessions, resume).open());
  };
