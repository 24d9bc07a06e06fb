import { type Readiness, secure, type TlsConnection, type WriteAck } from '@rxtls/core';
import { byteMarbles, label, placeboEngine, placeboRecords as record, scriptedDuplex } from '@rxtls/testing';
import { concat, ignoreElements, merge, NEVER, of, ReplaySubject, switchMap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import t from 'tap';

t.test('a whole connection as one marble diagram', async (t) => {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  byteMarbles(scheduler, (marbles) => {
    const { hot, numbers, bytes, row } = marbles;
    const readiness = new ReplaySubject<Readiness>();
    const acks = new ReplaySubject<WriteAck>();
    const transport = scriptedDuplex({
      in: hot('     --s-----x--n-|', {
        s: record.serverFlight(1, true),
        x: record.applicationData(bytes('hello')),
        n: record.closeNotify(),
      }),
      // Room for the handshake and half of the first record; the rest at frame 6.
      room: numbers('r-----R------', { r: 75, R: 1_000 }),
    });
    const connection = concat(of(transport.duplex), NEVER).pipe(
      secure(placeboEngine.client(), {
        writes: hot('a---b--c--|', { a: 'first', b: 'second', c: 'third' }),
        observe: { readiness, acks },
        scheduler,
      }),
    );
    const plaintext = connection.pipe(switchMap((each: TlsConnection) => each.plaintext));
    //                                                       0123456789012
    row('asked for', transport.requested, String, 'r-----------', { r: '262144' });
    row('plaintext', plaintext, label.bytes, '               --------h--|', { h: '"hello"' });
    row('ciphertext out', transport.written, label.records, 'c-f---bd--n|', {
      c: 'handshake 54',
      f: 'handshake 5 + applicationData 5',
      b: 'applicationData 6',
      d: 'applicationData 5',
      n: 'alert 2',
    });
    // 16 bytes are left after the ClientHello; one record goes past what there is, the next one waits.
    row('demand', transport.duplex.sink.demand, String, '    d-e---bc--n', {
      d: '0 + 16',
      e: '6 + 0',
      b: '981',
      c: '975',
      n: '968',
    });
    row('readiness', readiness, label.readiness, '           h-w---rr--c|', {
      h: 'WANT_WRITE (handshake, transport) + WANT_READ (handshake)',
      w: 'WANT_WRITE (transport)',
      r: 'READY',
      c: 'WANT_READ (closing)',
    });
    row('acks', acks, label.ack, '                           a-b-c-de---|', {
      a: '#1 queued 5',
      b: '#1 sealed 5',
      c: '#2 queued 6',
      d: '#1 flushed 5 + #2 sealed 6 + #2 flushed 6',
      e: '#3 queued 5 + #3 sealed 5 + #3 flushed 5',
    });
  });
});

t.test('a renegotiation in the middle: a write waits for a read', async (t) => {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  byteMarbles(scheduler, ({ hot, row }) => {
    const readiness = new ReplaySubject<Readiness>();
    const transport = scriptedDuplex({
      in: hot('-s-----s--n|', { s: record.serverFlight(1, true), n: record.closeNotify() }),
    });
    const connection = concat(of(transport.duplex), NEVER).pipe(
      secure(placeboEngine.client({ version: 'TLSv1.2' }), {
        observe: { readiness },
        limits: { renegotiation: { max: 1 } },
        scheduler,
      }),
    );
    const updates = hot('---u');
    const writes = hot('-----w');
    const acks = connection.pipe(
      switchMap((each) => {
        updates.subscribe(() => each.updateKeys());
        writes.subscribe((bytes) => each.write(bytes));
        return merge(each.acks, each.plaintext.pipe(ignoreElements()));
      }),
    );
    row('acks', acks, label.ack, '                   ---u-w-f--|', {
      u: '#1 queued 0 + #1 sealed 0 + #1 flushed 0',
      w: '#2 queued 1',
      f: '#2 sealed 1 + #2 flushed 1',
    });
    row('ciphertext out', transport.written, label.records, 'cf-h---d--n', {
      c: 'handshake 54',
      f: 'handshake 5',
      h: 'handshake 54',
      d: 'handshake 5 + applicationData 1',
      n: 'alert 2 + |',
    });
    row('readiness', readiness, label.readiness, '   hr-g---r--c', {
      h: 'WANT_READ (handshake)',
      r: 'READY',
      g: 'WANT_READ (renegotiation)',
      c: 'WANT_READ (closing) + |',
    });
  });
});
