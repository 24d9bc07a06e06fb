// The small parts of core, each alone.
import { CreditSource, Fifo, Level } from '@rxtls/core';
import { AbortedError, alertForError, ApiMisuseError, CertificateError, defaultLimits } from '@rxtls/core/engine';
import t from 'tap';
import { Admission } from '../src/admission.ts';
import { FlushMarks } from '../src/flush-marks.ts';
import { Replayed } from '../src/replayed.ts';
import { runUserFunction } from '../src/run-user-function.ts';
import {
  hasPeerClosed,
  maySendActions,
  mayWrite,
  nextState,
  phaseOf,
  type SessionEvent,
  type SessionState,
  sessionTable,
} from '../src/session-state.ts';
import { WriteIntent } from '../src/write-intent.ts';
import { WriteQueue } from '../src/write-queue.ts';
import { EMPTY, NEVER, of, throwError } from 'rxjs';
import { ascii, Clock, pattern, settled, text } from './bench.ts';

t.test('session-state: every cell of the table, and every empty one', async (t) => {
  const cells: Record<string, SessionState> = {
    'starting engineMade': 'handshaking',
    'handshaking negotiated': 'open',
    'open peerClosed': 'readClosed',
    'open closeQueued': 'closing',
    'closing closeSent': 'writeClosed',
    'closing peerClosed': 'lastClosing',
    'writeClosed peerClosed': 'closed',
    'readClosed closeQueued': 'lastClosing',
    'lastClosing closeSent': 'closed',
  };
  const states = Object.keys(sessionTable) as SessionState[];
  const events: SessionEvent[] = ['engineMade', 'negotiated', 'peerClosed', 'closeQueued', 'closeSent', 'failed'];
  t.equal(states.length, 9);
  for (const state of states)
    for (const event of events) {
      const expected = event === 'failed' ? 'failed' : (cells[`${state} ${event}`] ?? state);
      t.equal(nextState(state, event), expected, `${state} + ${event}`);
    }
  const allowed = (may: (state: SessionState) => boolean): string => states.filter(may).join(' ');
  t.equal(allowed(mayWrite), 'starting handshaking open readClosed');
  t.equal(allowed(maySendActions), 'open closing readClosed lastClosing');
  t.equal(allowed(hasPeerClosed), 'readClosed lastClosing closed');
  t.equal(states.map(phaseOf).join(' '), 'client-hello handshake open closing closing open closing closed closed');
});

t.test('write-queue: three cursors that move forward', async (t) => {
  const queue = new WriteQueue();
  const intents = [5, 0, 7].map((length, index) => {
    const intent = new WriteIntent(index + 1, 'data', length);
    intent.rest = length > 0 ? pattern(length) : undefined;
    queue.push(intent);
    return intent;
  });
  t.equal(queue.waiting, 3);
  t.equal(queue.waitingBytes, 12);
  queue.sent(3, false);
  t.equal(queue.waitingBytes, 9);
  t.equal(queue.toSend, intents[0]);
  intents[0]!.rest = pattern(2);
  queue.sent(2, true);
  t.equal(queue.toSend, intents[1]);
  t.equal(queue.toSeal, intents[0]);
  queue.sealed();
  queue.sent(0, true);
  queue.sealed();
  t.equal(queue.waiting, 2, 'an empty one holds memory until it is settled');
  queue.settled();
  queue.settled();
  t.equal(queue.waiting, 1);
  t.equal(queue.oldest, intents[2]);
  t.equal(queue.takeUnsent(), intents[2]);
  t.same(
    [queue.oldest, queue.toSeal, queue.toSend, queue.waiting, queue.waitingBytes],
    [undefined, undefined, undefined, 0, 0],
  );
  const late = new WriteIntent(9, 'close', 0);
  queue.push(late);
  t.equal(queue.oldest, late, 'and it goes on after it was emptied');
  t.equal(queue.takeAll(), late);
  t.equal(queue.takeUnsent(), undefined);
});

t.test('write-queue: the unsent are cut off behind what was sent', async (t) => {
  const queue = new WriteQueue();
  const [a, b, c] = [1, 2, 3].map((id) => {
    const intent = new WriteIntent(id, 'data', 1);
    intent.rest = pattern(1);
    queue.push(intent);
    return intent;
  });
  queue.sent(1, true);
  t.equal(queue.takeUnsent(), b);
  t.equal(b!.next, c);
  t.equal(a!.next, undefined);
  const d = new WriteIntent(4, 'close', 0);
  queue.push(d);
  t.equal(a!.next, d);
  t.equal(queue.toSend, d);
});

