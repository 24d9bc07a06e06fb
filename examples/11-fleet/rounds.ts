import { memorySessions } from '@rxtls/engine-node';
import { size } from './fleet.ts';
import type { Sessions, Visit } from './visit.ts';

/** Visits one worker, or whichever has its turn where `worker` is left out. */
export type Visitor = (sessions: Sessions, worker?: number) => Promise<Visit>;

/** A client that has been to a worker, and is to go to another one. */
interface Journey {
  readonly from: number;
  readonly by: number;
  readonly sessions: Sessions;
}

/** Whether the second worker resumed what the first one had sealed. */
export interface Outcome extends Omit<Journey, 'sessions'> {
  readonly resumed: boolean;
}

export const workers: readonly number[] = Array.from({ length: size }, (_, index) => index + 1);

/** Pairs of workers: each one with each. */
export const all: readonly (readonly [number, number])[] = workers.flatMap((from) =>
  workers.map((by) => [from, by] as const),
);

/** The first visits of new clients: a full handshake each, and tickets. */
export async function begun(visitor: Visitor, pairs: typeof all): Promise<readonly Journey[]> {
  const journeys: Journey[] = [];
  for (const [from, by] of pairs) {
    const sessions = memorySessions();
    await visitor(sessions, from);
    journeys.push({ from, by, sessions });
  }
  return journeys;
}

/** Their second visits. */
export async function ended(visitor: Visitor, journeys: readonly Journey[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { from, by, sessions } of journeys) {
    const { worker, resumed } = await visitor(sessions, by);
    outcomes.push({ from, by: worker, resumed });
  }
  return outcomes;
}

/** New clients that come twice, to whichever worker has its turn. */
export async function throughThePort(visitor: Visitor, clients: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let client = 0; client < clients; client++) {
    const sessions = memorySessions();
    const { worker: from } = await visitor(sessions);
    const { worker: by, resumed } = await visitor(sessions);
    outcomes.push({ from, by, resumed });
  }
  return outcomes;
}
