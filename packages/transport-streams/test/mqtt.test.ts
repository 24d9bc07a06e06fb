// A connection as Node's stream, under the client of npm's mqtt, which knows nothing of rxtls and reconnects by itself.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { Aedes } from 'aedes';
import { type IClientOptions, MqttClient } from 'mqtt';
import t, { type Test } from 'tap';
import { credentials, dial, type Engines, engines, host, pattern, sha256, sleep, until } from './ends.ts';

t.setTimeout(60_000);

/** aedes over Node's own TLS, on a port of its choice or on one it had before. */
async function brokerOn(t: Test, port = 0) {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<TLSSocket>();
  const server = createServer(credentials, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // the client's side tells
    aedes.handle(socket);
  });
  server.on('tlsClientError', () => undefined); // the client's side tells
  const taken: string[] = [];
  aedes.on('publish', ({ payload }, client) => void (client !== null && taken.push(payload.toString())));
  server.listen(port, host);
  await once(server, 'listening');
  const kill = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
    aedes.close();
  };
  t.teardown(kill);
  return { port: (server.address() as AddressInfo).port, kill, taken, open: () => sockets.size };
}

/** mqtt's client, whose streams are ours; what it tells of errors is kept. */
function mqttClient(t: Test, port: number, each: Engines, options: IClientOptions = {}) {
  const errors: Error[] = [];
  const stream = () => toNodeDuplex(dial(port, each));
  const client = new MqttClient(stream as unknown as ConstructorParameters<typeof MqttClient>[0], {
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    ...options,
  });
  client.on('error', (error) => errors.push(error));
  t.teardown(() => void client.end(true));
  return { client, errors };
}

const event = (client: MqttClient, name: 'connect' | 'close'): Promise<void> =>
  new Promise((resolve) => client.once(name, () => resolve()));

for (const [name, each] of Object.entries(engines)) {
  t.test(`${name}: 200 messages of 10 KiB by mqtt, whole and in order`, async (t) => {
    const broker = await brokerOn(t);
    const { client: reader } = mqttClient(t, broker.port, each);
    const got: Buffer[] = [];
    reader.on('message', (_, payload) => got.push(payload));
    await reader.subscribeAsync('patterns/#', { qos: 1 });
    const { client: writer } = mqttClient(t, broker.port, each);
    const sent = Array.from({ length: 200 }, (_, n) => pattern(10_240, n));
    await Promise.all(sent.map((payload, n) => writer.publishAsync(`patterns/${n}`, payload, { qos: 1 })));
    await until(() => got.length >= sent.length, 'the messages');
    t.same(got.map(sha256), sent.map(sha256));
    await writer.endAsync();
    await reader.endAsync();
    await until(() => broker.open() === 0, 'the end of the connections');
  });

  t.test(
    `${name}: mqtt reconnects when the broker is killed and comes back, and sends what was on its way`,
    async (t) => {
      let broker = await brokerOn(t);
      const { port } = broker;
      const { client } = mqttClient(t, port, each, { reconnectPeriod: 50, clean: true });
      await event(client, 'connect');
      await client.subscribeAsync('echo', { qos: 1 });
      const got = new Set<string>();
      client.on('message', (_, payload) => got.add(payload.toString()));
      for (let kill = 0; kill < 3; kill++) {
        const closed = event(client, 'close');
        broker.kill();
        await closed;
        const waiting = client.publishAsync('echo', `waited ${kill}`, { qos: 1 });
        await sleep(120); // it is refused meanwhile
        broker = await brokerOn(t, port);
        await waiting;
        t.ok(broker.taken.includes(`waited ${kill}`));
        await client.publishAsync('echo', `after ${kill}`, { qos: 1 });
        await until(() => got.has(`after ${kill}`), 'a message by the subscription that was made again');
      }
      await client.endAsync();
      await until(() => broker.open() === 0, 'the end of the connections');
    },
  );

  t.test(
    `${name}: without reconnecting, what was on its way when the broker is killed ends with mqtt’s own error`,
    async (t) => {
      const broker = await brokerOn(t);
      const { client } = mqttClient(t, broker.port, each);
      await event(client, 'connect');
      const closed = event(client, 'close');
      const sent = Array.from({ length: 50 }, () => client.publishAsync('patterns', pattern(100_000), { qos: 1 }));
      const settled = Promise.allSettled(sent);
      broker.kill();
      await closed;
      await client.endAsync(true);
      const outcomes = await settled;
      t.ok(outcomes.some(({ status }) => status === 'rejected'));
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') t.match(outcome.reason, { message: /closed|disconnect|flushed/i });
      const { client: late, errors } = mqttClient(t, broker.port, each);
      await event(late, 'close');
      t.match(errors[0], { name: 'AbortedError', message: /ECONNREFUSED/ });
    },
  );
}
