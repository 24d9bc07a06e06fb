import type { TlsError } from './engine/index.ts';

/** Whoever made the stage hears how the connection fares. */
export interface StageOwner {
  /** Handshake and verification passed; called once. */
  connected(): void;
  /** It ended; called once, with the error of an unclean end. */
  ended(error: TlsError | undefined): void;
}

/** Follows a connection turn by turn. */
export interface StageFollower {
  /** It has bytes to write yet. */
  readonly isWriting: boolean;
  /** A turn is over: there may be room, or news. */
  turned(): void;
  /** The connection has ended. */
  ended(error: TlsError | undefined): void;
}
