import type { AlertDescription } from './alert.ts';
import type { LimitName } from './limits.ts';
import type { TlsVersion } from './negotiated-parameters.ts';
import type { ContentTypeName } from './record-header.ts';

export type Direction = 'received' | 'sent';

/** What `events` reports. Frozen facts, no secrets but `keylog`, which only an engine option turns on. */
export type TlsEvent =
  /** A record passed; `bytes` without its header; `inner` where the engine sees through the protection. */
  | {
      readonly type: 'record';
      readonly direction: Direction;
      readonly contentType: ContentTypeName;
      readonly bytes: number;
      readonly inner?: ContentTypeName;
    }
  /** A step of the handshake; `milliseconds` since the connection's start. */
  | {
      readonly type: 'handshake';
      readonly step: 'client-hello' | 'admitted' | 'negotiated';
      readonly milliseconds: number;
      readonly version?: TlsVersion;
    }
  | {
      readonly type: 'alert';
      readonly direction: Direction;
      readonly level: 'warning' | 'fatal';
      readonly description: AlertDescription | number;
    }
  /** A session ticket came and was kept for resumption, or was ignored because enough are kept. */
  | { readonly type: 'ticket'; readonly kept: boolean }
  | { readonly type: 'key-update'; readonly direction: Direction }
  /** A TLS 1.2 renegotiation was begun by the peer or by us, or one of the peer's was refused. */
  | { readonly type: 'renegotiation'; readonly direction: Direction; readonly outcome: 'allowed' | 'refused' }
  /** A line of NSS key log format (RFC 9850). A secret. */
  | { readonly type: 'keylog'; readonly line: string }
  /** Bytes that came after the peer's close_notify and were ignored (RFC 8446 §6.1). */
  | { readonly type: 'ignored'; readonly bytes: number }
  /** A limit is at least three quarters used. */
  | { readonly type: 'limit'; readonly limit: LimitName; readonly used: number; readonly max: number };
