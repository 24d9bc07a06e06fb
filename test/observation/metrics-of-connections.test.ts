// What is measured of real connections, over each engine, and on every way to their end.
import { type ByteDuplex, type ObserveConnection, secure } from '@rxtls/core';
import { connectionMetrics } from '@rxtls/opentelemetry';
import { memoryPair } from '@rxtls/transport-memory';
import { Subject } from 'rxjs';
import t from 'tap';
import { duo, type DuoOptions, until } from '../rules-node/bench.ts';
import { disjoint, engines, refusing } from './engines.ts';
import { type Collected, recorded, type Recorded } from './recorded.ts';
import { talk } from './talk.ts';

t.setTimeout(120_000);

/** Both ends of a connection measured, on one meter. */
function measured({ meter }: Recorded, { clientOptions, serverOptions, ...rest }: DuoOptions): DuoOptions {
  const [client, server] = [connectionMetrics(meter, { role: 'client' }), connectionMetrics(meter)];
  return {
    ...rest,
    clientOptions: { ...clientOptions, observe: client.observe },
    serverOptions: { ...serverOptions, observe: server.observe },
  };
}

const active = (collected: Collected): number[] =>
  ['client', 'server'].flatMap((role) => [
    collected.sum(`rxtls.${role}.handshake.active`),
    collected.sum(`rxtls.${role}.connection.active`),
  ]);

/** What each engine says it has agreed on. Node tells a client's ephemeral group alone. */
const agreed: Readonly<Record<string, { readonly version: string; readonly curve: readonly [boolean, boolean] }>> = {
  'node 1.3': { version: '1.3', curve: [true, false] },
  'node 1.2': { version: '1.2', curve: [true, false] },
  tls13: { version: '1.3', curve: [true, true] },
  forge: { version: '1', curve: [false, false] },
};

for (const [name, engine] of Object.entries(engines))
  t.test(`metrics (${name}): a connection that does everything, at both ends`, async (t) => {
    const record = recorded(t);
    const { client, server } = await duo(measured(record, engine())).open();
    t.same(active(await record.collect()), [0, 1, 0, 1], 'while it is open');
    await talk(client, server);

    const collected = await record.collect();
    t.same(active(collected), [0, 0, 0, 0]);
    for (const [index, role] of (['client', 'server'] as const).entries()) {
      const { version, curve } = agreed[name]!;
      const { cipherSuite } = client.connection.negotiated;
      const [handshake, ...more] = collected.series(`rxtls.${role}.handshake.duration`);
      t.same(more, []);
      const { 'tls.curve': group, ...others } = handshake![0];
      t.same(others, {
        'tls.protocol.version': version,
        'tls.established': true,
        'tls.cipher': cipherSuite,
        'tls.resumed': false,
      });
      t.equal(typeof group, curve[index] ? 'string' : 'undefined', `${role}: the group`);
      t.same(collected.series(`rxtls.${role}.connection.duration`), [[{ 'tls.protocol.version': version }, 1]]);
      t.ok(collected.total(`rxtls.${role}.connection.duration`) >= collected.total(`rxtls.${role}.handshake.duration`));
      t.ok(collected.total(`rxtls.${role}.handshake.duration`) > 0);
      for (const [direction, other] of [
        ['receive', 'transmit'],
        ['transmit', 'receive'],
      ] as const) {
        const closed = {
          'network.io.direction': direction,
          'rxtls.alert.level': 'warning',
          'rxtls.alert.description': 'close_notify',
        };
        t.equal(collected.sum(`rxtls.${role}.alerts`, closed), 1);
        t.equal(
          collected.sum(`rxtls.${role}.io`, { 'network.io.direction': direction }),
          collected.sum(`rxtls.${role === 'client' ? 'server' : 'client'}.io`, { 'network.io.direction': other }),
          'what one end sends the other receives',
        );
      }
    }
    t.equal(
      collected.sum('rxtls.client.io', { 'network.io.direction': 'transmit' }),
      client.wire.writtenBytes,
      'to the byte',
    );
    t.same(collected.series('rxtls.client.task.duration'), [
      [{ 'rxtls.task': 'verify', 'rxtls.outcome': 'answered' }, 1],
    ]);
    t.same(collected.series('rxtls.server.admission.duration'), [[{}, 1]]);
    const none = (metric: string): unknown => t.same(collected.series(metric), [], `none: ${metric}`);
    // node-forge resumes by session identifiers; Node hides the tickets it sends, and its key updates.
    const received = { 'network.io.direction': 'receive', 'rxtls.ticket.kept': true };
    if (name === 'forge') none('rxtls.client.tickets');
    else t.ok(collected.sum('rxtls.client.tickets', received) > 0);
    if (name === 'tls13') {
      t.ok(collected.sum('rxtls.server.tickets', { 'network.io.direction': 'transmit' }) > 0);
      for (const role of ['client', 'server'])
        t.same(collected.series(`rxtls.${role}.key_updates`).length, 2, 'one each way');
    } else for (const metric of ['rxtls.server.tickets', 'rxtls.client.key_updates']) none(metric);
  });

