import type { ForgeSecurityParameters } from './forge-library.ts';

/** RFC 4346 §7.4.7.1: "opaque random[46]" behind the version. */
const premasterBytes = 48;

/**
 * Has a server take random bytes for a premaster secret of another length, as node-forge does for bad padding and a wrong
 * version. Otherwise it would go on with two bytes that anybody knows, and a Finished message that fits would tell the sender
 * what the server's key made of a ciphertext: an oracle (Bleichenbacher 1998).
 */
export function holdPremasterLength(parameters: ForgeSecurityParameters, random: () => string): void {
  let premaster: string | null | undefined;
  Object.defineProperty(parameters, 'pre_master_secret', {
    configurable: true,
    enumerable: true,
    get: () => premaster,
    set: (value: string | null) => {
      premaster = typeof value === 'string' && value.length !== premasterBytes ? random() : value;
    },
  });
}
