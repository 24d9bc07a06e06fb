// Both ends of an upgrade and of the TLS over it, in memory.
import {
  type ByteDuplex,
  type ConnectionFailure,
  secure,
  secureEach,
  type SecureEachOptions,
  type TlsConnection,
  use,
} from '@rxtls/core';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import { testPki } from '@rxtls/testing';
import { type MemoryPairOptions, memoryPair } from '@rxtls/transport-memory';
import {
  concat,
  lastValueFrom,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  type Subscription,
  timeout,
  toArray,
} from 'rxjs';

export const pki = await testPki();
const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
export const credentials = { cert, key };
const shown = await pki.leaf('client');

/** What the two engines that are tried have in common; every option of a client that its server can see. */
export const clientOptions = {
  serverName: 'localhost',
  ca: pki.authorityPem,
  alpnProtocols: ['first/1', 'second/1'],
  credentials: { cert: shown.certificatePem, key: shown.keyPem },
  sessions: 'none',
} as const;
const serverOptions = {
  credentials,
  alpnProtocols: ['second/1'],
  clientAuth: 'require',
  clientCa: pki.authorityPem,
} as const;
export const shownDer = shown.leafDer;

export interface Engines {
  readonly name: string;
  readonly client: TlsEngineFactory<'client'>;
  readonly server: TlsEngineFactory<'server'>;
}

export const tls13: Engines = {
  name: 'tls13',
  client: tls13Engine.client(clientOptions),
  server: tls13Engine.server(serverOptions),
};
export const node: Engines = {
  name: 'node',
  client: nodeEngine.client(clientOptions),
  server: nodeEngine.server(serverOptions),
};

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const text = (...chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('latin1');

/** For as long as it is subscribed. */
export const kept = (duplex: ByteDuplex): Observable<ByteDuplex> => concat(of(duplex), NEVER);

export const echo = (connection: TlsConnection): ObservableInput<unknown> => connection.writeFrom(connection.source);

/** A listener of these transports, and what became of them. */
export class Served {
  readonly connections: TlsConnection[] = [];
  readonly failures: ConnectionFailure[] = [];
  readonly subscription: Subscription;

  constructor(
    transports: Observable<ByteDuplex>,
    engine: TlsEngineFactory<'server'>,
    options: SecureEachOptions,
    project: (connection: TlsConnection) => ObservableInput<unknown> = echo,
  ) {
    this.subscription = transports
      .pipe(
        secureEach(
          engine,
          (connection) => {
            this.connections.push(connection);
            return project(connection);
          },
          { ...options, failed: (failure) => this.failures.push(failure) },
        ),
      )
      .subscribe();
  }
}

/** Either side's, of any protocol. */
export type Upgrade = NonNullable<SecureEachOptions['upgrade']>;

/** What comes back when a client says this to an echo, in TLS over an upgrade, over a link with these faults. */
export async function echoed(
  { client, server }: Engines,
  upgrade: Upgrade,
  serverUpgrade: Upgrade,
  said: string,
  faults: MemoryPairOptions = {},
): Promise<{ readonly answer: string; readonly served: Served }> {
  const [a, b] = memoryPair(faults);
  const served = new Served(kept(b), server, { upgrade: serverUpgrade });
  const chunks = await lastValueFrom(
    kept(a).pipe(
      upgrade,
      secure(client),
      timeout({ first: 10_000 }),
      use((connection) => connection.exchange([ascii(said)], { halfClose: true })),
      toArray(),
    ),
  );
  served.subscription.unsubscribe();
  return { answer: text(...chunks), served };
}
