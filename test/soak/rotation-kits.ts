// The servers whose certificates rotate, each with every client that can talk to it.
import type { TlsConnection, TlsEngineFactory } from '@rxtls/core';
import type { TicketKeys } from '@rxtls/core/engine';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { only, type Version } from '../interop/ends.ts';
import { kits, type Pair, type ServerKit } from '../servers/kits.ts';
import { dialOurs } from './dial-ours.ts';
import { dialPlain } from './dial-plain.ts';
import type { Dial } from './talk.ts';

export interface RotationClient {
  readonly name: string;
  readonly dial: Dial;
}

export interface RotationKit {
  readonly name: ServerKit['name'];
  server(credentials: Pair, ticketKeys: TicketKeys): TlsEngineFactory<'server'>;
  issue(): Promise<Pair>;
  /** Each with a memory for sessions, if it is one of ours. */
  clients(track: (connection: TlsConnection) => void): readonly RotationClient[];
}

const byName = (name: ServerKit['name']): ServerKit => kits.find((kit) => kit.name === name)!;

const [node, tls13, forge] = [byName('node'), byName('tls13'), byName('forge')];
const trusting = ({ pki }: ServerKit) => ({ serverName: 'localhost', ca: pki.authorityPem });
const plainly = ({ pki }: ServerKit) => ({ servername: 'localhost', ca: pki.authorityPem });

const byNode = (version: Version, track: (connection: TlsConnection) => void): RotationClient => ({
  name: `node ${version}`,
  dial: dialOurs(nodeEngine.client({ ...trusting(node), ...only(version) }), track),
});
const byTls13 = (track: (connection: TlsConnection) => void): RotationClient => ({
  name: 'tls13',
  dial: dialOurs(tls13Engine.client(trusting(node)), track),
});
const byPlain = (version: Version): RotationClient => ({
  name: `node:tls ${version}`,
  dial: dialPlain({ ...plainly(node), ...only(version) }),
});

export const rotationKits: readonly RotationKit[] = [
  {
    name: 'node',
    server: (credentials, ticketKeys) => nodeEngine.server({ credentials, ticketKeys }),
    issue: () => node.issue(),
    clients: (track) => [
      byNode('TLSv1.3', track),
      byPlain('TLSv1.2'),
      byTls13(track),
      byNode('TLSv1.2', track),
      byPlain('TLSv1.3'),
    ],
  },
  {
    name: 'tls13',
    server: (credentials, ticketKeys) => tls13Engine.server({ credentials, ticketKeys }),
    issue: () => tls13.issue(),
    clients: (track) => [byNode('TLSv1.3', track), byTls13(track), byPlain('TLSv1.3')],
  },
  {
    name: 'forge',
    server: (credentials) => forge.server({ credentials }),
    issue: () => forge.issue(),
    clients: (track) => [
      { name: 'node TLSv1', dial: dialOurs(forge.client(), track) },
      {
        name: 'node:tls TLSv1',
        dial: dialPlain({
          ...plainly(forge),
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1',
          ciphers: 'AES128-SHA:@SECLEVEL=0',
        }),
      },
    ],
  },
];
