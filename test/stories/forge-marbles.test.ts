// Whole handshakes of two forge engines in virtual time: every record, every answer and both ends as marbles.
import { type Readiness, secure, type SecureOptions, type TlsEngineFactory } from '@rxtls/core';
import { memorySessions } from '@rxtls/engine-forge';
import { byteMarbles, label } from '@rxtls/testing';
import { type MemoryPair, memoryPair } from '@rxtls/transport-memory';
import {
  concat,
  distinctUntilChanged,
  EMPTY,
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
import t, { type Test } from 'tap';
import { both, client, seededBytes, server, toBytes } from '../../packages/engine-forge/test/harness.ts';
import { client as clientLeaf, credentials, root } from '../../packages/engine-forge/test/rsa-pki.ts';

const wallClock = Date.now();

/** A wire of two milliseconds each way, and what is written to each of its ends. */
function wire(scheduler: TestScheduler) {
  const pair = memoryPair({ aToB: { delay: 2 }, bToA: { delay: 2 }, scheduler });
  const { link } = pair;
  const [a, b] = pair;
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
  return { client: watched(a), server: watched(b), link };
}

/** Without those that differ in demand alone. */
const changes = (readiness: Observable<Readiness>): Observable<string> =>
  readiness.pipe(map(label.readiness), distinctUntilChanged());

const options = (scheduler: TestScheduler, seed: number, readiness: Subject<Readiness>): SecureOptions => {
  const random = seededBytes(seed);
  return { scheduler, observe: { readiness }, dangerouslyHost: { wallClock: () => wallClock, random } };
};

type Row = readonly [diagram: string, values?: Readonly<Record<string, string>>];

interface Story {
  readonly client: TlsEngineFactory<'client'>;
  readonly server: TlsEngineFactory<'server'>;
  /** The client writes no more, and does not close. */
  readonly open?: true;
  /** Done to the link in virtual time. */
  readonly link?: (link: MemoryPair['link'], after: (frame: number, act: () => void) => void) => void;
  readonly rows: Readonly<
    Record<
      'client out' | 'server out' | 'client plaintext' | 'server plaintext' | 'client readiness' | 'server readiness',
      Row
    >
  >;
}

/** The client asks `ping` as soon as it may, the server answers `pong`; two frames from one end to the other. */
function told(t: Test, story: Story): void {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  byteMarbles(scheduler, ({ row }) => {
    const { client: here, server: there, link } = wire(scheduler);
    const readiness = { client: new ReplaySubject<Readiness>(), server: new ReplaySubject<Readiness>() };
    const asked = concat(of(here.duplex), NEVER).pipe(
      secure(story.client, {
        ...options(scheduler, 1, readiness.client),
        writes: concat(of(toBytes('ping')), story.open ? NEVER : EMPTY),
      }),
      switchMap((connection) => connection.plaintext),
    );
    const answered = concat(of(there.duplex), NEVER).pipe(
      secure(story.server, options(scheduler, 2, readiness.server)),
      switchMap((connection) => connection.plaintext.pipe(tap(() => connection.write(toBytes('pong'))))),
    );
    story.link?.(link, (frame, act) => void scheduler.schedule(act, frame));
    const { rows } = story;
    const expected = <T>(name: keyof Story['rows'], observed: Observable<T>, text: (value: T) => string): void =>
      row(name, observed, text, ...rows[name]);
    expected('client out', here.written, label.records);
    expected('server out', there.written, label.records);
    expected('client plaintext', asked, label.bytes);
    expected('server plaintext', answered, label.bytes);
    expected('client readiness', changes(readiness.client), String);
    expected('server readiness', changes(readiness.server), String);
  });
}

const states = { h: 'WANT_READ (handshake)', r: 'READY', c: 'WANT_READ (closing)' };
const data = 'applicationData 32 + applicationData 32';

t.test('a handshake, a question, an answer and two close_notify', async (t) => {
  told(t, {
    client: client(),
    server: server(),
    rows: {
      'client out': [
        '                h---k---d-n--',
        { h: 'handshake 69', k: 'handshake 262 + changeCipherSpec 1 + handshake 48', d: data, n: 'alert 32' },
      ],
      'server out': [
        '                --s---f---d-n',
        {
          s: 'handshake 81 + handshake 1633 + handshake 4',
          f: 'changeCipherSpec 1 + handshake 48',
          d: data,
          n: 'alert 32',
        },
      ],
      'client plaintext': ['          ------------p-|', { p: '"pong"' }],
      'server plaintext': ['          ----------p---|', { p: '"ping"' }],
      'client readiness': ['          h-------r-c---|', states],
      'server readiness': ['          h-----r-----c-|', states],
    },
  });
});

t.test('a resumption: no certificate, and the question goes with our Finished', async (t) => {
  const sessions = memorySessions();
  const [offering, answering] = [client({ sessions }), server()];
  const clock = { wallClock: () => wallClock };
  both({ client: offering, server: answering }, { client: clock, server: clock });
  told(t, {
    client: offering,
    server: answering,
    rows: {
      'client out': [
        '          h---f-n--',
        { h: 'handshake 101', f: `changeCipherSpec 1 + handshake 48 + ${data}`, n: 'alert 32' },
      ],
      'server out': [
        '                --s---d-n',
        { s: 'handshake 81 + changeCipherSpec 1 + handshake 48', d: data, n: 'alert 32' },
      ],
      'client plaintext': ['          --------p-|', { p: '"pong"' }],
      'server plaintext': ['          ------p---|', { p: '"ping"' }],
      'client readiness': ['          h---r-c---|', states],
      'server readiness': ['          h-----r-c-|', states],
    },
  });
});

t.test('a certificate for another name: refused before anything is sent to its key', async (t) => {
  told(t, {
    client: client({ serverName: 'other.test' }),
    server: server(),
    rows: {
      'client out': ['          h---a', { h: 'handshake 70', a: 'alert 2' }],
      'server out': ['          --s', { s: 'handshake 81 + handshake 1633 + handshake 4' }],
      'client plaintext': ['    ----e', { e: '# CertificateError' }],
      'server plaintext': ['    ------e', { e: '# AlertReceivedError' }],
      'client readiness': ['    h---e', { ...states, e: 'WANT_READ (closing) + |' }],
      'server readiness': ['    h-----e', { ...states, e: 'WANT_READ (closing) + |' }],
    },
  });
});

const asking = 'handshake 81 + handshake 1633 + handshake 39 + handshake 4';

t.test('client authentication: a certificate and its proof', async (t) => {
  told(t, {
    client: client({ credentials: credentials(clientLeaf) }),
    server: server({ clientAuth: 'require', clientCa: root.pem }),
    rows: {
      'client out': [
        '                h---k---d-n--',
        {
          h: 'handshake 69',
          k: 'handshake 786 + handshake 262 + handshake 262 + changeCipherSpec 1 + handshake 48',
          d: data,
          n: 'alert 32',
        },
      ],
      'server out': [
        '                --s---f---d-n',
        { s: asking, f: 'changeCipherSpec 1 + handshake 48', d: data, n: 'alert 32' },
      ],
      'client plaintext': ['          ------------p-|', { p: '"pong"' }],
      'server plaintext': ['          ----------p---|', { p: '"ping"' }],
      'client readiness': ['          h-------r-c---|', states],
      'server readiness': ['          h-----r-----c-|', states],
    },
  });
});

t.test('client authentication without a certificate: refused, and nothing of the question was ever sent', async (t) => {
  told(t, {
    client: client(),
    server: server({ clientAuth: 'require', clientCa: root.pem }),
    rows: {
      'client out': [
        '                h---k',
        { h: 'handshake 69', k: 'handshake 7 + handshake 262 + changeCipherSpec 1 + handshake 48' },
      ],
      'server out': ['          --s---a', { s: asking, a: 'alert 2' }],
      'client plaintext': ['    --------e', { e: '# AlertReceivedError' }],
      'server plaintext': ['    ------e', { e: '# CertificateError' }],
      'client readiness': ['    h-------e', { ...states, e: 'WANT_READ (closing) + |' }],
      'server readiness': ['    h-----e', { ...states, e: 'WANT_READ (closing) + |' }],
    },
  });
});

const shaken = {
  client: { h: 'handshake 69', k: 'handshake 262 + changeCipherSpec 1 + handshake 48', d: data, a: 'alert 32' },
  server: {
    s: 'handshake 81 + handshake 1633 + handshake 4',
    f: 'changeCipherSpec 1 + handshake 48',
    d: data,
  },
};

t.test('truncation: the answer arrives, the wire ends without close_notify', async (t) => {
  told(t, {
    open: true,
    client: client(),
    server: server(),
    link: (link, after) => after(14, () => link.bToA.cut('end')),
    rows: {
      'client out': ['          h---k---d-------a', shaken.client],
      'server out': ['          --s---f---d', shaken.server],
      'client plaintext': ['    ------------p---e', { p: '"pong"', e: '# TruncationError' }],
      'server plaintext': ['    ----------p-------e', { p: '"ping"', e: '# AlertReceivedError' }],
      'client readiness': ['    h-------r-------e', { ...states, e: 'READY (closing) + |' }],
      'server readiness': ['    h-----r-----------e', { ...states, e: 'READY (closing) + |' }],
    },
  });
});

t.test('the wire ends in the middle of the handshake: an error, and the question was never sent', async (t) => {
  told(t, {
    client: client(),
    server: server(),
    link: (link, after) => after(3, () => link.bToA.cut('end')),
    rows: {
      'client out': ['          h---ka', shaken.client],
      'server out': ['          --s---f', shaken.server],
      'client plaintext': ['    -----e', { e: '# TruncationError' }],
      'server plaintext': ['    -------e', { e: '# AlertReceivedError' }],
      'client readiness': ['    h----e', { ...states, e: 'WANT_READ (closing) + |' }],
      'server readiness': ['    h-----re', { ...states, e: 'READY (closing) + |' }],
    },
  });
});
