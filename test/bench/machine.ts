import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What kind of machine this is, in general words. */
export function machineKind(): string {
  const [major, minor] = process.versions.node.split('.');
  const cores = availableParallelism();
  return `${cores} ${cores === 1 ? 'core' : 'cores'}${isVirtual() ? ' of a virtual machine' : ''}, Node ${major}.${minor}`;
}

function isVirtual(): boolean {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8').includes('hypervisor');
  } catch {
    return false; // not Linux: nothing is said
  }
}
