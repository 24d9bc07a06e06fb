// Two whole handshakes of forge engines in virtual time: every record, every answer and both ends as marbles.
import { type Readiness, secure, type SecureOptions } from '@rxtls/core';
import { byteMarbles, label } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import {
  concat,
  distinctUntilChanged,
  map,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  switchMap,
  tap,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import t from 'tap';
import { client, seededBytes, server, toBytes } from '../../packages/engine-forge/test/harness.ts';

const wallClock = Date.now();

/** A wire of two milliseconds each way, and what is written to each of its ends. */
function wire(scheduler: TestScheduler) {
  const [a, b] = memoryPair({ aToB: { delay: 2 }, bToA: { delay: 2 }, scheduler });
  const watched = (duplex: typeof a) => {
    const written = new Subject<Uint8Array>();
    const { sink } = duplex;
    const watching = {
      demand: sink.demand,
      taken: sink.taken,
      end: () => sink.end(),
      abort: (reason?: unknown) => sink.abort(reason),
      write: (bytes: Uint8Array) => {
        written.next(bytes);
        sink.write(bytes);
      },
    };
    return {
      written,
      duplex: {
        source: duplex.source,
        sink: watching,
        info: duplex.info,
        unread: (bytes: Uint8Array) => duplex.unread(bytes),
      },
    };
  };
  return { client: watched(a), server: watched(b) };
}

/** Without those that differ in demand alone. */
const changes = (readiness: Observable<Readiness>): Observable<string> =>
  readiness.pipe(map(label.readiness), distinctUntilChanged());

const options = (scheduler: TestScheduler, seed: number, readiness: Subject<Readiness>): SecureOptions => {
  const random = seededBytes(seed);
  return { scheduler, observe: { readiness }, dangerouslyHost: { wallClock: () => wallClock, random } };
};

t.test('a handshake, a question, an answer and two close_notify', async (t) => {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  byteMarbles(scheduler, ({ row }) => {
    const { client: here, server: there } = wire(scheduler);
    const readiness = { client: new ReplaySubject<Readiness>(), server: new ReplaySubject<Readiness>() };
    const asked = concat(of(here.duplex), NEVER).pipe(
      secure(client(), { ...options(scheduler, 1, readiness.client), writes: [toBytes('ping')] }),
      switchMap((connection) => connection.plaintext),
    );
    const answered = concat(of(there.duplex), NEVER).pipe(
      secure(server(), options(scheduler, 2, readiness.server)),
      switchMap((connection) => connection.plaintext.pipe(tap(() => connection.write(toBytes('pong'))))),
    );
    // Two frames from one end to the other.
    row('client out', here.written, label.records, '      h---k---d-n--', {
      h: 'handshake 69',
      k: 'handshake 262 + changeCipherSpec 1 + handshake 48',
      d: 'applicationData 32 + applicationData 32',
      n: 'alert 32',
    });
    row('server out', there.written, label.records, '      --s---f---d-n', {
      s: 'handshake 81 + handshake 1633 + handshake 4',
      f: 'changeCipherSpec 1 + handshake 48',
      d: 'applicationData 32 + applicationData 32',
      n: 'alert 32',
    });
    row('client plaintext', asked, label.bytes, '          ------------p-|', { p: '"pong"' });
    row('server plaintext', answered, label.bytes, '       ----------p---|', { p: '"ping"' });
    const states = { h: 'WANT_READ (handshake)', r: 'READY', c: 'WANT_READ (closing)' };
    row('client readiness', changes(readiness.client), String, '  h-------r-c---|', states);
    row('server readiness', changes(readiness.server), String, '  h-----r-----c-|', states);
  });
});
