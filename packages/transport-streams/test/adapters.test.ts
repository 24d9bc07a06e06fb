// What is particular to each adapter: options, lifetimes, peers that break the protocol, bounds.
import { once } from 'node:events';
import { createServer, connect as dial } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ByteDuplex } from '@rxtls/core';
import { fromDataChannel, fromMessagePort, fromWebStreams } from '@rxtls/transport-streams';
import { fromNodeDuplex } from '@rxtls/transport-streams/node';
import t from 'tap';
import { held, pattern, pour, settled, sleep, until } from './ends.ts';
import {
  channelEnds,
  duplexEnds,
  duplexPair,
  type Ends,
  FakeDataChannel,
  portEnds,
  webEnds,
  webPairs,
} from './pairs.ts';

const misuse = { name: 'ApiMisuseError' };

/** Reads everything from now on. */
function reading({ source }: ByteDuplex) {
  const log = { bytes: [] as number[], ended: 'no', error: undefined as any };
  source.request(Number.POSITIVE_INFINITY);
  source.bytes.subscribe({
    next: (bytes) => log.bytes.push(...bytes),
    complete: () => (log.ended = 'complete'),
    error: (error: unknown) => Object.assign(log, { ended: 'error', error }),
  });
  return log;
}

t.test('wrong arguments are ApiMisuseError where the function is called', async (t) => {
  const [pair] = webPairs();
  const { port1 } = new MessageChannel();
  t.teardown(() => port1.close());
  const [channel] = FakeDataChannel.pair();
  const calls: [() => unknown, RegExp][] = [
    [() => fromWebStreams({ readable: pair.readable } as any), /WritableStream.*getWriter/],
    [() => fromWebStreams(undefined as any), /ReadableStream/],
    [() => fromWebStreams(pair, { writeHighWater: 0 }), /writeHighWater must be an integer/],
    [() => fromWebStreams(pair, { close: 1 } as any), /close must be a function/],
    [() => fromWebStreams(pair, { highWater: 1 } as any), /no option "highWater"/],
    [() => fromWebStreams(pair, { info: { remote: 1 } } as any), /info must be/],
    [() => fromMessagePort({} as any), /postMessage/],
    [() => fromMessagePort({ postMessage: () => {} } as any), /neither on\(\) nor addEventListener/],
    [() => fromMessagePort(port1, { window: 1.5 }), /window must be/],
    [() => fromMessagePort(port1, { connectTimeout: -1 }), /connectTimeout must be/],
    [() => fromDataChannel({ send: 1 } as any), /RTCDataChannel/],
    [() => fromDataChannel(Object.assign(channel, { ordered: false })), /ordered and reliable/],
    [() => fromNodeDuplex({} as any), /stream.Duplex/],
    [() => fromNodeDuplex(new PassThrough({ objectMode: true })), /objectMode/],
    [() => fromNodeDuplex(new PassThrough({ encoding: 'utf8' })), /setEncoding/],
  ];
  for (const [call, message] of calls) t.throws(call, { ...misuse, message }, String(message));
});

t.test('what is used up says so, and a locked stream too', async (t) => {
  const [a] = webPairs();
  const once = fromWebStreams(a);
  held(t, once);
  t.match(held(t, once).log.error, { ...misuse, message: /defer/ });
  const [b] = webPairs();
  const locked = new TransformStream<Uint8Array, Uint8Array>();
  locked.writable.getWriter();
  t.match(held(t, fromWebStreams({ readable: b.readable, writable: locked.writable })).log.error, misuse);
  t.ok(b.readable instanceof ReadableStream && !b.readable.locked, 'the lock that was taken is given back');
});

const ways: Record<string, () => Ends> = {
  'WHATWG streams': webEnds,
  'a MessageChannel': portEnds,
  'a data channel (a fake)': channelEnds,
  'a Node Duplex': duplexEnds,
};

