// A server of `secureEach` in memory, and clients that come to it one by one.
import {
  type ByteDuplex,
  type ConnectionFailure,
  type EngineSource,
  secureEach,
  type SecureEachOptions,
  type SecureOptions,
  type TlsConnection,
  type TlsEngineFactory,
} from '@rxtls/core';
import { type MemoryPair, memoryPair } from '@rxtls/transport-memory';
import { type ObservableInput, Subject } from 'rxjs';
import type { Test } from 'tap';
import { Side, until } from '../rules-node/bench.ts';

export interface Arrival {
  readonly client: Side;
  readonly link: MemoryPair['link'];
  /** Waits for the client's connection, or its end. */
  met(): Promise<Side>;
}

export interface Served {
  readonly connections: TlsConnection[];
  readonly failures: ConnectionFailure[];
  /** A client that is held before it has said `stall` bytes… see `arrive`. */
  arrive(
    client: TlsEngineFactory<'client'>,
    options?: SecureOptions,
    prepare?: (link: MemoryPair['link']) => void,
  ): Arrival;
  /** Bytes as they are, in place of a client. */
  raw(bytes: Uint8Array): { readonly answer: () => Buffer };
}

/** An echo, unless another project is given. */
export function served(
  t: Test,
  engine: EngineSource<'server'>,
  options: SecureEachOptions = {},
  project: (connection: TlsConnection) => ObservableInput<unknown> = (connection) =>
    connection.writeFrom(connection.source),
): Served {
  const { failed } = options;
  const listener = new Subject<ByteDuplex>();
  const connections: TlsConnection[] = [];
  const failures: ConnectionFailure[] = [];
  const sides: Side[] = [];
  const serving = listener
    .pipe(
      secureEach(
        engine,
        (connection) => {
          connections.push(connection);
          return project(connection);
        },
        {
          ...options,
          failed: (failure) => {
            failures.push(failure);
            if (typeof failed === 'function') failed(failure);
            else failed?.next?.(failure);
          },
        },
      ),
    )
    .subscribe({ error: (error: unknown) => t.fail(`the server itself failed: ${error}`) });
  t.teardown(() => {
    for (const side of sides) side.subscription.unsubscribe();
    serving.unsubscribe();
  });
  return {
    connections,
    failures,
    arrive: (client, clientOptions = {}, prepare = () => undefined) => {
      const pair = memoryPair();
      prepare(pair.link);
      listener.next(pair[1]);
      const side = new Side(pair[0], client, clientOptions);
      sides.push(side);
      const met = async (): Promise<Side> => {
        await until(() => side.connections.length > 0 || side.isOver, 'a handshake or its failure');
        return side;
      };
      return { client: side, link: pair.link, met };
    },
    raw: (bytes) => {
      const [here, there] = memoryPair();
      listener.next(there);
      const answer: Uint8Array[] = [];
      here.source.bytes.subscribe({ next: (chunk) => answer.push(chunk), error: () => undefined });
      here.source.request(Number.POSITIVE_INFINITY);
      here.sink.write(bytes);
      return { answer: () => Buffer.concat(answer) };
    },
  };
}

/** What a client says comes back. */
export async function echoes(side: Side, words: string): Promise<boolean> {
  if (side.connections.length === 0) return false;
  side.read().write(words);
  await until(() => side.text.length >= words.length || side.isOver, 'the echo');
  return side.text === words;
}

/** The leaf that a client was shown, in hexadecimal. */
export const shownLeaf = (side: Side): string => Buffer.from(side.connection.negotiated.peer.chain[0]!).toString('hex');
