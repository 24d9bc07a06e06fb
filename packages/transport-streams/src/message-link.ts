import type { TlsError } from '@rxtls/core/engine';

/** Something that carries messages in order and whole: a port, a worker, a data channel. What it throws has broken it. */
export interface MessageLink {
  /** The most bytes one message may have. */
  readonly largest: number;
  /** It would rather have no more bytes now; `roomy` follows. */
  readonly isFull: boolean;
  open(listener: MessageListener): void;
  /** Sends bytes. The array is the link's from now on. */
  post(bytes: Uint8Array): void;
  /** Sends a word. */
  say(text: string): void;
  /** Messages that were sent still arrive; nothing more is heard. */
  close(): void;
}

/** What a link tells. */
export interface MessageListener {
  /** Messages can be sent. */
  ready(): void;
  message(data: unknown): void;
  /** There is room again. */
  roomy(): void;
  /** No more messages. */
  closed(error: TlsError): void;
}