for (const [name, ends] of Object.entries(ways)) {
  t.test(`${name}: completes when both directions have ended, and not before`, async (t) => {
    const [a, b] = ends().map((end) => held(t, end)) as [any, any];
    const [x, y]: ByteDuplex[] = await Promise.all([a.value, b.value]);
    const [atX, atY] = [reading(x!), reading(y!)];
    x!.sink.write(Uint8Array.of(1, 2));
    x!.sink.end();
    await until(() => atY.ended === 'complete', 'the end at the other side');
    await sleep(20);
    t.equal(a.log.ended, 'no');
    y!.sink.write(Uint8Array.of(3));
    y!.sink.end();
    await until(() => a.log.ended !== 'no' && b.log.ended !== 'no', 'the end of both');
    t.same([a.log.ended, b.log.ended, atX.ended], ['complete', 'complete', 'complete']);
    t.same([atX.bytes, atY.bytes], [[3], [1, 2]]);
  });

  t.test(`${name}: both ended with nobody reading completes all the same`, async (t) => {
    const [a, b] = ends().map((end) => held(t, end)) as [any, any];
    const [x, y]: ByteDuplex[] = await Promise.all([a.value, b.value]);
    x!.sink.write(pattern(1_000));
    x!.sink.end();
    y!.sink.end();
    await until(() => a.log.ended !== 'no' && b.log.ended !== 'no', 'the end of both');
    t.same([a.log.ended, b.log.ended], ['complete', 'complete']);
  });

  t.test(`${name}: unsubscribing before end() is a cut for the other side, whose observable errors`, async (t) => {
    const [a, b] = ends().map((end) => held(t, end)) as [any, any];
    const [, y]: ByteDuplex[] = await Promise.all([a.value, b.value]);
    const atY = reading(y!);
    a.subscription.unsubscribe();
    await until(() => b.log.ended !== 'no', 'the cut');
    t.equal(b.log.ended, 'error');
    t.match(b.log.error, { name: 'AbortedError', retryable: true });
    t.equal(atY.ended, 'error');
  });

  t.test(`${name}: unsubscribing after end() lets what was written arrive`, async (t) => {
    const [a, b] = ends().map((end) => held(t, end)) as [any, any];
    const [x, y]: ByteDuplex[] = await Promise.all([a.value, b.value]);
    x!.sink.write(pattern(50_000));
    x!.sink.end();
    a.subscription.unsubscribe();
    const atY = reading(y!);
    await until(() => atY.ended !== 'no', 'the end');
    t.equal(atY.ended, 'complete');
    t.equal(atY.bytes.length, 50_000);
  });

  t.test(
    `${name}: a fast writer and a reader that stops: what is on its way stays within the watermarks, both ways`,
    async (t) => {
      const both: any[] = ends().map((end) => held(t, end));
      const [x, y]: ByteDuplex[] = await Promise.all(both.map(({ value }) => value));
      for (const [from, to] of [
        [x!, y!],
        [y!, x!],
      ] as const) {
        let read = 0;
        const producer = pour(from.sink);
        to.source.request(1);
        const slow = to.source.bytes.subscribe({ next: (bytes) => (read += bytes.length), error: () => undefined });
        const stopped = await settled(producer.written);
        const water = 256 * 1024 + 4 * 64 * 1024; // the high-water mark, and a chunk in each queue on the way
        t.ok(stopped - read <= water, `${stopped - read} bytes on their way, at most ${water}`);
        to.source.request(4 * 1024 * 1024);
        await until(() => read >= 4 * 1024 * 1024, 'it goes on when there is credit');
        t.ok((await settled(producer.written)) - read <= water, 'and stops again');
        producer.stop();
        slow.unsubscribe();
      }
    },
  );

  t.test(`${name}: a peer that neither reads nor ends is given up after lingerTimeout`, async (t) => {
    const [first, second] =
      ways[name] === webEnds ? lingering.web() : name.startsWith('a Node') ? lingering.node() : ends();
    const [a, b] = [held(t, first), held(t, second)];
    const [x] = await Promise.all([a.value, b.value]);
    x.sink.write(pattern(2 * 1024 * 1024));
    x.sink.end();
    if (name.includes('hannel')) return; // the window is the other end's: its own test is below
    await until(() => a.log.ended !== 'no', 'it is given up');
    t.match(a.log.error, { name: 'AbortedError', message: /not taken within 100 ms/, retryable: true });
  });
}

