export type { CutKind, LinkFaults } from './link-faults.ts';
export { type LinkControl, type MemoryPair, type MemoryPairOptions, memoryPair } from './memory-pair.ts';
