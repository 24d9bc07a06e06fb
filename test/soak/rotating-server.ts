// An echo whose engine follows certificates that change all the time, and what it knows of each of its connections.
import {
  type ConnectionFailure,
  drain,
  type DrainedConnection,
  type Ledger,
  liveEngine,
  rotatingTicketKeys,
  secureEach,
  type TlsConnection,
} from '@rxtls/core';
import { type ListeningAddress, listen } from '@rxtls/transport-tcp';
import {
  AsyncSubject,
  combineLatest,
  firstValueFrom,
  lastValueFrom,
  ReplaySubject,
  Subject,
  type Subscription,
  tap,
} from 'rxjs';
import { host } from '../interop/ends.ts';
import type { Alive } from './alive.ts';
import type { RotatingCredentials } from './rotating-credentials.ts';
import type { RotationKit } from './rotation-kits.ts';

interface Seen {
  readonly accepted: number;
  connected: number;
  generation: number;
  readonly ledger: AsyncSubject<Ledger>;
}

/** What the server says of a connection that has ended. */
export interface ServedTalk {
  /** How many rotations there had been when it was accepted, and when it was connected. */
  readonly accepted: number;
  readonly connected: number;
  /** Which rotation it was made with, from 1 on. */
  readonly generation: number;
  readonly ledger: Ledger;
}

export class RotatingServer {
  /** What should not have happened. */
  readonly faults: string[] = [];
  /** Fingerprints, one a generation. */
  readonly #shown: string[] = [];
  readonly #seen = new Map<string, Seen>();
  readonly #address = new ReplaySubject<ListeningAddress>(1);
  readonly #stop = new Subject<void>();
  readonly #drained = new ReplaySubject<DrainedConnection>();
  readonly #over = new AsyncSubject<unknown>();
  readonly #serving: Subscription;

  constructor(kit: RotationKit, credentials: RotatingCredentials, alive: Alive) {
    const ticketKeys = rotatingTicketKeys({ every: 1_000, keep: 2 });
    const engine = liveEngine(
      combineLatest({ pair: credentials.pairs, ticketKeys }),
      ({ pair, ticketKeys }) => {
        const factory = alive.track('engine', kit.server(pair, ticketKeys));
        this.#shown.push(credentials.fingerprint(pair));
        return factory;
      },
      { events: { next: (event) => event.type !== 'swapped' && this.faults.push(`the live engine: ${event.type}`) } },
    );
    this.#serving = listen({ port: 0, host, backlog: 511, listening: (address) => this.#address.next(address) })
      .pipe(
        secureEach(engine, (connection) => this.#echo(alive.track('connection', connection)), {
          observe: ({ remote = '' }) => ({ ledger: this.#appeared(remote).ledger }),
          failed: ({ error, info }: ConnectionFailure) => this.faults.push(`${info.remote} failed: ${error}`),
          drain: drain(this.#stop, { deadline: 15_000, quiet: 100, drained: this.#drained }),
        }),
        tap({ error: (error: unknown) => this.#address.error(error) }),
      )
      .subscribe(this.#over);
  }

  /** How many rotations there have been. */
  get generation(): number {
    return this.#shown.length;
  }

  port(): Promise<number> {
    return firstValueFrom(this.#address).then(({ port }) => port);
  }

  /** The leaves of those rotations. */
  fingerprints(first: number, last: number): readonly string[] {
    return this.#shown.slice(first - 1, last);
  }

  /** Waits for the end, and forgets the connection. */
  async ended(remote: string): Promise<ServedTalk> {
    const seen = this.#seen.get(remote);
    if (seen === undefined) throw new Error(`the server knows of no ${remote}`);
    const ledger = await lastValueFrom(seen.ledger);
    this.#seen.delete(remote);
    return { ...seen, ledger };
  }

  /** Connections that nobody has asked the end of. */
  get unasked(): number {
    return this.#seen.size;
  }

  /** Lets nobody new in, and waits for the end of those that are open. */
  async drain(): Promise<readonly DrainedConnection[]> {
    const reports: DrainedConnection[] = [];
    this.#drained.subscribe((report) => reports.push(report));
    this.#stop.next();
    await lastValueFrom(this.#over, { defaultValue: undefined });
    await lastValueFrom(this.#drained, { defaultValue: undefined });
    return reports;
  }

  /** At once, whatever is open. */
  stop(): void {
    this.#serving.unsubscribe();
  }

  #appeared(remote: string): Seen {
    const seen: Seen = { accepted: this.generation, connected: 0, generation: 0, ledger: new AsyncSubject() };
    if (this.#seen.has(remote)) this.faults.push(`${remote} came twice`);
    this.#seen.set(remote, seen);
    return seen;
  }

  #echo(connection: TlsConnection): ReturnType<TlsConnection['writeFrom']> {
    const seen = this.#seen.get(connection.info.remote ?? '');
    if (seen !== undefined) {
      seen.connected = this.generation;
      seen.generation = connection.negotiated.generation ?? 0;
    }
    return connection.writeFrom(connection.source);
  }
}
