import type { ContentTypeName, Readiness, TlsEvent, WriteAck } from '@rxtls/core';
import type { Style } from './paint.ts';

export type Column = 'writes' | 'acks' | 'ciphertext' | 'readiness' | 'plaintext';
export type Row = 'writes' | 'queued' | 'sealed' | 'flushed' | 'lost' | 'out' | 'in' | 'readiness' | 'plaintext';

/** One thing that happened: a cell of the live table and a mark in the diagram. */
export interface Entry {
  readonly column: Column;
  /** `→`, `←`, `#1`. */
  readonly lead: string;
  readonly what: string;
  /** Shown after `what` while it stands alone. */
  readonly detail: string;
  /** Summed where many are shown as one. */
  readonly bytes: number;
  readonly style: Style;
  readonly row: Row;
  readonly mark: string;
}

/** RFC 8446's words. */
const recordName: Readonly<Record<ContentTypeName, string>> = {
  handshake: 'handshake',
  applicationData: 'application_data',
  changeCipherSpec: 'change_cipher_spec',
  alert: 'alert',
  heartbeat: 'heartbeat',
};
const recordMark: Readonly<Record<ContentTypeName, string>> = {
  handshake: 'h',
  applicationData: 'd',
  changeCipherSpec: 'c',
  alert: 'a',
  heartbeat: 'b',
};

/** What a mark of the diagram stands for. */
export const meaning: Readonly<Record<string, string>> = {
  h: 'handshake',
  c: 'change_cipher_spec',
  d: 'application_data',
  a: 'alert record',
  N: 'close_notify',
  A: 'another alert',
  t: 'session ticket',
  R: 'WANT_READ',
  W: 'WANT_WRITE',
  Y: 'READY',
  x: 'waits for a task',
  w: 'write',
  p: 'plaintext',
  '|': 'end',
  '#': 'error',
};

const ordinal = (number: number): string => (number < 10 ? String(number) : '+');

/** A chunk given to be written; a long one becomes several intents, so only short ones can bear their intent's number. */
export const written = (number: number, bytes: number, text: string, isShort: boolean): Entry => ({
  column: 'writes',
  lead: isShort ? `#${number}` : '',
  what: 'written',
  detail: text,
  bytes,
  style: 'bold',
  row: 'writes',
  mark: isShort ? ordinal(number) : 'w',
});

export const acked = ({ type, intent, bytes }: WriteAck): Entry => ({
  column: 'acks',
  lead: `#${intent}`,
  what: type,
  detail: type,
  bytes,
  style: type === 'flushed' ? 'green' : type === 'lost' || type === 'refused' ? 'red' : 'dim',
  row: type === 'refused' ? 'lost' : type,
  mark: ordinal(intent),
});

export const read = (bytes: number, text: string): Entry => ({
  column: 'plaintext',
  lead: '←',
  what: 'received',
  detail: text,
  bytes,
  style: 'bold',
  row: 'plaintext',
  mark: 'p',
});

export const readinessIs = ({ engine, blockedOn }: Readiness): Entry => ({
  column: 'readiness',
  lead: '',
  what: engine,
  detail: [engine, blockedOn.includes('closing') ? 'closing' : blockedOn.join('+')].join(' ').trim(),
  bytes: 0,
  style: engine === 'READY' ? 'green' : 'yellow',
  row: 'readiness',
  mark: { READY: 'Y', WANT_READ: 'R', WANT_WRITE: 'W' }[engine as string] ?? 'x',
});

/** What there is to show of an event: records, alerts, tickets. */
export function happened(event: TlsEvent): Entry | undefined {
  if (event.type === 'record')
    return wire(event.direction, recordName[event.contentType], event.bytes, recordMark[event.contentType]);
  if (event.type === 'alert') {
    const closes = event.description === 'close_notify';
    return wire(event.direction, closes ? 'close_notify' : `alert ${event.description}`, undefined, closes ? 'N' : 'A');
  }
  if (event.type === 'ticket') return wire('received', 'session ticket', undefined, 't');
  if (event.type === 'key-update') return wire(event.direction, 'key update', undefined, 'h');
  return undefined;
}

const wire = (direction: 'received' | 'sent', what: string, bytes: number | undefined, mark: string): Entry => ({
  column: 'ciphertext',
  lead: direction === 'sent' ? '→' : '←',
  what,
  detail: bytes === undefined ? what : `${what} ${bytes}`,
  bytes: bytes ?? 0,
  style: mark === 'N' ? 'magenta' : mark === 'A' ? 'red' : 'cyan',
  row: direction === 'sent' ? 'out' : 'in',
  mark,
});
