import type { TestLeafName } from '@rxtls/testing';
import type { Test } from 'tap';
import type { Version } from './ends.ts';

/** What a peer's server is to be like. */
export interface ServerSetup {
  readonly version: Version;
  readonly leaf: TestLeafName;
  readonly alpn?: string;
  /** Demands a client certificate from the test root. */
  readonly requireClient?: boolean;
  /** Answers an HTTP request and closes with close_notify. */
  readonly http?: boolean;
  /** Prints, or takes commands, rather than passing bytes alone. */
  readonly talks?: boolean;
}

export interface PeerServer {
  readonly port: number;
  /** Sends this to its client; a peer that can only echo has none. */
  readonly send?: (bytes: Buffer) => void;
  /** So many bytes from its client, where it shows them. */
  readonly received?: (length: number) => Promise<Buffer>;
  /** Ends at once, without a word of TLS. */
  readonly kill: () => void;
  /** Resolves when it has noted our close_notify, where that shows. */
  readonly sawClose?: () => Promise<unknown>;
}

/** Somebody else's TLS server. */
export interface ServerPeer {
  readonly name: string;
  /** Why it cannot run here. */
  readonly missing?: string | undefined;
  start(t: Test, setup: ServerSetup): Promise<PeerServer>;
}

/** What a peer's client is to be like. */
export interface ClientSetup {
  readonly version: Version;
  readonly alpn?: string;
  /** The certificate it shows. */
  readonly leaf?: TestLeafName;
}

export interface PeerClient {
  readonly send: (bytes: Buffer) => void;
  readonly received: (length: number) => Promise<Buffer>;
  /** Sends close_notify. */
  readonly close: () => void;
  readonly kill: () => void;
  readonly sawClose?: () => Promise<unknown>;
}

/** Somebody else's TLS client. */
export interface ClientPeer {
  readonly name: string;
  readonly missing?: string | undefined;
  start(t: Test, port: number, setup: ClientSetup): Promise<PeerClient>;
  /** Connects twice, the second time with the session of the first; each connection ends by itself. */
  resume(t: Test, port: number, setup: ClientSetup, served: () => Promise<unknown>): Promise<void>;
}
