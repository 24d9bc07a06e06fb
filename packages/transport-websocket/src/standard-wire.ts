import type { SchedulerLike, Subscription } from 'rxjs';
import type { WebSocketLike } from './web-socket-like.ts';
import type { Wire, WireOwner } from './wire.ts';

/** Milliseconds between two looks at `bufferedAmount`: the first while it falls, twice as long each time it does not. */
const looks = { soonest: 1, latest: 64 } as const;

const isOpen = 1;

/**
 * A WebSocket as the WHATWG standard has it. It pushes and cannot be paused. What has left is `bufferedAmount`, which falls
 * without an event: it is looked at, while it is above zero, and when a message comes. It can only be closed, not cut, and
 * gives no message that comes after `close` was called; so that call waits until everything has left.
 */
export class StandardWire implements Wire {
  owner: WireOwner;
  mayHaveDropped = false;
  readonly #socket: WebSocketLike;
  readonly #scheduler: SchedulerLike;
  /** Bytes given to the WebSocket, and those of them that have left. */
  #given = 0;
  #taken = 0;
  /** Bytes that came when the other side had begun to close: the WebSocket would throw them away. */
  #late = 0;
  #look: Subscription | undefined;
  #wait: number = looks.soonest;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  /** Nobody asks any more what has left. */
  #isOver = false;

  constructor(socket: WebSocketLike, scheduler: SchedulerLike, owner: WireOwner) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.owner = owner;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.owner.opened());
    socket.addEventListener('message', ({ data }) => this.#received(data));
    socket.addEventListener('error', (event) => this.owner.failed(event));
    socket.addEventListener('close', ({ code, reason, wasClean }) => this.#closed(code, reason, wasClean));
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.readyState !== isOpen) {
      this.#late += bytes.length;
      return;
    }
    this.#given += bytes.length;
    this.#socket.send(unshared(bytes));
    this.#lookLater(looks.soonest);
  }

  pause(): void {} // the standard has no such thing; the duplex bounds what waits
  resume(): void {}

  close(code: number, reason: string, hurried: boolean): void {
    this.#closing = { code, reason };
    this.#measure(hurried);
    if (hurried) this.#stopLooking();
  }

  cut(code: number, reason: string): void {
    this.close(code, reason, true);
  }

  #received(data: unknown): void {
    if (data instanceof ArrayBuffer) this.owner.message(new Uint8Array(data));
    else this.owner.text();
    if (this.#look) this.#measure(false);
  }

  #lookLater(wait: number): void {
    if (this.#look || this.#isOver) return;
    this.#wait = wait;
    this.#look = this.#scheduler.schedule(this.#looked, wait);
  }

  readonly #looked = (): void => {
    this.#look = undefined;
    const before = this.#taken;
    this.#measure(false);
    if (this.#taken >= this.#given) return;
    this.#lookLater(this.#taken > before ? looks.soonest : Math.min(this.#wait * 2, looks.latest));
  };

  #measure(hurried: boolean): void {
    this.#leave(this.#given - this.#socket.bufferedAmount);
    if (!this.#closing || (this.#taken < this.#given && !hurried)) return;
    const { code, reason } = this.#closing;
    this.#closing = undefined;
    if (this.#socket.readyState === isOpen) this.mayHaveDropped = true;
    this.#socket.close(code, reason);
  }

  #stopLooking(): void {
    this.#isOver = true;
    this.#look?.unsubscribe();
    this.#look = undefined;
  }

  /** Some count frame headers among what is buffered: the total then comes when nothing is. */
  #leave(total: number): void {
    if (total <= this.#taken) return;
    this.#taken = total;
    this.owner.taken(total);
  }

  #closed(code: number, reason: string, wasClean: boolean): void {
    this.#stopLooking();
    // A clean close comes behind everything that was buffered, although the count may be of a moment before.
    this.#leave(wasClean ? this.#given : this.#given - this.#socket.bufferedAmount);
    this.owner.closed({ code, reason, unsent: this.#given - this.#taken + this.#late });
  }
}

/** Memory that is shared between threads is no WebSocket's to send. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
