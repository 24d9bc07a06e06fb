// node-forge as one uses it: binary strings, and the options of its README.
import forge from 'node-forge';
import type { Chain } from '../pki.ts';
import { serverName } from './setting.ts';
import type { End } from './variant.ts';

/** Where the records go. False: wait for `drained`. */
export interface ForgeWire {
  write(bytes: Buffer): boolean;
  drained(): Promise<unknown>;
  end(): void;
}

/**
 * For either side's sessions. A server of node-forge that has any takes a client that offers none for one that resumes: so both get
 * theirs, or neither.
 */
export const forgeSessions = (): forge.tls.SessionCache => forge.tls.createSessionCache({}, 100);

export class ForgeEnd implements End {
  received: (bytes: Uint8Array) => void = () => {};
  readonly opened: Promise<void>;
  readonly closed: Promise<void>;
  readonly #connection: forge.tls.Connection;
  readonly #wire: ForgeWire;
  #mayGoOn = true;

  /** With a cache, a client offers a session of it and a server keeps its own there. */
  constructor(
    role: 'client' | 'server',
    { authority, credentials }: Chain,
    wire: ForgeWire,
    sessionCache?: forge.tls.SessionCache,
  ) {
    this.#wire = wire;
    let [opened, closed, failed]: ((error?: Error) => void)[] = [];
    this.closed = new Promise((resolve) => (closed = resolve as () => void));
    this.opened = new Promise((resolve, reject) => {
      opened = resolve as () => void;
      failed = reject;
    });
    const chain = credentials.cert.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n?/g) ?? [];
    this.#connection = forge.tls.createConnection({
      server: role === 'server',
      caStore: [forge.pki.certificateFromPem(authority)],
      cipherSuites: [forge.tls.CipherSuites['TLS_RSA_WITH_AES_128_CBC_SHA']!],
      virtualHost: serverName,
      ...(sessionCache && { sessionCache }),
      verify: (_, verified, depth, [leaf]) => (depth > 0 || isFor(leaf!) ? verified : unknownCertificate),
      ...(role === 'server' && { getCertificate: () => chain as never, getPrivateKey: () => credentials.key }),
      connected: () => opened?.(),
      tlsDataReady: (connection) => {
        this.#mayGoOn = wire.write(Buffer.from(connection.tlsData.getBytes(), 'latin1'));
      },
      dataReady: (connection) => this.received(Buffer.from(connection.data.getBytes(), 'latin1')),
      closed: () => {
        wire.end();
        closed?.();
      },
      error: (_, error) => failed?.(new Error(error.message)),
    });
    if (role === 'client') this.#connection.handshake();
  }

  get resumed(): boolean {
    return (this.#connection.session as { readonly resuming?: boolean } | null)?.resuming === true;
  }

  process(bytes: Buffer): void {
    this.#connection.process(bytes.toString('latin1'));
  }

  send(bytes: Uint8Array): void {
    this.#connection.prepare(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'));
  }

  async pour(chunks: Iterable<Uint8Array>): Promise<void> {
    for (const chunk of chunks) {
      this.send(chunk);
      if (!this.#mayGoOn) await this.#wire.drained();
    }
  }

  close(): void {
    this.#connection.close();
  }
}

const unknownCertificate = { alert: 46, message: 'the certificate is for somebody else' } as never;

/** node-forge leaves the name to its user. */
function isFor(leaf: forge.pki.Certificate): boolean {
  const names = leaf.getExtension('subjectAltName') as { altNames: { type: number; value: string }[] } | undefined;
  return names?.altNames.some(({ type, value }) => type === 2 && value === serverName) === true;
}
