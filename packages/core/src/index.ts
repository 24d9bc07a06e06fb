export { CreditSource, type CreditSourceOwner } from './credit-source.ts';
export type { ByteDuplex, ByteSink, ByteSource, DuplexInfo } from './duplex.ts';
export { Fifo } from './fifo.ts';
export { Level } from './level.ts';
