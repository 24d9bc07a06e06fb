// What a workload asks of a variant: a connection with both its ends in this process.
import type { Pki } from '../pki.ts';

/** One end of an open connection. */
export interface End {
  /** Called with every piece of plaintext that arrives. */
  received: (bytes: Uint8Array) => void;
  /** Sends one message now. */
  send(bytes: Uint8Array): void;
  /** Sends all of them, as fast as the connection takes them. Rejects when it breaks meanwhile. */
  pour(chunks: Iterable<Uint8Array>): Promise<void>;
}

export interface Pair {
  readonly client: End;
  readonly server: End;
  readonly resumed: boolean;
  /** Ends the connection gracefully; resolves when both ends are gone. */
  close(): Promise<void>;
  /** Lets nothing through until `release`, so that what is sent has to queue. Where the transport can. */
  hold?(): void;
  release?(): void;
}

export interface Variant {
  /** With `resume`, offers the session of the last such connection. */
  open(resume: boolean): Promise<Pair>;
  /** So many sessions come of a full handshake, none of a resumed one, and each is offered once. Absent: one lasts. */
  readonly sessionsPerConnection?: number;
}

export type MakeVariant = (pki: Pki) => Variant | Promise<Variant>;