type End = (options: DuoOptions, engine: string) => Promise<{ readonly ended: () => boolean }>;

/** Every way to an end: what is done, and what a server, or a client, then has in its durations. */
const ends: readonly (readonly [
  title: string,
  role: 'client' | 'server',
  metric: 'handshake' | 'connection',
  attributes: Record<string, unknown>,
  end: End,
])[] = [
  [
    'a refused peer',
    'client',
    'handshake',
    {
      'tls.established': false,
      'error.type': 'CertificateError',
      'rxtls.phase': 'verification',
      'rxtls.reason': 'refused-by-verify',
    },
    async (options, engine) => {
      const { client, server } = duo({ ...options, ...refusing[engine]!() });
      return { ended: () => client.isOver && server.isOver };
    },
  ],
  [
    'no version in common',
    'client',
    'handshake',
    {
      'tls.established': false,
      'error.type': 'AlertReceivedError',
      'rxtls.phase': 'handshake',
      'rxtls.reason': 'protocol_version',
    },
    async (options) => {
      const { client, server } = duo({ ...options, ...disjoint() });
      return { ended: () => client.isOver && server.isOver };
    },
  ],
  [
    'a peer that says nothing',
    'server',
    'handshake',
    {
      'tls.established': false,
      'error.type': 'HandshakeTimeoutError',
      'rxtls.phase': 'client-hello',
      'rxtls.reason': 'clientHelloTimeout',
    },
    async (options) => {
      const limits = { clientHelloTimeout: 30 };
      const { client, server } = duo({
        ...options,
        serverOptions: { ...options.serverOptions, limits },
        link: { aToB: { stallAfter: 0 } },
      });
      return { ended: () => client.isOver && server.isOver };
    },
  ],
  [
    'the wire breaks in the handshake',
    'client',
    'handshake',
    { 'tls.established': false, 'error.type': 'AbortedError', 'rxtls.phase': 'handshake' },
    async (options) => {
      const { client, server } = duo({ ...options, link: { bToA: { cutAfter: { bytes: 100, as: 'error' } } } });
      return { ended: () => client.isOver && server.isOver };
    },
  ],
  [
    'the wire is cut without close_notify',
    'client',
    'connection',
    { 'tls.protocol.version': '1.3', 'error.type': 'TruncationError', 'rxtls.phase': 'open' },
    async (options) => {
      const { client, server, link } = await duo(options).open();
      client.read();
      link.bToA.cut('end');
      link.aToB.cut('end');
      return { ended: () => client.isOver && server.isOver };
    },
  ],
  [
    'unsubscribed in the handshake',
    'client',
    'handshake',
    { 'tls.established': false, 'error.type': 'AbortedError', 'rxtls.phase': 'handshake' },
    async (options) => {
      const { client, server } = duo({ ...options, link: { bToA: { stallAfter: 0 } } });
      await until(() => client.wire.writtenBytes > 0, 'the ClientHello');
      client.subscription.unsubscribe();
      return { ended: () => server.isOver };
    },
  ],
  [
    'unsubscribed while it is open',
    'server',
    'connection',
    { 'tls.protocol.version': '1.3', 'error.type': 'AbortedError', 'rxtls.phase': 'open' },
    async (options) => {
      const { client, server } = await duo(options).open();
      client.read();
      server.subscription.unsubscribe();
      return { ended: () => client.isOver };
    },
  ],
];

