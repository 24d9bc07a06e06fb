/** An emptied array of this many slots is kept for what comes next; a larger one was for a crowd that has gone. */
export const keptSlots = 64;

/** First in, first out, without moving what waits: the head is an index, and the array is cut when it is mostly behind us. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #tail = 0;

  get size(): number {
    return this.#tail - this.#head;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items[this.#tail++] = item;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#head === 0) this.#makeRoomInFront();
    this.#items[--this.#head] = item;
  }

  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#tail) this.#restart();
    else if (this.#head >= 64 && this.#head * 2 >= this.#tail) this.#cut();
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#tail = 0;
  }

  /** Not by `length = 0`, which gives up the slots that the next item needs. */
  #restart(): void {
    if (this.#tail > keptSlots) this.#items = [];
    this.#head = 0;
    this.#tail = 0;
  }

  #cut(): void {
    this.#items.splice(0, this.#head);
    this.#tail -= this.#head;
    this.#head = 0;
  }

  /** In proportion to what waits, so that many `unshift` cost no more than as many `push`; less than what `shift` cuts off. */
  #makeRoomInFront(): void {
    const room = (this.#tail >> 2) + 1;
    this.#items = Array<T | undefined>(room).fill(undefined).concat(this.#items.slice(0, this.#tail));
    this.#head = room;
    this.#tail += room;
  }
}
