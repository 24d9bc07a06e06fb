import { type Side, until } from '../rules-node/bench.ts';

/** Both ends of an open connection write, one updates its keys where it can, both close. */
export async function talk(client: Side, server: Side): Promise<void> {
  client.read();
  server.read();
  client.write('from the client');
  server.write('from the server');
  if (client.connection.negotiated.version === 'TLSv1.3') client.connection.updateKeys();
  await until(() => client.text.length === 15 && server.text.length === 15, 'what was written');
  client.connection.close().subscribe();
  server.connection.close().subscribe();
  await until(() => client.isOver && server.isOver, 'the end');
}
