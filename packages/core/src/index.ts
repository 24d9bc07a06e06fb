export type { ByteDuplex, ByteSink, ByteSource, DuplexInfo } from './duplex.ts';
