// Clients of a rotating server, short ones and long ones, and what they find wrong.
import { randomBytes, randomInt } from 'node:crypto';
import type { DrainedConnection, Ledger } from '@rxtls/core';
import { from, lastValueFrom, mergeMap, takeWhile } from 'rxjs';
import { sleep } from '../interop/ends.ts';
import type { RotatingServer } from './rotating-server.ts';
import type { RotationClient } from './rotation-kits.ts';
import type { Talk } from './talk.ts';
import { within } from './within.ts';

/** What was done, so that nobody takes little work for good work. */
export interface Tally {
  short: number;
  long: number;
  /** Those that the server let resume. */
  resumed: number;
  /** Those during whose handshake the certificate was replaced. */
  straddled: number;
  /** Rotations that at least one connection was made with. */
  readonly generations: Set<number>;
  /** Said by clients, and heard again. */
  bytes: number;
  /** The fewest times that one of the long ones said something. */
  laps: number;
}

interface Visit {
  readonly name: string;
  readonly talk: Talk;
  readonly leaf: string;
  said: number;
  laps: number;
}

/** Past so many there is nothing to learn from more. */
const mostFaults = 20;
/** Of which what is said is cut. */
const words = randomBytes(1_048_576);
/** Exponents of two: from one byte to several records, all sizes alike. */
const [shortWords, longWords] = [17, 12];
/** Long ones that speak at once, and the milliseconds each of those lanes rests after each word. */
const [lanes, rest] = [4, 5];

export class Visitors {
  readonly tally: Tally = { short: 0, long: 0, resumed: 0, straddled: 0, generations: new Set(), bytes: 0, laps: 0 };
  readonly faults: string[] = [];
  readonly #server: RotatingServer;
  readonly #port: number;
  readonly #clients: readonly RotationClient[];
  readonly #concurrency: number;
  readonly #talks = new Set<Talk>();
  #turn = 0;

  constructor(server: RotatingServer, port: number, clients: readonly RotationClient[], concurrency = 32) {
    this.#server = server;
    this.#port = port;
    this.#clients = clients;
    this.#concurrency = concurrency;
  }

  toString(): string {
    return `${this.tally.short} short, ${this.tally.long} long, ${this.faults.length} faults`;
  }

  /** So many short ones while so many long ones are open; all have closed in the end. */
  async visit(short: number, long: number): Promise<void> {
    const visits = await this.#openMany(long);
    let isBusy = true;
    const talking = this.#converse(visits, () => isBusy);
    await this.#each(Array(short).keys(), () => this.#short());
    isBusy = false;
    await talking;
    await this.#each(visits, (visit) => this.#leave(visit));
    this.tally.laps = Math.min(this.tally.laps || Number.POSITIVE_INFINITY, ...visits.map(({ laps }) => laps));
  }

  /** So many that the server brings to their end, by `drain`. */
  async beDrained(count: number, drain: () => Promise<readonly DrainedConnection[]>): Promise<void> {
    const visits = await this.#openMany(count);
    await this.#each(visits, (visit) => this.#say(visit, longWords));
    const [reports] = await Promise.all([drain(), this.#each(visits, (visit) => this.#gone(visit))]);
    if (reports.length !== visits.length)
      this.faults.push(`the drain told of ${reports.length} connections, and there were ${visits.length}`);
    for (const { outcome, ledger, info } of reports)
      if (outcome !== 'closed' || ledger.lost > 0)
        this.faults.push(`the drain: ${info.remote} was ${outcome}, ${ledger.lost} bytes lost`);
  }

  /** Ends what went wrong on its way, so that the server is not held up by it. */
  cut(): void {
    for (const talk of this.#talks) talk.cut();
  }

  async #short(): Promise<void> {
    const visit = await this.#open();
    await this.#say(visit, shortWords);
    await this.#leave(visit);
    this.tally.short++;
  }

  async #openMany(count: number): Promise<readonly Visit[]> {
    const visits: Visit[] = [];
    await this.#each(Array(count).keys(), async () => void visits.push(await this.#open()));
    this.tally.long += visits.length;
    return visits;
  }

  async #open(): Promise<Visit> {
    const { name, dial } = this.#clients[this.#turn++ % this.#clients.length]!;
    const talk = await named(name, within(dial(this.#port), 'the handshake'));
    this.#talks.add(talk);
    if (talk.resumed) this.tally.resumed++;
    return { name, talk, leaf: talk.leaf(), said: 0, laps: 0 };
  }

  async #say(visit: Visit, most: number): Promise<void> {
    const length = Math.floor(2 ** (Math.random() * most));
    const at = randomInt(words.length - length);
    await named(visit.name, within(visit.talk.say(words.subarray(at, at + length)), `the echo of ${length} bytes`));
    visit.said += length;
    visit.laps++;
    this.tally.bytes += length;
    if (visit.talk.leaf() !== visit.leaf)
      throw new Error(`${visit.name}: the certificate is another one than at first`);
  }

  /** Each in its turn, and all of them twice at least. */
  async #converse(visits: readonly Visit[], goesOn: () => boolean): Promise<void> {
    const lane = async (first: number): Promise<void> => {
      for (let lap = 0; lap < 2 || goesOn(); lap++) {
        for (let at = first; at < visits.length; at += lanes) {
          await this.#guarded(() => this.#say(visits[at]!, longWords));
          await sleep(rest);
        }
        if (this.#isHopeless || first >= visits.length) return;
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, first) => lane(first)));
  }

  async #leave(visit: Visit): Promise<void> {
    visit.talk.close(this.#turn++ % 2 === 0 ? 'half' : 'whole');
    await this.#gone(visit);
  }

  /** Waits for the end of both sides, and looks at what each says of it. */
  async #gone({ name, talk, leaf, said }: Visit): Promise<void> {
    const ends = Promise.all([talk.over, this.#server.ended(talk.local)]);
    const [ours, theirs] = await named(name, within(ends, 'the end'));
    for (const [side, ledger] of [['client', ours] as const, ['server', theirs.ledger] as const])
      if (ledger !== undefined && !isWhole(ledger, said))
        throw new Error(`${name}: ${said} bytes were said, and the ${side}’s ledger is ${JSON.stringify(ledger)}`);
    this.#talks.delete(talk);
    const { accepted, connected, generation } = theirs;
    if (generation < accepted || generation > connected)
      throw new Error(`${name}: rotations ${accepted} to ${connected} were in force, and ${generation} served`);
    if (generation !== connected) this.tally.straddled++;
    // Who resumes has seen the leaf of an earlier handshake, which the server may have replaced since.
    if (!this.#server.fingerprints(talk.resumed ? 1 : generation, generation).includes(leaf))
      throw new Error(`${name}: the leaf that was shown is not that of rotation ${generation}, which served`);
    this.tally.generations.add(generation);
  }

  async #each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const worked = from(items).pipe(
      takeWhile(() => !this.#isHopeless),
      mergeMap((item) => this.#guarded(() => work(item)), this.#concurrency),
    );
    await lastValueFrom(worked, { defaultValue: undefined });
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.faults.push(error instanceof Error ? error.message : String(error));
    }
  }

  get #isHopeless(): boolean {
    return this.faults.length >= mostFaults;
  }
}

const isWhole = ({ accepted, sealed, flushed, refused, lost, outstanding }: Ledger, bytes: number): boolean =>
  accepted === bytes && sealed === bytes && flushed === bytes && refused + lost + outstanding === 0;

async function named<T>(name: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
