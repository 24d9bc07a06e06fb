import type { KeyAgreement, KeyShare, RandomBytes } from './crypto-provider.ts';
import type { GroupName } from './named-group.ts';

/** One key exchange group, both sides of it. Nothing of a library: both providers are made of these. */
export interface GroupImplementation {
  readonly name: GroupName;
  keyShare(random: RandomBytes): KeyShare;
  /** Undefined for a client's share that is no valid one. */
  keyAgreement(peer: Uint8Array, random: RandomBytes): KeyAgreement | undefined;
}

/** Makes the hybrid group of a provider's X25519, so that no provider imports a post-quantum library unasked. */
export type PostQuantum = (x25519: GroupImplementation) => GroupImplementation;

/** What a provider can be given beyond its own primitives. */
export interface CryptoAdditions {
  /** `x25519MLKEM768`. */
  readonly postQuantum?: PostQuantum;
}

/** A group in which both sides do the same: the server's half is a share that agrees at once. */
export const diffieHellman = (name: GroupName, keyShare: (random: RandomBytes) => KeyShare): GroupImplementation => ({
  name,
  keyShare,
  keyAgreement(peer, random) {
    const share = keyShare(random);
    const secret = share.agree(peer);
    share.wipe();
    return secret && { publicKey: share.publicKey, secret };
  },
});
