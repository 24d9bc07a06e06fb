import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testPki } from '@rxtls/testing';
import { Observable, Subject, type Subscription } from 'rxjs';
import type { Hop } from './hop.ts';
import { pageServer } from './page-server.ts';
import { RecordReader } from './record-reader.ts';
import { relay, type RelayLimits, type Seen } from './relay.ts';
import { tlsServer } from './tls-server.ts';

const host = '127.0.0.1';

export interface Demonstration {
  /** Of the page. */
  readonly address: string;
  /** What only the page and the server may know. */
  readonly word: string;
  /** All that the relays see from now on. */
  readonly seen: Observable<Seen>;
  readonly relays: { readonly curious: string; readonly malicious: string };
  /** Cuts what goes through the relays, and takes no more. */
  readonly stopRelays: () => void;
  readonly stopServer: () => void;
  readonly stop: () => void;
}

export interface DemonstrationOptions {
  readonly port?: number;
  /** PEM: whom the page trusts in place of the server's own authority. */
  readonly authority?: string;
  readonly limits?: Partial<RelayLimits>;
}

/** An https server, two relays to it, and the page, all on the loopback interface. */
export async function demonstration({
  port = 0,
  authority,
  limits = {},
}: DemonstrationOptions = {}): Promise<Demonstration> {
  const pki = await testPki();
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const word = randomBytes(8).toString('hex');
  const [hops, seen] = [new Subject<Hop>(), new Subject<Seen>()];
  const running: (() => void)[] = [];
  const stop = (): void => running.splice(0).forEach((each) => each());
  try {
    const secret = tlsServer({ cert, key }, word, (saw) => hops.next({ at: 'server', saw }));
    const target = { host, port: await listening(secret, 0) };
    running.push(() => ended(secret));

    let origin = '';
    const relayed: Subscription[] = [];
    const started = (flipsABit: boolean): Promise<string> =>
      new Promise((resolve, reject) => {
        const told = ({ url }: { url: string }): void => resolve(url);
        const seeing = hopsOf(relay({ host, target, origin: () => origin, flipsABit, limits, listening: told }), seen);
        relayed.push(seeing.subscribe({ next: (hop) => hops.next(hop), error: reject }));
      });
    const stopRelays = (): void => relayed.forEach((each) => each.unsubscribe());
    running.push(stopRelays);
    const relays = { curious: await started(false), malicious: await started(true) };

    const page = await pageServer({ authority: authority ?? pki.authorityPem, serverName: 'localhost', relays }, hops);
    running.push(() => ended(page));
    const address = `http://${host}:${await listening(page, port)}`;
    origin = address;
    return { address: `${address}/`, word, seen, relays, stopRelays, stopServer: () => ended(secret), stop };
  } catch (error) {
    stop();
    throw error;
  }
}

async function listening(server: Server, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening').catch(({ code }: NodeJS.ErrnoException) => {
    throw new Error(`cannot listen on ${host}:${port}: ${code}`);
  });
  return (server.address() as AddressInfo).port;
}

function ended(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** What a relay sees, as the page is told: never more than what was on the wire. */
const hopsOf = (relayed: Observable<Seen>, seen: Subject<Seen>): Observable<Hop> =>
  new Observable((subscriber) => {
    const readers = new Map<string, RecordReader>();
    return relayed.subscribe({
      next(each) {
        seen.next(each);
        const { connection } = each;
        if ('ended' in each) {
          for (const from of ['page', 'server']) readers.delete(`${from} ${connection}`);
          return subscriber.next({ at: 'relay', ended: each.ended, isCut: each.isCut });
        }
        const { from, bytes, flippedAt } = each;
        const name = `${from} ${connection}`;
        const reader = readers.get(name) ?? new RecordReader();
        readers.set(name, reader);
        subscriber.next({
          at: 'relay',
          from,
          records: reader.read(bytes).map(({ type, length }) => ({ type, length })),
          bytes: bytes.length,
          hex: Buffer.from(bytes.subarray(0, 8)).toString('hex'),
          isFlipped: flippedAt !== undefined,
        });
      },
      error: (error: unknown) => subscriber.error(error),
    });
  });
