import type { AlertDescription } from './alert.ts';
import type { LimitName } from './limits.ts';
import type { TlsVersion } from './negotiated-parameters.ts';
import type { ContentTypeName } from './record-header.ts';
import type { TlsError } from './tls-error.ts';

export type Direction = 'received' | 'sent';

/** What `events` reports. Frozen facts, made only while somebody observes; no secrets but `keylog`, which only an engine option turns on. */
export type TlsEvent =
  /** A record passed; `bytes` without its header; `inner` where the engine sees through the protection. */
  | {
      readonly type: 'record';
      readonly direction: Direction;
      readonly contentType: ContentTypeName;
      readonly bytes: number;
      readonly inner?: ContentTypeName;
    }
  /**
   * A step of a server's handshake: the whole ClientHello is there; it has a handshake slot. `milliseconds` since the
   * connection's start, as everywhere here unless it says otherwise: the wait for the slot is the difference of the two.
   */
  | { readonly type: 'handshake'; readonly step: 'client-hello' | 'admitted'; readonly milliseconds: number }
  /** The handshake is done and the peer verified, and what was agreed on. */
  | {
      readonly type: 'handshake';
      readonly step: 'negotiated';
      readonly milliseconds: number;
      readonly version: TlsVersion;
      readonly cipherSuite: string;
      readonly group?: string;
      readonly resumed: boolean;
    }
  /** A user's function (`byHello`, `verify`) has answered, or failed; `milliseconds` is how long it took. */
  | {
      readonly type: 'task';
      readonly name: string;
      readonly outcome: 'answered' | 'failed';
      readonly milliseconds: number;
    }
  | {
      readonly type: 'alert';
      readonly direction: Direction;
      readonly level: 'warning' | 'fatal';
      readonly description: AlertDescription | number;
    }
  /** A session ticket. `kept` where it was received: for resumption, or ignored because enough are. Sent: where the engine sees it. */
  | { readonly type: 'ticket'; readonly direction: Direction; readonly kept?: boolean }
  | { readonly type: 'key-update'; readonly direction: Direction }
  /** A TLS 1.2 renegotiation was begun by the peer or by us, or one of the peer's was refused. */
  | { readonly type: 'renegotiation'; readonly direction: Direction; readonly outcome: 'allowed' | 'refused' }
  /** A line of NSS key log format (RFC 9850). A secret. */
  | { readonly type: 'keylog'; readonly line: string }
  /** Bytes that came after the peer's close_notify and were ignored (RFC 8446 §6.1). */
  | { readonly type: 'ignored'; readonly bytes: number }
  /** A limit is at least three quarters used. */
  | { readonly type: 'limit'; readonly limit: LimitName; readonly used: number; readonly max: number }
  /** The last event: the connection is over, with the error that everybody hears (`error.phase` says how far it came) unless it ended cleanly. */
  | { readonly type: 'ended'; readonly milliseconds: number; readonly error?: TlsError };
