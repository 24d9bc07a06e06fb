// Both ends of a connection of our own TLS 1.3 in virtual time: keys, draws and clock from seeds, a wire of two milliseconds
// each way, and rows for all that can be seen.
import {
  type ByteDuplex,
  type Readiness,
  secure,
  type SecureOptions,
  type TlsConnection,
  type TlsEvent,
} from '@rxtls/core';
import {
  type CryptoProvider,
  type Tls13ClientOptions,
  tls13EngineOn,
  type Tls13ServerOptions,
} from '@rxtls/engine-tls13/node';
import { byteMarbles, label } from '@rxtls/testing';
import { type MemoryPair, memoryPair } from '@rxtls/transport-memory';
import {
  concat,
  distinctUntilChanged,
  filter,
  map,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  switchMap,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { Test } from 'tap';
import { seededBytes } from '../../packages/engine-tls13/test/replay-end.ts';
import { seededCredentials } from '../../packages/engine-tls13/test/seeded-credentials.ts';

const wallClock = Date.UTC(2026, 0, 15);
/** Signatures and certificates of Ed25519 are always of one length. */
export const hostCredentials = seededCredentials('ed25519', 7, 'host.test', wallClock);
export const userCredentials = seededCredentials('ed25519', 8, 'client.test', wallClock);

export const clientOn = (crypto: CryptoProvider, options: Partial<Tls13ClientOptions> = {}) =>
  tls13EngineOn(crypto).client({ serverName: 'host.test', ca: hostCredentials.cert, ...options });
export const serverOn = (crypto: CryptoProvider, options: Partial<Tls13ServerOptions> = {}) =>
  tls13EngineOn(crypto).server({ credentials: hostCredentials, ...options });

/** What one end is made of, and what it does with its connection. */
export interface StoryEnd<Engine> extends Pick<SecureOptions, 'writes' | 'truncation' | 'halfOpen'> {
  readonly engine: Engine;
  readonly use: (connection: TlsConnection) => Observable<Uint8Array>;
}

export interface Story {
  readonly client: StoryEnd<ReturnType<typeof clientOn>>;
  readonly server: StoryEnd<ReturnType<typeof serverOn>>;
  /** Draws of both ends depend on it. */
  readonly seed?: number;
  /** What befalls the wire. */
  readonly wire?: (link: MemoryPair['link'], scheduler: TestScheduler) => void;
  /** One row a line: its name, and its diagram behind a colon. All eight, the columns below each other. */
  readonly diagram: string;
  /** What letters stand for, row by row; those of readiness are known. */
  readonly legend: Readonly<Partial<Record<RowName, Readonly<Record<string, string>>>>>;
}

/** `out`: records by their headers; `inner`: what is in them, and alerts, tickets and key updates. */
type RowName = `${'client' | 'server'} ${'out' | 'inner' | 'plaintext' | 'readiness'}`;

const readinessLegend = {
  h: 'WANT_READ (handshake)',
  a: 'WANT_ASYNC (handshake, task)',
  r: 'READY',
  c: 'WANT_READ (closing)',
} as const;

function diagramOf(diagram: string, row: RowName): string {
  for (const line of diagram.split('\n')) {
    const [name = '', marbles] = line.split(':');
    if (name.trim() === row && marbles !== undefined) return marbles;
  }
  throw new Error(`the diagram has no row ${row}`);
}

/** Plays a story and compares all its rows. */
export function play(t: Test, { client, server, seed = 1, wire, diagram, legend }: Story): void {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  byteMarbles(scheduler, ({ row }) => {
    const { ends, link } = watchedPair(scheduler);
    wire?.(link, scheduler);
    for (const [at, name] of (['client', 'server'] as const).entries()) {
      const { engine, use, ...options } = name === 'client' ? client : server;
      const readiness = new ReplaySubject<Readiness>();
      const events = new ReplaySubject<TlsEvent>();
      const plaintext = concat(of(ends[at]!.duplex), NEVER).pipe(
        secure(engine as ReturnType<typeof clientOn>, {
          ...options,
          scheduler,
          observe: { readiness, events },
          dangerouslyHost: { wallClock: () => wallClock + seed, random: seededBytes(2 * seed + at) },
        }),
        switchMap(use),
      );
      const expected = (row: RowName) => [diagramOf(diagram, row), legend[row] ?? {}] as const;
      row(`${name} out`, ends[at]!.written, label.records, ...expected(`${name} out`));
      row(
        `${name} inner`,
        events.pipe(
          map(told),
          filter((text) => text !== ''),
        ),
        String,
        ...expected(`${name} inner`),
      );
      row(`${name} plaintext`, plaintext, label.bytes, ...expected(`${name} plaintext`));
      const changes = readiness.pipe(map(label.readiness), distinctUntilChanged());
      const [expectedReadiness, more] = expected(`${name} readiness`);
      row(`${name} readiness`, changes, String, expectedReadiness, { ...readinessLegend, ...more });
    }
  });
}

function told(event: TlsEvent): string {
  if (event.type === 'record' && event.direction === 'sent') return event.inner ?? event.contentType;
  if (event.type === 'alert') return `${event.direction} ${event.description}`;
  if (event.type === 'key-update') return `${event.direction} key-update`;
  if (event.type === 'ticket') return event.direction === 'sent' ? 'sent ticket' : 'ticket';
  return '';
}

/** A wire, and what is written to each of its ends. */
function watchedPair(scheduler: TestScheduler) {
  const pair = memoryPair({ aToB: { delay: 2 }, bToA: { delay: 2 }, scheduler });
  const watched = (duplex: ByteDuplex) => {
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
  return { ends: [watched(pair[0]), watched(pair[1])], link: pair.link };
}
