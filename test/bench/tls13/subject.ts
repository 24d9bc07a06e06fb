// One subject of ../tls13.ts in a process of its own: does what its parent asks, and says what CPU time that took.
import { bareSubject } from './bare.ts';
import { coreSubject } from './over-core.ts';
import { engineSubject } from './in-memory.ts';
import { socketSubject } from './over-socket.ts';
import { tlsSubject } from './over-tls.ts';

/** What a subject can do `count` times; what it leaves out it cannot be asked. */
export interface Subject {
  readonly [work: string]: ((count: number) => void | Promise<void>) | undefined;
}

const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  bare: bareSubject,
  engine: engineSubject,
  tls: tlsSubject,
  socket: socketSubject,
  core: coreSubject,
};

const [name = '', alone, count = '1'] = process.argv.slice(2);
const subject = await subjects[name]?.();
if (subject === undefined) throw new Error(`no subject ${name}`);

if (alone === undefined) {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ work, count: times }: { work: string; count: number }) => {
    const run = subject[work];
    const before = process.cpuUsage();
    void Promise.resolve(run?.(times)).then(() => {
      const { user, system } = process.cpuUsage(before);
      process.send?.(run === undefined ? {} : { cpu: (user + system) / 1_000 });
    });
  });
} else {
  await subject[alone]?.(Number(count));
  process.exit();
}
