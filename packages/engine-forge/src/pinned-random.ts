import type { ForgeSecurityParameters, ForgeSession } from './forge-library.ts';

/**
 * Makes `random` the hello random of this side, whatever node-forge puts there: it would show the system's clock, know no
 * downgrade sentinel, and use the random of the first handshake again when it resumes a session as a server.
 * @param made is told of parameters as they are made, before they are used.
 */
export function pinRandom(
  session: ForgeSession,
  side: 'client_random' | 'server_random',
  random: string,
  made: (parameters: ForgeSecurityParameters) => void = () => {},
): void {
  let parameters = pinned(session.sp, side, random);
  Object.defineProperty(session, 'sp', {
    configurable: true,
    enumerable: true,
    get: () => parameters,
    set: (value: ForgeSecurityParameters) => {
      parameters = pinned(value, side, random);
      made(value);
    },
  });
}

function pinned(
  parameters: ForgeSecurityParameters | undefined,
  side: 'client_random' | 'server_random',
  random: string,
): ForgeSecurityParameters | undefined {
  if (parameters === undefined) return undefined;
  return Object.defineProperty(parameters, side, {
    configurable: true,
    enumerable: true,
    get: () => random,
    // node-forge assigns the random it has made: in vain.
    set: () => {},
  });
}
