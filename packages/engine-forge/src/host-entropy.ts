import { EngineFailureError, type TlsHost } from '@rxtls/core/engine';
import { toBinaryString } from './binary-string.ts';
import { library } from './forge-library.ts';

/** More draws in one call than any handshake needs: RSA padding and blinding draw again for bytes they cannot use. */
const mostDraws = 100_000;

/**
 * Runs a call into node-forge with the host's entropy in place of the one generator that node-forge has for the process.
 * The call is synchronous and nothing of ours or of a user runs inside it, so nobody else ever sees the exchange.
 */
export function withHostEntropy<T>(host: TlsHost, call: () => T): T {
  const { random } = library;
  const { getBytes, getBytesSync } = random;
  let draws = 0;
  const draw = (count: number): string => {
    if (++draws > mostDraws) throw new EngineFailureError('host.random gives bytes that nothing can be made of');
    return hostRandom(host, count, 'node-forge');
  };
  random.getBytes = draw;
  random.getBytesSync = draw;
  try {
    return call();
  } finally {
    random.getBytes = getBytes;
    random.getBytesSync = getBytesSync;
  }
}

/** @throws EngineFailureError when the host gives fewer bytes than it was asked for: a short random is a weak one. */
export function hostRandom(host: TlsHost, count: number, label: string): string {
  const bytes = host.random(count, label);
  if (bytes.length !== count)
    throw new EngineFailureError('host.random gave another number of bytes than it was asked for');
  return toBinaryString(bytes);
}
