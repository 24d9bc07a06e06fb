import { PeerMisbehavedError } from '@rxtls/core';
import { placeboEngine } from '@rxtls/testing';
import type { Ground } from './run-script.ts';
import type { EndSetup } from './script.ts';

const verify = ({ verify: how }: EndSetup): { verify?: () => boolean | Promise<boolean> } => {
  if (how === 'none') return {};
  return { verify: how === 'sync' ? () => true : () => Promise.resolve(true) };
};

/** No crypto, virtual time. */
export const placeboGround: Ground = {
  overheadPerRecord: 0,
  isReal: false,
  // A client that fails before it has said hello says so in clear.
  mayFailWith: (error) =>
    error instanceof PeerMisbehavedError && error.message.includes('where the ClientHello belongs'),
  engines(script, clock) {
    const { asynchronous, version, roundTrips, tickets, maxRecordBytes, lazyKeyUpdates } = script;
    const face = clock.face();
    const defer = (run: () => void): void => {
      if (asynchronous === 'microtask') void Promise.resolve().then(run);
      else face.schedule(run);
    };
    const common = {
      version,
      maxRecordBytes,
      keyUpdateResponse: lazyKeyUpdates ? 'with-next-write' : 'at-once',
      ...(asynchronous !== false && { asynchronous: true, defer }),
    } as const;
    return {
      client: placeboEngine.client({ ...common, ...verify(script.client) }),
      server: placeboEngine.server({ ...common, roundTrips, tickets, ...verify(script.server) }),
    };
  },
  // Promises alone wait for nothing else, so this is when all of them are through.
  quiet: () => new Promise((resolve) => void setImmediate(resolve)),
};
