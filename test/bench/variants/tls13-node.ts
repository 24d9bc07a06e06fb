import { tls13Engine } from '@rxtls/engine-tls13/node';
import type { Pki } from '../pki.ts';
import type { Engines } from './engines.ts';
import { serverName, suite } from './setting.ts';

export function tls13NodeEngines({ p256 }: Pki): Engines {
  const client = { serverName, ca: p256.authority, groups: ['x25519'], cipherSuites: [suite] } as const;
  return {
    server: tls13Engine.server({
      credentials: p256.credentials,
      groups: ['x25519', 'secp256r1'],
      cipherSuites: [suite],
    }),
    fullClient: tls13Engine.client({ ...client, sessions: 'none' }),
    resumingClient: tls13Engine.client(client),
  };
}
