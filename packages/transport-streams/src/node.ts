// What needs Node's own streams.
export { fromNodeDuplex, type NodeDuplexOptions } from './node/from-node-duplex.ts';
export { toNodeDuplex, type ToNodeDuplexOptions } from './node/to-node-duplex.ts';
export type { ConnectionStream } from './node/connection-stream.ts';
