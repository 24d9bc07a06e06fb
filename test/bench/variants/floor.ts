// What no TLS 1.3 in JavaScript on node:crypto can be under: the calls of node:crypto that a connection cannot do without, and the
// same bytes over plain sockets, both ends, with nothing around them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Pki } from '../pki.ts';
import { FloorEnd } from './floor-end.ts';
import { FloorHandshake } from './floor-handshake.ts';
import { Handover } from './handover.ts';
import { host } from './setting.ts';
import type { Variant } from './variant.ts';

/** Bytes of the flights, about as tls13Engine has them. */
const bytes = {
  full: { hello: 250, answer: 1_400, finished: 64, tickets: 400 },
  resumed: { hello: 500, answer: 230, finished: 64, tickets: 400 },
} as const;

async function serve(handshake: FloorHandshake, end: FloorEnd, isResumed: boolean): Promise<FloorEnd> {
  const { hello, answer, finished, tickets } = isResumed ? bytes.resumed : bytes.full;
  await end.arrival(hello);
  handshake.server(isResumed);
  const last = end.arrival(finished);
  end.flight(answer);
  await last;
  end.flight(tickets);
  return end;
}

async function greet(handshake: FloorHandshake, end: FloorEnd, isResumed: boolean): Promise<FloorEnd> {
  const { hello, answer, finished, tickets } = isResumed ? bytes.resumed : bytes.full;
  const first = end.arrival(answer);
  end.flight(hello);
  await first;
  handshake.client(isResumed);
  const last = end.arrival(tickets);
  end.flight(finished);
  await last;
  return end;
}

export async function floor({ p256 }: Pki): Promise<Variant> {
  const handshake = new FloorHandshake(p256);
  const accepted = new Handover<FloorEnd>();
  const listener = createServer({ noDelay: true }, (socket) => accepted.give(new FloorEnd(socket)));
  listener.listen(0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    async open(resume) {
      const accepting = accepted.take();
      const socket = connect({ port, host, noDelay: true });
      await once(socket, 'connect');
      const serving = accepting.then((end) => serve(handshake, end, resume));
      const [client, server] = await Promise.all([greet(handshake, new FloorEnd(socket), resume), serving]);
      return {
        client,
        server,
        resumed: resume,
        close: async () => {
          const both = Promise.all([client.closed(), server.closed()]);
          client.end();
          await both;
        },
      };
    },
  };
}
