/** First in, first out, without moving what waits: the head is an index, and the array is cut when it is mostly behind us. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#head === 0) this.#makeRoomInFront();
    this.#items[--this.#head] = item;
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  /** In proportion to what waits, so that many `unshift` cost no more than as many `push`; less than what `shift` cuts off. */
  #makeRoomInFront(): void {
    const room = (this.#items.length >> 2) + 1;
    this.#items = Array<T | undefined>(room).fill(undefined).concat(this.#items);
    this.#head = room;
  }
}