const lingering = {
  web: (): Ends => {
    const [a, b] = webPairs();
    return [fromWebStreams(a, { lingerTimeout: 100 }), fromWebStreams(b)];
  },
  node: (): Ends => {
    const [a, b] = duplexPair();
    return [fromNodeDuplex(a, { lingerTimeout: 100 }), fromNodeDuplex(b)];
  },
};

t.test('messages: past the window bytes wait here, and are given up after lingerTimeout', async (t) => {
  const { port1, port2 } = new MessageChannel();
  const [a, b] = [held(t, fromMessagePort(port1, { lingerTimeout: 100 })), held(t, fromMessagePort(port2))];
  const [x] = await Promise.all([a.value, b.value]);
  x.sink.write(pattern(2 * 1024 * 1024));
  x.sink.end();
  await until(() => a.log.ended !== 'no', 'it is given up');
  t.match(a.log.error, { name: 'AbortedError', message: /not taken within 100 ms/ });
  await until(() => b.log.ended !== 'no', 'and the other end hears of it');
  t.match(b.log.error, { name: 'AbortedError' });
});

t.test(
  'WHATWG streams: chunks are read only with credit, one at a time; locks are given back and close is called',
  async (t) => {
    let pulls = 0;
    let closes = 0;
    const readable = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls++;
          if (pulls > 3) controller.close();
          else controller.enqueue(Uint8Array.of(pulls));
        },
      },
      { highWaterMark: 0 },
    );
    const writable = new WritableStream<Uint8Array>();
    const pair = held(t, fromWebStreams({ readable, writable }, { close: () => closes++ }));
    const { source, sink } = await pair.value;
    const seen: number[] = [];
    source.bytes.subscribe((bytes) => seen.push(...bytes));
    await sleep(10);
    t.equal(pulls, 0, 'no credit, no pull');
    source.request(1);
    await sleep(10);
    t.same([pulls, seen], [1, [1]]);
    source.request(10);
    sink.end();
    await until(() => pair.log.ended === 'complete', 'the end');
    t.same(seen, [1, 2, 3]);
    await until(() => closes === 1, 'close');
    t.notOk(readable.locked || writable.locked, 'no lock is left');
  },
);

t.test('WHATWG streams: a readable of text is an ApiMisuseError on the stream', async (t) => {
  const readable = new ReadableStream({ start: (controller) => controller.enqueue('text') });
  const pair = held(t, fromWebStreams({ readable, writable: new WritableStream() }));
  const log = reading(await pair.value);
  await until(() => log.ended !== 'no', 'the failure');
  t.match(log.error, { ...misuse, message: /TextEncoderStream/ });
});

t.test('WHATWG streams: a writable that fails leaves what was sent to be read', async (t) => {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) });
  const writable = new WritableStream<Uint8Array>({ write: () => Promise.reject(new Error('refused')) });
  const pair = held(t, fromWebStreams({ readable, writable }));
  const duplex = await pair.value;
  const log = reading(duplex);
  let failure: unknown;
  duplex.sink.demand.subscribe({ error: (error: unknown) => (failure = error) });
  duplex.sink.write(Uint8Array.of(1));
  await until(() => failure !== undefined, 'the failure of the sink');
  t.match(failure, { name: 'AbortedError', message: /refused/ });
  controller.enqueue(Uint8Array.of(7));
  controller.close();
  await until(() => pair.log.ended !== 'no', 'the end');
  t.same([log.bytes, log.ended, pair.log.error], [[7], 'complete', failure]);
});

/** What a peer that breaks the protocol may do after its greeting. */
const breaches: Record<string, readonly unknown[]> = {
  'a third greeting': ['rxtls/1 ask 10', 'rxtls/1 answer 10'],
  'no word': ['hello'],
  'a word that never ends': ['end'.repeat(100_000)],
  'a window of 0': ['rxtls/1 ask 0'],
  'a window past 31 bits': ['rxtls/1 ask 4294967296'],
  'an object': [{ bytes: 3 }],
  null: [null],
  'shared memory': [new Uint8Array(new SharedArrayBuffer(4))],
  'no bytes': [new Uint8Array(0)],
  'more than the window': [new Uint8Array(600), new Uint8Array(600)],
  'credit for what was never sent': ['+1'],
  'bytes after its end': ['end', new Uint8Array(1)],
  'two ends': ['end', 'end'],
};

