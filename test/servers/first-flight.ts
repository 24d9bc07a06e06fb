import { memoryPair } from '@rxtls/transport-memory';
import { Side, until } from '../rules-node/bench.ts';
import type { ServerKit } from './kits.ts';

/** A ClientHello as it goes over the wire. */
export async function firstFlight(kit: ServerKit): Promise<Buffer> {
  const [a] = memoryPair();
  const side = new Side(a, kit.client());
  await until(() => side.wire.written.length > 0, 'the ClientHello');
  side.subscription.unsubscribe();
  return Buffer.concat(side.wire.written);
}
