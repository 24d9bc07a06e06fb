// A variant at work, in the child process.
import { firstByte } from './tasks/first-byte.ts';
import type { Pair, Variant } from './variants/variant.ts';

export class Bench {
  readonly #variant: Variant;
  #standing: Promise<Pair> | undefined;
  #hasSession = false;

  constructor(variant: Variant) {
    this.#variant = variant;
  }

  /** One connection that bulk and messages share. */
  standing(): Promise<Pair> {
    this.#standing ??= this.#variant.open(false);
    return this.#standing;
  }

  /** @throws when the handshake was not the one meant */
  async open(resume: boolean): Promise<Pair> {
    const pair = await this.#variant.open(resume);
    if (pair.resumed === resume) return pair;
    throw new Error(resume ? 'the session was not resumed' : 'a session was resumed where none was to be');
  }

  /** Sees to it that connections can be resumed, up to `count` of them; gives how many. Not part of the work. */
  async obtainSessions(count: number): Promise<number> {
    const { sessionsPerConnection } = this.#variant;
    if (sessionsPerConnection === undefined && this.#hasSession) return count;
    this.#hasSession = true;
    await this.#openAndClose();
    return sessionsPerConnection ?? count;
  }

  async #openAndClose(): Promise<void> {
    const pair = await this.#variant.open(true);
    await firstByte(pair);
    await pair.close();
  }
}
