// A WebSocket of the standard that does what it is told, in virtual time: what no real one can be made to do on demand.
import type { TlsError } from '@rxtls/core';
import { connectWebSocket, type WebSocketByteDuplex, type WebSocketOptions } from '@rxtls/transport-websocket';
import { VirtualTimeScheduler } from 'rxjs';
import t from 'tap';
import { watched } from './ends.ts';

type Listener = (event: never) => void;

class ScriptedWebSocket {
  binaryType = 'blob';
  readyState = 0;
  protocol = '';
  looks = 0;
  readonly sent: Uint8Array[] = [];
  readonly closes: unknown[] = [];
  readonly input: readonly unknown[];
  refusesToSend = false;
  buffered = 0;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(...input: unknown[]) {
    this.input = input;
  }

  get bufferedAmount(): number {
    this.looks++;
    return this.buffered;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  emit(type: string, event: object = {}): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  send(data: Uint8Array): void {
    if (this.refusesToSend) throw new TypeError('not this');
    this.sent.push(data);
    this.buffered += data.length;
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
    this.readyState = 2;
  }

  /** The end, as the standard tells of it. */
  ends(code: number, wasClean: boolean): void {
    this.readyState = 3;
    this.emit('close', { code, reason: '', wasClean });
  }
}

/** A connection that has just been opened. */
function connection(options: WebSocketOptions = {}) {
  const scheduler = new VirtualTimeScheduler();
  const made: ScriptedWebSocket[] = [];
  class Scripted extends ScriptedWebSocket {
    constructor(...input: unknown[]) {
      super(...input);
      made.push(this);
    }
  }
  const events: string[] = [];
  const seen: { error?: TlsError; duplex?: WebSocketByteDuplex } = {};
  const url = 'ws://scripted.example/';
  const subscription = connectWebSocket({ url, WebSocket: Scripted, scheduler, ...options }).subscribe({
    next: (duplex) => {
      seen.duplex = duplex;
    },
    error: (error: TlsError) => {
      events.push('error');
      seen.error = error;
    },
    complete: () => events.push('complete'),
  });
  const socket = made[0]!;
  const open = (): WebSocketByteDuplex => {
    socket.readyState = 1;
    socket.emit('open');
    return seen.duplex!;
  };
  /** Lets the clock run to this millisecond. */
  const at = (frame: number): void => {
    scheduler.maxFrames = frame;
    scheduler.flush();
  };
  return { socket, open, at, events, seen, subscription, scheduler };
}

t.test(
  'the constructor gets the URL, the subprotocols, and what ws takes; messages are asked for as arrays',
  async (t) => {
    const { socket } = connection();
    t.same(socket.input.slice(0, 2), ['ws://scripted.example/', []]);
    t.match(socket.input[2], { perMessageDeflate: false, maxPayload: 1_048_576 });
    t.equal(socket.binaryType, 'arraybuffer');
  },
);

t.test(
  'bufferedAmount is looked at while something waits, ever less often while it does not fall, and then no more',
  async (t) => {
    const { socket, open, at, scheduler } = connection();
    const { sink } = open();
    const taken: number[] = [];
    const demand: number[] = [];
    sink.taken.subscribe((value) => taken.push(value));
    sink.demand.subscribe({ next: (value) => demand.push(value), error: () => undefined });
    t.equal(scheduler.actions.length, 0, 'nothing runs on an idle connection');
    sink.write(new Uint8Array(1_000));
    sink.write(new Uint8Array(1_000));
    t.same(demand.slice(-2), [262_144 - 1_000, 262_144 - 2_000]);
    t.equal(socket.looks, 0, 'not inside the call: the standard does not let it fall there');
    at(1_000);
    t.ok(socket.looks >= 10 && socket.looks <= 25, `${socket.looks} looks in a second without progress`);
    t.same(taken, [0]);
    const before = socket.looks;
    socket.buffered = 500;
    at(1_064);
    t.same(taken, [0, 1_500], 'seen within 64 ms');
    t.ok(socket.looks - before >= 4, 'progress makes the next looks come soon');
    socket.buffered = 0;
    at(2_000);
    t.same(taken, [0, 1_500, 2_000]);
    t.equal(demand.at(-1), 262_144);
    t.equal(scheduler.actions.length, 0, 'and nothing runs any more');
  },
);

t.test('a message that comes is an occasion to look', async (t) => {
  const { socket, open } = connection();
  const duplex = open();
  const log = watched(duplex);
  duplex.sink.write(new Uint8Array(10));
  socket.buffered = 0;
  socket.emit('message', { data: Uint8Array.of(1, 2).buffer });
  t.equal(log.total, 2);
  t.equal(log.taken, 10);
});

t.test('end closes when everything has left, and what comes until then is read', async (t) => {
  const { socket, open, at, events } = connection();
  const duplex = open();
  const log = watched(duplex);
  duplex.sink.write(new Uint8Array(10));
  duplex.sink.end();
  at(500);
  t.same(socket.closes, []);
  socket.emit('message', { data: new ArrayBuffer(3) });
  socket.buffered = 0;
  at(600);
  t.same(socket.closes, [[1000, '']]);
  t.same(log.ends.sort(), ['demand complete', 'taken complete']);
  t.equal(log.total, 3);
  socket.ends(1000, true);
  t.same(events, ['complete']);
  t.match(log.errors[0]?.message, /what the other side sent after end\(\) was not given by this WebSocket/);
  t.match(log.errors[0], { name: 'AbortedError', phase: 'closing', retryable: false });
});

t.test('a peer that closes while our end waits has had its last word read', async (t) => {
  const { socket, open, at, events, seen } = connection();
  const duplex = open();
  const log = watched(duplex);
  duplex.sink.write(new Uint8Array(10));
  duplex.sink.end();
  at(10);
  socket.ends(1000, true);
  t.same(events, ['complete'], 'a clean close comes behind everything that was sent');
  t.same(log.ends.sort(), ['bytes complete', 'demand complete', 'taken complete']);
  t.equal(log.taken, 10);
  t.same(socket.closes, []);
  t.equal(seen.error, undefined);
});

t.test('what had not left when the other side closed is lost, and says so', async (t) => {
  const { socket, open, events, seen } = connection();
  const duplex = open();
  const log = watched(duplex);
  duplex.sink.write(new Uint8Array(10));
  socket.buffered = 4;
  socket.ends(1000, false);
  t.same(events, ['error']);
  t.match(seen.error?.message, /before 4 bytes that were written had left/);
  t.equal(log.taken, 6);
  t.same(log.ends.sort(), ['bytes complete', 'demand error', 'taken complete']);
});

t.test('a reader that ends as the bytes complete hides no loss', async (t) => {
  const { socket, open } = connection();
  const { source, sink } = open();
  const log: string[] = [];
  sink.demand.subscribe({ error: ({ name }: Error) => log.push(`demand ${name}`), complete: () => log.push('demand') });
  source.bytes.subscribe({
    complete: () => {
      log.push('bytes');
      sink.end();
    },
  });
  sink.write(new Uint8Array(10));
  socket.ends(1000, false);
  t.same(log, ['bytes', 'demand AbortedError']);
});

t.test('the other side has closed: end is clean, abort is an error, a write with no bytes is nothing', async (t) => {
  const [ended, aborted] = [connection(), connection()].map((each) => {
    const log = watched(each.open());
    each.socket.ends(1000, true);
    return { ...each, log };
  });
  ended!.seen.duplex!.sink.write(new Uint8Array(0));
  t.same(ended!.log.ends, ['bytes complete']);
  ended!.seen.duplex!.sink.end();
  t.same(ended!.log.ends, ['bytes complete', 'demand complete', 'taken complete']);
  aborted!.seen.duplex!.sink.abort();
  t.same(aborted!.log.ends, ['bytes complete', 'demand error', 'taken complete']);
  for (const { events, socket } of [ended!, aborted!]) {
    t.same(events, ['complete']);
    t.same(socket.closes, []);
  }
});

t.test('what is written while the other side closes is not given to a WebSocket that would drop it', async (t) => {
  const { socket, open, events, seen } = connection();
  const duplex = open();
  watched(duplex);
  socket.readyState = 2;
  duplex.sink.write(new Uint8Array(7));
  t.same(socket.sent, []);
  socket.ends(1000, true);
  t.same(events, ['error']);
  t.match(seen.error?.message, /before 7 bytes that were written had left/);
});

t.test('abort after end lets the last word go first, abort alone closes with 4000', async (t) => {
  const first = connection();
  const one = first.open();
  one.sink.write(new Uint8Array(10));
  one.sink.end();
  one.sink.abort();
  t.same(first.socket.closes, [[1000, '']]);
  t.same(first.events, ['error']);
  const second = connection();
  const two = second.open();
  two.sink.write(new Uint8Array(10));
  two.sink.abort();
  t.same(second.socket.closes, [[4000, 'aborted']]);
  second.socket.ends(4000, true);
  t.same(second.events, ['error'], 'told once');
});

t.test('bytes that do not leave after end are told of after lingerTimeout, in the time of the scheduler', async (t) => {
  const { open, at, events, seen, scheduler } = connection({ lingerTimeout: 1_000 });
  const { sink } = open();
  sink.demand.subscribe({ error: () => undefined });
  sink.write(new Uint8Array(10));
  sink.end();
  at(999);
  t.same(events, []);
  at(1_000);
  t.same(events, ['error']);
  t.match(seen.error?.message, /10 bytes written before end\(\) have not left within 1000 ms/);
  at(10_000);
  t.equal(scheduler.actions.length, 0, 'no timer is left');
});

t.test('an array on shared memory is copied, any other is not', async (t) => {
  const { socket, open } = connection();
  const { sink } = open();
  const [shared, own] = [new Uint8Array(new SharedArrayBuffer(4)).fill(7), Uint8Array.of(1)];
  sink.write(shared);
  sink.write(own);
  t.ok(socket.sent[0]?.buffer instanceof ArrayBuffer);
  t.same([...socket.sent[0]!], [7, 7, 7, 7]);
  t.equal(socket.sent[1], own);
});

t.test('a send that throws is an error of the streams, not of write', async (t) => {
  const { socket, open, events, seen } = connection();
  const duplex = open();
  const log = watched(duplex);
  socket.refusesToSend = true;
  duplex.sink.write(new Uint8Array(1));
  t.same(events, ['error']);
  t.match(seen.error, { name: 'AbortedError', cause: { message: 'not this' } });
  t.same(log.ends.sort(), ['bytes error', 'demand error', 'taken complete']);
});

t.test('what is no array of bytes is no bytes', async (t) => {
  for (const data of ['text', { size: 3 }, null]) {
    const { socket, open, seen } = connection();
    watched(open());
    socket.emit('message', { data });
    t.match(seen.error, { name: 'PeerMisbehavedError' });
    t.same(socket.closes, [[4003, 'only binary messages are read']]);
  }
});

t.test('a browser says nothing of why it could not connect', async (t) => {
  const { socket, events, seen } = connection();
  socket.emit('error', { type: 'error' });
  socket.ends(1006, false);
  t.same(events, ['error']);
  t.equal(
    seen.error?.message,
    'cannot connect to ws://scripted.example: refused, unreachable or not a WebSocket (the WebSocket says no more)',
  );
});

t.test('unsubscribing while it connects closes it, and nothing is told', async (t) => {
  const { socket, subscription, events, seen, scheduler } = connection();
  subscription.unsubscribe();
  t.equal(socket.closes.length, 1);
  socket.emit('open');
  socket.ends(1006, false);
  t.same(events, []);
  t.equal(seen.duplex, undefined);
  t.equal(scheduler.actions.length, 0);
});
