import type { SchedulerLike } from 'rxjs';
import { type PausableWebSocket, PausableWire } from './pausable-wire.ts';
import { StandardWire } from './standard-wire.ts';
import type { WebSocketLike } from './web-socket-like.ts';
import type { Wire, WireOwner } from './wire.ts';

/** By what the object can do: whoever has all of it is driven as `ws` is. */
export function makeWire(socket: WebSocketLike, scheduler: SchedulerLike, owner: WireOwner): Wire {
  return isPausable(socket) ? new PausableWire(socket, owner) : new StandardWire(socket, scheduler, owner);
}

function isPausable(socket: object): socket is PausableWebSocket {
  return ['on', 'pause', 'resume', 'terminate'].every((method) => typeof Reflect.get(socket, method) === 'function');
}
