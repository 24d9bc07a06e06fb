import { existsSync, readFileSync } from 'node:fs';
import { SoakUsageError } from './soak-settings.ts';

/** Both ends of each connection are in this process, and it holds a few files besides. */
const descriptorsFor = (connections: number): number => 2 * connections + 200;

/** More than any machine makes. */
const closedInASecond = 2_000;

/** What the system lets a process have. */
export interface Machine {
  readonly descriptors: number;
  readonly ports: number;
  /** A port that has been closed is free again after a second, not a minute. */
  readonly areReused: boolean;
}

/** @throws SoakUsageError where so many connections at once, or in all, cannot be, with what to do about it. */
export function checkMachine(short: number, long: number, atOnce: number, machine: Machine = thisMachine()): void {
  const descriptors = descriptorsFor(long + atOnce);
  if (machine.descriptors < descriptors)
    throw new SoakUsageError(
      `${long} long connections need ${descriptors} file descriptors, and this process may open ${machine.descriptors}: raise that (ulimit -n ${descriptors}), or set RXTLS_SOAK_LONG to less`,
    );
  const ports = long + atOnce + (machine.areReused ? Math.min(short, closedInASecond) : short);
  if (machine.ports < ports)
    throw new SoakUsageError(
      `${ports} local ports are needed, and the system gives ${machine.ports}: widen net.ipv4.ip_local_port_range (sysctl), or set RXTLS_SOAK_SHORT or RXTLS_SOAK_LONG to less`,
    );
}

const thisMachine = (): Machine => ({ descriptors: mayOpen(), ...localPorts() });

/** Node has raised it to what the system allows by now. Without a limit where the system tells of none. */
function mayOpen(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isFinite(soft) ? soft : Number.POSITIVE_INFINITY;
}

const folder = '/proc/sys/net/ipv4';

/** Linux says. Elsewhere the number is what Windows and macOS have, and a port stays in TIME_WAIT. */
function localPorts(): Pick<Machine, 'ports' | 'areReused'> {
  if (!existsSync(`${folder}/ip_local_port_range`)) return { ports: 16_384, areReused: false };
  const numbers = (name: string): readonly number[] =>
    readFileSync(`${folder}/${name}`, 'utf8').trim().split(/\s+/).map(Number);
  const [first = 0, last = 0] = numbers('ip_local_port_range');
  // tcp_tw_reuse: 1 for all, 2 for loopback.
  const [reuse = 0] = numbers('tcp_tw_reuse');
  return { ports: last - first + 1, areReused: reuse > 0 };
}
