/** Counts the objects it was shown that have not been collected, and keeps none of them. */
export class Alive {
  readonly #counts = new Map<string, number>();
  readonly #registry = new FinalizationRegistry<string>((kind) => this.#add(kind, -1));

  track<T extends object>(kind: string, object: T): T {
    this.#add(kind, 1);
    this.#registry.register(object, kind);
    return object;
  }

  /** As of the last collection whose finalizers have run. */
  count(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  #add(kind: string, by: number): void {
    this.#counts.set(kind, this.count(kind) + by);
  }
}