t.test('fifo: order holds through thousands of pushes, shifts and unshifts', async (t) => {
  const fifo = new Fifo<number>();
  const model: number[] = [];
  let seed = 7;
  const random = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % n;
  for (let step = 0; step < 20_000; step++) {
    const what = random(5);
    if (what < 2) {
      fifo.push(step);
      model.push(step);
    } else if (what === 2) {
      fifo.unshift(step);
      model.unshift(step);
    } else if (fifo.shift() !== model.shift()) t.fail(`step ${step}`);
    if (fifo.size !== model.length || fifo.peek() !== model[0]) t.fail(`size or peek at step ${step}`);
  }
  fifo.clear();
  t.equal(fifo.shift(), undefined);
  t.equal(fifo.size, 0);
});

t.test('flush-marks: plaintext is reported when its ciphertext is taken, once', async (t) => {
  const marks = new FlushMarks();
  marks.push(10, 3);
  marks.push(10, 2);
  marks.push(20, 5);
  t.equal(marks.take(9), 0);
  t.equal(marks.take(10), 5);
  t.equal(marks.take(10), 0);
  t.equal(marks.take(100), 5);
  let all = 0;
  for (let n = 1; n <= 5_000; n++) {
    marks.push(100 + n, 1);
    if (n % 3 === 0) all += marks.take(100 + n - 1);
  }
  t.equal(all + marks.take(1e9), 5_000);
});

t.test('level: replays, emits what differs, and never leaves a watcher with a stale value', async (t) => {
  const level = new Level(1);
  const seen: [number[], number[]] = [[], []];
  level.changes.subscribe((value) => {
    seen[0].push(value);
    if (value === 2) level.set(3);
  });
  level.changes.subscribe((value) => seen[1].push(value));
  level.set(1);
  level.set(2);
  t.same(seen, [
    [1, 2, 3],
    [1, 3],
  ]);
  level.complete();
  level.set(9);
  const late: unknown[] = [];
  level.changes.subscribe({ next: (value) => late.push(value), complete: () => late.push('|') });
  t.same(late, [3, '|']);
  const failed = new Level(5);
  const errors: unknown[] = [];
  failed.changes.subscribe({ error: (error) => errors.push(error) });
  failed.fail('gone');
  failed.fail('again');
  failed.complete();
  failed.changes.subscribe({ error: (error) => errors.push(error) });
  t.same(errors, ['gone', 'gone']);
});

t.test(
  'replayed: read only when somebody listens, distinct, free of glitches, the last one after the end',
  async (t) => {
    let value = 1;
    let reads = 0;
    const replayed = new Replayed(
      () => (reads++, value),
      (a, b) => a === b,
    );
    replayed.check();
    t.equal(reads, 0);
    const seen: [number[], (number | string)[]] = [[], []];
    const first = replayed.observable.subscribe((each) => {
      seen[0].push(each);
      if (each === 2) {
        value = 3;
        replayed.check();
      }
    });
    replayed.observable.subscribe({ next: (each) => seen[1].push(each), complete: () => seen[1].push('|') });
    replayed.check();
    value = 2;
    replayed.check();
    t.same(seen, [
      [1, 2, 3],
      [1, 3],
    ]);
    first.unsubscribe();
    value = 4;
    replayed.end();
    replayed.end();
    value = 5;
    replayed.check();
    t.same(seen[1], [1, 3, 4, '|']);
    const late: unknown[] = [];
    replayed.observable.subscribe({ next: (each) => late.push(each), complete: () => late.push('|') });
    t.same(late, [4, '|']);
  },
);

t.test('credit-source: emits while credit is left, overshoots by one chunk, and the debt stays', async (t) => {
  const source = new CreditSource();
  const seen: string[] = [];
  source.push(ascii('early'));
  source.bytes.subscribe({ next: (bytes) => seen.push(text(bytes)), complete: () => seen.push('|') });
  t.same(seen, []);
  source.request(1);
  t.same(seen, ['early']);
  source.push(ascii('x'));
  source.request(4);
  t.same(seen, ['early'], 'four are owed');
  source.request(1);
  t.same(seen, ['early', 'x']);
  source.unread(ascii('2'));
  source.unread(ascii('1'));
  source.complete();
  source.request(Number.POSITIVE_INFINITY);
  t.same(seen, ['early', 'x', '1', '2', '|']);
  source.unread(ascii('late'));
  source.bytes.subscribe({ next: (bytes) => seen.push(text(bytes)), complete: () => seen.push('|') });
  t.same(seen, ['early', 'x', '1', '2', '|', 'late', '|'], 'what is put back comes before the end, again');
  for (const bad of [-1, Number.NaN, '1', undefined]) t.throws(() => source.request(bad as number), ApiMisuseError);
});