for (const [what, messages] of Object.entries(breaches))
  t.test(`messages: ${what} is PeerMisbehavedError, and the port is closed`, async (t) => {
    const { port1, port2 } = new MessageChannel();
    const heard: unknown[] = [];
    port2.on('message', (data: unknown) => heard.push(data));
    const ours = held(t, fromMessagePort(port1, { window: 1_000 }));
    port2.postMessage('rxtls/1 answer 100');
    const duplex = await ours.value;
    for (const message of messages) port2.postMessage(message);
    await until(() => ours.log.ended !== 'no', 'the failure');
    t.match(ours.log.error, { name: 'PeerMisbehavedError' });
    t.ok(ours.log.error.message.length < 120, ours.log.error.message);
    const log = reading(duplex);
    t.ok(log.ended === 'complete' || log.error === ours.log.error, 'the reader hears the same, or had its end before');
    await until(() => heard.at(-1) === 'abort', 'the other end is told');
    t.equal(heard[0], 'rxtls/1 ask 1000');
  });

t.test('messages: before the greeting nothing else is heard', async (t) => {
  for (const message of [new Uint8Array(1), '+1', 'end']) {
    const { port1, port2 } = new MessageChannel();
    const ours = held(t, fromMessagePort(port1));
    port2.postMessage(message);
    await until(() => ours.log.ended !== 'no', 'the failure');
    t.match(ours.log.error, { name: 'PeerMisbehavedError' });
    port2.close();
  }
});

t.test(
  'messages: an end that is not there is AbortedError after connectTimeout; one that leaves or aborts, at once',
  async (t) => {
    const alone = new MessageChannel();
    const waiting = held(t, fromMessagePort(alone.port1, { connectTimeout: 30 }));
    await t.rejects(waiting.value, { name: 'AbortedError', phase: 'setup', retryable: true, message: /within 30 ms/ });
    const closing = new MessageChannel();
    const left = held(t, fromMessagePort(closing.port1));
    closing.port2.close();
    await t.rejects(left.value, { name: 'AbortedError', message: /closed by the other side/ });
    const both = new MessageChannel();
    const [a, b] = [held(t, fromMessagePort(both.port1)), held(t, fromMessagePort(both.port2))];
    await Promise.all([a.value, b.value]);
    both.port2.close();
    await until(() => a.log.ended !== 'no' && b.log.ended !== 'no', 'both hear of it');
    t.match(a.log.error, { name: 'AbortedError', retryable: true });
  },
);

t.test('messages: a greeting that was lost, since the other end listened later, is asked for again', async (t) => {
  // A worker of the DOM that is slow to listen loses what came before; so does this port, which begins with it lost.
  const late = Object.assign(new EventTarget(), { postMessage: (data: unknown) => void toEarly(data) });
  const early = Object.assign(new EventTarget(), { postMessage: (data: unknown) => void toLate(data) });
  const toEarly = (data: unknown) => setImmediate(() => early.dispatchEvent(new MessageEvent('message', { data })));
  const toLate = (data: unknown) => setImmediate(() => late.dispatchEvent(new MessageEvent('message', { data })));
  const first = held(t, fromMessagePort(early));
  await sleep(10);
  const second = held(t, fromMessagePort(late));
  const [x, y] = await Promise.all([first.value, second.value]);
  const log = reading(y);
  x.sink.write(Uint8Array.of(5));
  await until(() => log.bytes.length > 0, 'bytes');
});

