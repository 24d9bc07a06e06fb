import { forgeEngine } from '@rxtls/engine-forge';
import type { Pki } from '../pki.ts';
import type { Engines } from './engines.ts';
import { serverName } from './setting.ts';

export function forgeEngines({ rsa }: Pki): Engines {
  const client = { dangerouslyAllowLegacyVersions: true, serverName, ca: rsa.authority } as const;
  return {
    server: forgeEngine.server({ dangerouslyAllowLegacyVersions: true, credentials: rsa.credentials }),
    fullClient: forgeEngine.client({ ...client, sessions: 'none' }),
    resumingClient: forgeEngine.client(client),
    sessions: { sessionsPerConnection: 1 },
  };
}
