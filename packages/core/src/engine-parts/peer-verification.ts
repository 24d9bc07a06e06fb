import type { PeerIdentity, TaskResult } from '../engine/index.ts';

/** What a user's `verify` is told of the peer, after our own checks have passed. */
export interface PeerToVerify {
  /** DER certificates, the leaf first. Empty for a client that showed none where `clientAuth` is `request`. */
  readonly chain: readonly Uint8Array[];
  /** The name the client asked for: in a client its own option, in a server the SNI received. */
  readonly serverName?: string;
  /** The handshake resumed an earlier session, in which this chain was shown. */
  readonly resumed: boolean;
}

/** Says whether to accept the peer. Anything but exactly one `true` refuses it. */
export type VerifyPeer = (peer: PeerToVerify) => TaskResult<boolean>;

/** A peer that passed our checks; `verify` is what the user wants to be asked besides. */
export interface Authenticated {
  readonly peer: PeerIdentity;
  readonly resumed: boolean;
  readonly serverName?: string;
  readonly verify?: VerifyPeer;
}
