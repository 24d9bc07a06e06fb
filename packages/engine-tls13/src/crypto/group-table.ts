import { ApiMisuseError } from '@rxtls/core/engine';
import type { CryptoProvider } from './crypto-provider.ts';
import type { CryptoAdditions, GroupImplementation } from './group-implementation.ts';

/** The part of a provider that its groups make. */
export function groupTable(
  x25519: GroupImplementation,
  others: readonly GroupImplementation[],
  { postQuantum }: CryptoAdditions,
): Pick<CryptoProvider, 'groups' | 'keyShare' | 'keyAgreement'> {
  const all = [x25519, ...others, ...(postQuantum === undefined ? [] : [postQuantum(x25519)])];
  const find = (name: string): GroupImplementation => {
    const found = all.find((each) => each.name === name);
    if (found === undefined) throw new ApiMisuseError(`this crypto provider has no group ${name}`);
    return found;
  };
  return {
    groups: Object.freeze(all.map(({ name }) => name)),
    keyShare: (group, random) => find(group).keyShare(random),
    keyAgreement: (group, peer, random) => find(group).keyAgreement(peer, random),
  };
}
