import { PeerIncompatibleError } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import type { TestCredentials } from '@rxtls/testing';
import type { Ground } from './run-script.ts';
import type { EndSetup } from './script.ts';

const verify = ({ verify: how }: EndSetup): { verify?: () => boolean | Promise<boolean> } => {
  if (how === 'none') return {};
  return { verify: how === 'sync' ? () => true : () => Promise.resolve(true) };
};

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Real TLS on both ends, on the event loop's time; the timers of the connections and the link's are virtual. */
export function nodeGround(authorityPem: string, credentials: TestCredentials): Ground {
  return {
    overheadPerRecord: 17,
    isReal: true,
    // OpenSSL's client takes a refused renegotiation for the end.
    mayFailWith: (error) => error instanceof PeerIncompatibleError && error.message.includes('no renegotiation'),
    engines({ version, client }) {
      const versions = { minVersion: version, maxVersion: version } as const;
      return {
        client: nodeEngine.client({ serverName: 'localhost', ca: authorityPem, ...versions, ...verify(client) }),
        server: nodeEngine.server({
          credentials: { cert: credentials.certificatePem, key: credentials.keyPem },
          ...versions,
        }),
      };
    },
    async quiet() {
      for (let turns = 0; turns < 4; turns++) await turn();
    },
  };
}
