import type { TlsEngineFactory } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import type { Arguments } from './arguments.ts';
import { type Broker, broker } from './broker.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** One for all connections: it keeps their TLS sessions, so that the next handshake is a short one. */
  readonly engine: TlsEngineFactory<'client'>;
  /** Absent: the broker is somebody else's. */
  readonly own: Broker | undefined;
}

/** The broker that the arguments name, or one of its own. */
export async function targetOf({ connect, serverName, ca }: Arguments): Promise<Target> {
  if (connect !== undefined) {
    const { host, port } = connect;
    const engine = nodeEngine.client({ serverName: serverName ?? host, port, ...(ca !== undefined && { ca }) });
    return { host, port, engine, own: undefined };
  }
  const own = await broker();
  const { port } = own;
  const engine = nodeEngine.client({ serverName: 'localhost', port, ca: own.authority });
  return { host: '127.0.0.1', port, engine, own };
}
