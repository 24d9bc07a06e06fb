/**
 * Where tests stand between a handshake and what it hashes and sends, so that published traces can be replayed. No entry
 * exports it or takes one.
 */
export interface OutgoingSeam {
  /** What goes out, and into the transcript, in place of `message`: a whole handshake message; no bytes: nothing. */
  outgoing(message: Uint8Array): Uint8Array;
}
