// Every engine that can serve, under one set of names, each with clients that can talk to it: the same tests run over all.
import type { TlsEngineFactory } from '@rxtls/core';
import type { TicketKeys } from '@rxtls/core/engine';
import type { VerifyPeer } from '@rxtls/core/engine-parts';
import { forgeEngine } from '@rxtls/engine-forge';
import { nodeEngine, type NodeClientOptions, type SessionStore } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { type IssueOptions, type TestLeafName, testPki, type TestPki } from '@rxtls/testing';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What every engine's server understands. */
export interface ServerOptions {
  readonly credentials: Pair;
  readonly clientAuth?: 'none' | 'request' | 'require';
  readonly clientCa?: string;
  readonly verify?: VerifyPeer;
}

/** What not every engine's server understands: forge has none of it. */
export interface MoreServerOptions {
  readonly alpnProtocols?: readonly string[];
  readonly ticketKeys?: Uint8Array | TicketKeys;
  readonly serverNames?: Readonly<Record<string, Pair>>;
  readonly requireServerName?: boolean;
  readonly ocspStaple?: Uint8Array;
}

export interface ClientOptions {
  readonly serverName?: string;
  readonly ca?: string;
  readonly credentials?: Pair;
  readonly alpnProtocols?: readonly string[];
  readonly sessions?: SessionStore | 'none';
  readonly requestOcsp?: boolean;
}

export interface ServerKit {
  readonly name: 'node' | 'tls13' | 'forge';
  readonly pki: TestPki;
  leaf(name: TestLeafName): Promise<Pair>;
  issue(options?: IssueOptions): Promise<Pair>;
  server(options: ServerOptions, more?: MoreServerOptions): TlsEngineFactory<'server'>;
  /** OpenSSL's, by Node: no engine is asked to judge itself. */
  client(options?: ClientOptions): TlsEngineFactory<'client'>;
}

const [modern, rsa] = await Promise.all([testPki(), testPki({ keys: 'rsa' })]);

const legacy = { dangerouslyAllowLegacyVersions: true } as const;

function kit(
  name: ServerKit['name'],
  pki: TestPki,
  server: ServerKit['server'],
  version: Partial<NodeClientOptions>,
): ServerKit {
  const pem = ({ certificatePem, keyPem }: Awaited<ReturnType<TestPki['leaf']>>): Pair => ({
    cert: certificatePem,
    key: keyPem,
  });
  return {
    name,
    pki,
    leaf: async (leaf) => pem(await pki.leaf(leaf)),
    issue: async (options) => pem(await pki.issue(options)),
    server,
    client: (options = {}) =>
      nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem, sessions: 'none', ...version, ...options }),
  };
}

export const kits: readonly ServerKit[] = [
  kit('node', modern, (options, more) => nodeEngine.server({ ...options, ...more }), {}),
  kit('tls13', modern, (options, more) => tls13Engine.server({ ...options, ...more }), { minVersion: 'TLSv1.3' }),
  kit('forge', rsa, (options) => forgeEngine.server({ ...legacy, ...options }), {
    ...legacy,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1',
    ciphers: 'AES128-SHA:@SECLEVEL=0',
  }),
];

/** Those whose sessions are tickets that a key of the server opens; forge's server keeps its sessions itself. */
export const kitsWithTickets = kits.filter(({ name }) => name !== 'forge');

/** A certificate's first line is enough to tell two of them apart. */
export const leafOf = ({ cert }: Pair): string => Buffer.from(cert.split('-----')[2]!, 'base64').toString('hex');