for (const name of ['node 1.3', 'tls13'])
  for (const [title, role, metric, attributes, end] of ends)
    t.test(`metrics (${name}): ${title}: told with its error, and nothing stays active`, async (t) => {
      const record = recorded(t);
      const { ended } = await end(measured(record, engines[name]!()), name);
      await until(ended, 'the end');
      const collected = await record.collect();
      t.same(collected.series(`rxtls.${role}.${metric}.duration`).at(-1), [attributes, 1]);
      t.same(active(collected), [0, 0, 0, 0]);
    });

t.test(
  'metrics: a connection that is unsubscribed from within its own observe is over before it has begun',
  async (t) => {
    const record = recorded(t);
    const { observe } = connectionMetrics(record.meter, { role: 'client' });
    const transports = new Subject<ByteDuplex>();
    let observed = 0;
    const subscription = transports
      .pipe(
        secure(engines['tls13']!().client!, {
          observe: () => {
            const observers = observe();
            observed++;
            subscription.unsubscribe();
            return observers;
          },
        }),
      )
      .subscribe();
    transports.next(memoryPair()[0]);
    t.equal(observed, 1);
    t.same(active(await record.collect()), [0, 0, 0, 0]);
  },
);

t.test('metrics: several on one meter are told apart by the attributes that they were given', async (t) => {
  const record = recorded(t);
  for (const listener of ['public', 'public', 'internal']) {
    const { observe } = connectionMetrics(record.meter, { attributes: { 'rxtls.listener': listener } });
    const pair = await duo({ ...engines['tls13']!(), serverOptions: { observe } }).open();
    t.teardown(pair.destroy);
  }
  const collected = await record.collect();
  for (const metric of ['connection.active', 'handshake.active'])
    t.same(collected.series(`rxtls.server.${metric}`), [
      [{ 'rxtls.listener': 'public' }, metric === 'connection.active' ? 2 : 0],
      [{ 'rxtls.listener': 'internal' }, metric === 'connection.active' ? 1 : 0],
    ]);
});

t.test('metrics: observe may be shared, and put beside other observers', async (t) => {
  const record = recorded(t);
  const { observe } = connectionMetrics(record.meter);
  const acks: string[] = [];
  const beside: ObserveConnection = () => ({ acks: { next: ({ type }) => acks.push(type) }, ...observe() });
  for (let count = 1; count <= 3; count++) {
    const pair = await duo({ ...engines['tls13']!(), serverOptions: { observe: beside } }).open();
    t.teardown(pair.destroy);
    pair.server.write('x');
    t.equal((await record.collect()).sum('rxtls.server.connection.active'), count);
  }
  t.equal(acks.filter((type) => type === 'flushed').length, 3);
});

t.test('metrics (node): renegotiations of TLS 1.2, those that are allowed and those that are refused', async (t) => {
  const record = recorded(t);
  const limits = { renegotiation: { max: 1 } } as const;
  for (const serverLimits of [limits, {}]) {
    const options = measured(record, engines['node 1.2']!());
    const pair = await duo({
      ...options,
      clientOptions: { ...options.clientOptions, limits },
      serverOptions: { ...options.serverOptions, limits: serverLimits },
    }).open();
    t.teardown(pair.destroy);
    const { client, server } = pair;
    client.read();
    server.read();
    client.connection.updateKeys();
    client.write('behind it');
    await until(() => server.text === 'behind it' || client.isOver, 'the renegotiation, or its refusal');
  }
  const collected = await record.collect();
  const count = (role: string, outcome: string): number =>
    collected.sum(`rxtls.${role}.renegotiations`, { 'rxtls.outcome': outcome });
  t.same([count('client', 'allowed'), count('server', 'allowed'), count('server', 'refused')], [2, 1, 1]);
  t.equal(collected.sum('rxtls.server.renegotiations', { 'network.io.direction': 'receive' }), 2);
});
