import { client, carry, End, type EndOptions, hostLeaf, clientLeaf, server } from './ends.ts';
import { RawPeer, type RawOptions } from './raw-peer.ts';
import type { Tls13ClientOptions, Tls13ServerOptions } from '../src/node.ts';

export interface WithPeer {
  readonly end: End;
  readonly peer: RawPeer;
  /** Carries bytes until nothing moves. */
  readonly run: () => WithPeer;
}

function joinedUp(end: End, peer: RawPeer): WithPeer {
  const made: WithPeer = {
    end,
    peer,
    run: () => {
      carry(end, peer);
      return made;
    },
  };
  return made.run();
}

/** Our client and a server made of parts, as far as their handshake goes. */
export const clientAndPeer = (
  raw: RawOptions = {},
  options: Partial<Tls13ClientOptions> = {},
  end: EndOptions = {},
): WithPeer => joinedUp(new End(client(options), end), new RawPeer('server', { issued: hostLeaf, ...raw }));

/** Our server and a client made of parts. */
export const serverAndPeer = (
  raw: RawOptions = {},
  options: Partial<Tls13ServerOptions> = {},
  end: EndOptions = {},
): WithPeer => joinedUp(new End(server(options), end), new RawPeer('client', { issued: clientLeaf, ...raw }).start());
