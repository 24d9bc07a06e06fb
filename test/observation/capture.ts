// A conversation over memory, with everything that passed between the two ends, in its order, and the key log of each.
import type { ByteDuplex } from '@rxtls/core';
import { memoryPair } from '@rxtls/transport-memory';
import { type DuoOptions, Side, until } from '../rules-node/bench.ts';

export type End = 'client' | 'server';

/** Bytes of one write to the transport. */
export interface Segment {
  readonly from: End;
  readonly bytes: Uint8Array;
}

export interface Capture {
  readonly segments: readonly Segment[];
  readonly keylog: Readonly<Record<End, readonly string[]>>;
  readonly isResumed: boolean;
}

/** What each end says, before and after its keys have changed, where they can be. */
export const said: Readonly<Record<End, string>> = {
  client: 'The client asks; and, with other keys, asks again.',
  server: 'The server answers at length, for it has much to say: '.repeat(40),
};

function captured(below: ByteDuplex, from: End, segments: Segment[]): ByteDuplex {
  const { source, sink, info } = below;
  return {
    source,
    info,
    unread: (bytes) => below.unread(bytes),
    sink: {
      demand: sink.demand,
      taken: sink.taken,
      write: (bytes) => {
        segments.push({ from, bytes: bytes.slice() });
        sink.write(bytes);
      },
      end: () => sink.end(),
      abort: (reason) => sink.abort(reason),
    },
  };
}

export const keylogOf = ({ events }: Side): string[] =>
  events.flatMap((event) => (event.type === 'keylog' ? [event.line] : []));

/** Both ends say what they have to say, in two halves; between them the client changes its keys, where it can. */
export async function capture({ client, server, clientOptions, serverOptions }: DuoOptions): Promise<Capture> {
  const segments: Segment[] = [];
  const pair = memoryPair();
  const there = new Side(captured(pair[1], 'server', segments), server!, serverOptions);
  const here = new Side(captured(pair[0], 'client', segments), client!, clientOptions);
  await until(() => here.connections.length > 0 && there.connections.length > 0, 'the handshake');
  here.read();
  there.read();
  const half = (text: string, which: 0 | 1): string => text.slice(which * 20, which === 0 ? 20 : undefined);
  for (const which of [0, 1] as const) {
    here.write(half(said.client, which));
    there.write(half(said.server, which));
    await until(
      () => here.text.length >= half(said.server, which).length && there.text.length >= half(said.client, which).length,
      'what was said',
    );
    if (which === 0 && here.connection.negotiated.version === 'TLSv1.3') here.connection.updateKeys();
  }
  await until(() => here.text === said.server && there.text === said.client, 'all that was said');
  here.connection.close().subscribe();
  there.connection.close().subscribe();
  await until(() => here.isOver && there.isOver, 'the end');
  const isResumed = here.connection.negotiated.resumed;
  return { segments, keylog: { client: keylogOf(here), server: keylogOf(there) }, isResumed };
}
