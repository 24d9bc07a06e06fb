import { nodeEngine } from '@rxtls/engine-node';
import type { Pki } from '../pki.ts';
import type { Engines } from './engines.ts';
import { serverName, suite } from './setting.ts';

export function nodeEngines({ p256 }: Pki): Engines {
  const shared = { minVersion: 'TLSv1.3', ciphers: suite, groups: 'X25519' } as const;
  const client = { ...shared, serverName, ca: p256.authority };
  return {
    server: nodeEngine.server({ ...shared, credentials: p256.credentials }),
    fullClient: nodeEngine.client({ ...client, sessions: 'none' }),
    resumingClient: nodeEngine.client(client),
    sessions: { sessionsPerConnection: 2 },
  };
}
