// One server whose certificates rotate, under many short connections and many long ones: no handshake fails, no byte is lost,
// and when all is over nothing is left. `npm run soak` does it with thousands, test/servers/rotation.test.ts with a few.
import type { TlsConnection } from '@rxtls/core';
import { sleep } from '../interop/ends.ts';
import { Alive } from './alive.ts';
import { descriptorsMadeOnce, type Readings, readings } from './readings.ts';
import { RotatingServer } from './rotating-server.ts';
import { rotatingCredentials } from './rotating-credentials.ts';
import type { RotationKit } from './rotation-kits.ts';
import { type Tally, Visitors } from './visitors.ts';
import { within } from './within.ts';

export interface RotationPlan {
  /** Connections that are made, say something, and are closed. */
  readonly short: number;
  /** Connections that are open all the while. */
  readonly long: number;
  /** Milliseconds between two certificates. */
  readonly every: number;
  /** Handshakes at once. */
  readonly concurrency?: number;
  /** Certificates that take turns: 16 unless told. */
  readonly pool?: number;
  readonly say?: (line: string) => void;
}

export interface RotationOutcome {
  /** Whatever was not as it should be: empty when all is well. */
  readonly faults: readonly string[];
  /** Before there was a server; with the server, after a tenth of the work; after all of it; after its drain. */
  readonly before: Readings;
  readonly idle: Readings;
  readonly after: Readings;
  readonly drained: Readings;
  /** Not collected in the end. */
  readonly engines: number;
  readonly connections: number;
  readonly tally: Tally;
  readonly rotations: number;
  readonly fromFiles: number;
}

/** Of the work, this part comes first, so that caches and compiled code are not taken for growth. */
const warmUp = 0.1;

export async function rotation(kit: RotationKit, plan: RotationPlan): Promise<RotationOutcome> {
  const { every, pool: size = 16, say = () => undefined } = plan;
  const pool = await Promise.all(Array.from({ length: size }, () => kit.issue()));
  await descriptorsMadeOnce();
  const before = await readings();
  const alive = new Alive();
  const credentials = await rotatingCredentials(pool, every);
  const server = new RotatingServer(kit, credentials, alive);
  const track = (connection: TlsConnection): void => void alive.track('connection', connection);
  const visitors = new Visitors(server, await server.port(), kit.clients(track), plan.concurrency);
  const progress = setInterval(() => say(`${kit.name}: ${visitors}, ${server.generation} rotations`), 5_000);
  const [short, long] = [Math.ceil(plan.short * warmUp), Math.ceil(plan.long * warmUp)];
  let [idle, after] = [before, before];
  try {
    await visitors.visit(short, long);
    idle = await readings();
    await visitors.visit(plan.short - short, plan.long);
    after = await readings(idle);
    visitors.cut();
    await visitors.beDrained(long, () => within(server.drain(), 'the drain'));
  } catch (error) {
    server.faults.push(String(error));
  } finally {
    clearInterval(progress);
    visitors.cut();
    server.stop();
  }
  const rotations = server.generation;
  await sleep(3 * every);
  const faults = [...visitors.faults, ...server.faults, ...credentials.rejected];
  if (server.generation !== rotations) faults.push('certificates go on to rotate after the end of the server');
  if (server.unasked > 0) faults.push(`the server saw ${server.unasked} connections that no client knows of`);
  await credentials.remove();
  const drained = await readings(before);
  const { tally } = visitors;
  const [engines, connections] = [alive.count('engine'), alive.count('connection')];
  return {
    faults,
    before,
    idle,
    after,
    drained,
    engines,
    connections,
    tally,
    rotations,
    fromFiles: credentials.fromFiles(),
  };
}