t.test('credit-source: handlers may request, unsubscribe, hand over and end from inside', async (t) => {
  const source = new CreditSource();
  const seen: string[] = [];
  for (const letter of 'abcdef') source.push(ascii(letter));
  const first = source.bytes.subscribe((bytes) => {
    seen.push(text(bytes));
    if (seen.length < 3) source.request(1);
    else first.unsubscribe();
  });
  source.request(1);
  t.same(seen, ['a', 'b', 'c']);
  source.endless.subscribe({
    next(bytes) {
      seen.push(text(bytes));
      if (text(bytes) === 'e') source.fail(new AbortedError('cut'), true);
    },
    error: (error: Error) => seen.push(error.name),
  });
  t.same(seen, ['a', 'b', 'c', 'd', 'e', 'AbortedError']);
  t.ok(source.finished);
});

t.test('run-user-function: one value, and every other way is one typed error', async (t) => {
  const clock = new Clock();
  const run = async (what: () => unknown): Promise<string> => {
    const results: string[] = [];
    const subscription = runUserFunction<unknown>({
      name: 'verify',
      alert: 'certificate_unknown',
      milliseconds: 100,
      scheduler: clock,
      run: what,
      resolve: (value) => results.push(`value ${JSON.stringify(value)}`),
      reject: (error) => results.push(`${error.name} ${alertForError(error)}`),
    });
    await settled();
    clock.flush();
    t.ok(subscription.closed);
    t.equal(clock.pending, 0);
    t.equal(results.length, 1, String(what));
    return results[0]!;
  };
  t.equal(await run(() => 5), 'value 5');
  t.equal(await run(() => [1, 2]), 'value [1,2]', 'a list is a value');
  t.equal(await run(() => Promise.resolve(5)), 'value 5');
  t.equal(await run(() => of(5)), 'value 5');
  const failure = 'EngineFailureError certificate_unknown';
  t.equal(
    await run(() => {
      throw new Error('x');
    }),
    failure,
  );
  t.equal(
    await run(() => {
      throw undefined;
    }),
    failure,
  );
  t.equal(await run(() => Promise.reject(new Error('x'))), failure);
  t.equal(await run(() => throwError(() => 'x')), failure);
  t.equal(await run(() => EMPTY), failure);
  t.equal(await run(() => of(1, 2)), failure);
  t.equal(await run(() => NEVER), 'HandshakeTimeoutError handshake_failure');
  t.equal(
    await run(() => throwError(() => new CertificateError('expired', 'x'))),
    'CertificateError certificate_expired',
  );
  const gone: unknown[] = [];
  runUserFunction({
    name: 'verify',
    alert: 'internal_error',
    milliseconds: 5,
    scheduler: clock,
    run: () => NEVER,
    resolve: (value) => gone.push(value),
    reject: (error) => gone.push(error),
  }).unsubscribe();
  clock.flush();
  t.same(gone, [], 'unsubscribed: neither');
});

t.test('admission: slots, order, withdrawal, refusal', async (t) => {
  const admission = new Admission({ ...defaultLimits, maxConcurrentHandshakes: 1, maxWaitingHandshakes: 2 });
  const log: string[] = [];
  const waits: string[] = [];
  const candidate = (name: string) => ({
    admitted: () => void log.push(name),
    waits: (used: number, max: number) => void waits.push(`${name} ${used}/${max}`),
    turnedAway: (error: Error) => void log.push(`${name} ${error.name}`),
  });
  const [a, b, c, d, e] = Array.from('abcde', candidate);
  for (const each of [a, b, c, d]) admission.enter(each!);
  t.same(log, ['a', 'd LimitExceededError']);
  t.same(waits, ['b 1/2', 'c 2/2']);
  admission.withdraw(b!);
  admission.enter(e!);
  admission.leave();
  t.same(log.slice(2), ['c']);
  admission.leave();
  admission.leave();
  t.same(log.slice(2), ['c', 'e']);
});
