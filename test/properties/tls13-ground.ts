import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import type { TestCredentials } from '@rxtls/testing';
import type { Ground } from './run-script.ts';
import type { EndName, EndSetup } from './script.ts';

const verify = ({ verify: how }: EndSetup): { verify?: () => boolean | Promise<boolean> } => {
  if (how === 'none') return {};
  return { verify: how === 'sync' ? () => true : () => Promise.resolve(true) };
};

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Our TLS 1.3 at the ends named, OpenSSL's at the other. */
export function tls13Ground(authorityPem: string, credentials: TestCredentials, ours: readonly EndName[]): Ground {
  const names = { serverName: 'localhost', ca: authorityPem } as const;
  const own = { credentials: { cert: credentials.certificatePem, key: credentials.keyPem } } as const;
  const turns = ours.length === 2 ? 1 : 4;
  return {
    overheadPerRecord: 17,
    isReal: true,
    mayFailWith: () => false,
    engines: ({ client, server }) => ({
      client: ours.includes('client')
        ? tls13Engine.client({ ...names, ...verify(client) })
        : nodeEngine.client({ ...names, minVersion: 'TLSv1.3', ...verify(client) }),
      server: ours.includes('server')
        ? tls13Engine.server({ ...own, ...verify(server) })
        : nodeEngine.server({ ...own, minVersion: 'TLSv1.3' }),
    }),
    async quiet() {
      for (let count = 0; count < turns; count++) await turn();
    },
  };
}