t.test('messages: whole arrays are transferred, views of larger memory and what cannot be are copied', async (t) => {
  const [a, b] = portEnds().map((end) => held(t, end)) as [any, any];
  const [x, y]: ByteDuplex[] = await Promise.all([a.value, b.value]);
  const log = reading(y!);
  const whole = Uint8Array.of(1, 2, 3);
  const larger = Uint8Array.of(9, 4, 5, 9);
  const wasm = new Uint8Array(new (globalThis as any).WebAssembly.Memory({ initial: 1 }).buffer);
  wasm[0] = 6;
  x!.sink.write(whole);
  x!.sink.write(larger.subarray(1, 3));
  x!.sink.write(wasm);
  await until(() => log.bytes.length === 5 + wasm.length, 'all bytes');
  t.same(log.bytes.slice(0, 6), [1, 2, 3, 4, 5, 6]);
  t.equal(whole.buffer.byteLength, 0, 'handed over');
  t.same([...larger], [9, 4, 5, 9], 'not touched');
  t.equal(wasm.length, 65_536);
});

t.test('a data channel: messages of 16 KiB, and bufferedAmount stays at its mark', async (t) => {
  const [one, other] = FakeDataChannel.pair();
  const options = { sendHighWater: 64 * 1024, window: 1024 * 1024 };
  const [a, b] = [held(t, fromDataChannel(one, options)), held(t, fromDataChannel(other, options))];
  const [x, y] = await Promise.all([a.value, b.value]);
  const log = reading(y);
  const sent = pattern(500_000);
  x.sink.write(sent);
  await until(() => log.bytes.length === sent.length, 'all bytes');
  t.ok(Buffer.from(log.bytes).equals(sent));
  t.equal(one.largest, 16 * 1024);
  t.ok(one.mostBuffered <= 64 * 1024 + 16 * 1024 + 32, `${one.mostBuffered} bytes were buffered`);
  t.equal(one.binaryType, 'arraybuffer');
});

t.test('a data channel that opens later, and one that was closed', async (t) => {
  const [one, other] = FakeDataChannel.pair();
  one.readyState = 'connecting';
  const a = held(t, fromDataChannel(one));
  const b = held(t, fromDataChannel(other));
  await sleep(10);
  one.open();
  await Promise.all([a.value, b.value]);
  one.close();
  await until(() => a.log.ended !== 'no' && b.log.ended !== 'no', 'both hear of it');
  t.match(b.log.error, { name: 'AbortedError', message: /closed by the other side/, retryable: true });
  await t.rejects(held(t, fromDataChannel(one)).value, { name: 'AbortedError' });
});

t.test('a net.Socket is emitted when it has connected; one that cannot connect errors before that', async (t) => {
  const server = createServer((socket) => socket.end('hi'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const good = held(t, fromNodeDuplex(dial(port, '127.0.0.1')));
  const duplex = await good.value;
  t.equal(duplex.info.remote, `127.0.0.1:${port}`);
  const log = reading(duplex);
  await until(() => log.ended === 'complete', 'its end');
  duplex.sink.end();
  await until(() => good.log.ended === 'complete', 'the end of both');
  server.close();
  await once(server, 'close');
  const bad = held(t, fromNodeDuplex(dial(port, '127.0.0.1')));
  await t.rejects(bad.value, { name: 'AbortedError', message: /cannot connect/, retryable: true });
  const gone = dial(port, '127.0.0.1');
  held(t, fromNodeDuplex(gone)).subscription.unsubscribe();
  t.ok(gone.destroyed, 'unsubscribing destroys it');
  const ended = new PassThrough().destroy();
  await t.rejects(held(t, fromNodeDuplex(ended)).value, { name: 'AbortedError', message: /ended already/ });
});

t.test('a Node stream that fails is an AbortedError with its error as the cause', async (t) => {
  const [one, other] = duplexPair();
  other.on('error', () => undefined); // it is cut with it
  const ours = held(t, fromNodeDuplex(one, { info: { remote: 'there' } }));
  const log = reading(await ours.value);
  const cause = new Error('broken\npipe');
  one.destroy(cause);
  await until(() => ours.log.ended !== 'no', 'the failure');
  t.match(ours.log.error, { name: 'AbortedError', message: 'stream to there: broken pipe', retryable: true });
  t.equal(ours.log.error.cause, cause);
  t.equal(log.error, ours.log.error);
});
