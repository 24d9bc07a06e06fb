// A meter that is broken ends no connection, and what cannot be is refused at once.
import { createNoopMeter, type Meter, metrics } from '@opentelemetry/api';
import type { TlsEvent } from '@rxtls/core';
import t from 'tap';
import { engines } from '../../../test/observation/engines.ts';
import { duo, until } from '../../../test/rules-node/bench.ts';
import { type ConnectionMetrics, connectionMetrics, type ConnectionMetricsOptions } from '../src/index.ts';
import { recorded } from '../../../test/observation/recorded.ts';

t.setTimeout(60_000);

const fails = (): never => {
  throw new Error('the meter is broken');
};
/** Whatever is asked of it. */
const brokenMeter = (instrument: () => unknown): Meter => new Proxy({} as Meter, { get: () => instrument });
const throwing = brokenMeter(() => ({ add: fails, record: fails }));

/** A connection that says something and ends cleanly. */
async function converse({ observe }: ConnectionMetrics): Promise<readonly unknown[]> {
  const { client, server } = await duo({ ...engines['tls13']!(), serverOptions: { observe } }).open();
  server.read();
  client.read();
  client.write('hello');
  await until(() => server.text === 'hello', 'what was written');
  client.connection.close().subscribe();
  server.connection.close().subscribe();
  await until(() => client.isOver && server.isOver, 'the end');
  return [client.error, server.error];
}

for (const [title, meter, told] of [
  ['every instrument throws', throwing, true],
  ['no instrument can be made', brokenMeter(fails), true],
  ['instruments are not what they should be', brokenMeter(() => undefined), true],
  ['it does nothing', createNoopMeter(), false],
] as const)
  t.test(`a meter: ${title}: no connection ends by it`, async (t) => {
    const heard: unknown[] = [];
    const metrics = connectionMetrics(meter, { meterFailed: (error) => heard.push(error) });
    t.same(await converse(metrics), [undefined, undefined]);
    metrics.failed.next({ error: undefined, info: {} });
    metrics.credentials.next({ type: 'swapped', generation: 1 });
    metrics.credentials.next({ type: 'loaded', generation: 1, checked: { validTo: new Date() } });
    metrics.credentials.next({ type: 'rejected', error: new Error('no') });
    const ledger = { accepted: 1, sealed: 0, flushed: 0, refused: 0, lost: 1, outstanding: 0 };
    metrics.drained.next({ info: {}, ledger, outcome: 'cut' });
    t.equal(heard.length > 0, told, 'whoever wants to know is told');
    t.same(await converse(connectionMetrics(meter, { meterFailed: fails })), [undefined, undefined], 'and may throw');
    t.same(await converse(connectionMetrics(meter)), [undefined, undefined], 'or nobody wants to know');
  });

t.test('a meter: one instrument that cannot be made leaves the others be', async (t) => {
  const { meter, collect } = recorded(t);
  const heard: unknown[] = [];
  const half = new Proxy(meter, {
    get: (target, name: keyof Meter) => (name === 'createHistogram' ? fails : target[name].bind(target)),
  });
  t.same(await converse(connectionMetrics(half, { meterFailed: (error) => heard.push(error) })), [
    undefined,
    undefined,
  ]);
  const { names } = await collect();
  t.ok(names.includes('rxtls.server.io'));
  t.notOk(names.includes('rxtls.server.handshake.duration'));
  t.equal(heard.length, 4, 'each histogram, once');
});

t.test("a meter: the API's global one measures from the provider on, and never if it was made before", async (t) => {
  const record = recorded(t);
  const early = connectionMetrics(metrics.getMeter('rxtls'), { attributes: { made: 'early' } });
  metrics.setGlobalMeterProvider({ getMeter: () => record.meter });
  t.teardown(() => metrics.disable());
  const late = connectionMetrics(metrics.getMeter('rxtls'), { attributes: { made: 'late' } });
  for (const { failed } of [early, late]) failed.next({ error: 'x', info: {} });
  t.same((await record.collect()).series('rxtls.server.connection.failures'), [
    [{ made: 'late', 'error.type': '_OTHER' }, 1],
  ]);
});

t.test('options: what cannot be is refused when it is given', async (t) => {
  const meter = createNoopMeter();
  const refused = (pattern: RegExp, ...input: readonly unknown[]): void => {
    const [own = meter, options] = input;
    t.throws(() => connectionMetrics(own as Meter, options as ConnectionMetricsOptions), {
      name: 'ApiMisuseError',
      message: pattern,
    });
  };
  for (const meter of [null, {}, 'meter', { getMeter: createNoopMeter }]) refused(/takes a meter/, meter);
  for (const options of [null, 1, 'server']) refused(/needs an object of options/, meter, options);
  refused(/no option "Role"/, meter, { Role: 'server' });
  for (const role of ['', 'both']) refused(/role must be/, meter, { role });
  for (const attributes of ['', 0]) refused(/attributes must be an object/, meter, { attributes });
  for (const value of [null, undefined, ['a'], {}, () => 'a', 1n])
    refused(/attributes: 'server.port' must be/, meter, { attributes: { 'server.port': value } });
  for (const meterFailed of ['log', {}]) refused(/meterFailed must be a function/, meter, { meterFailed });
  for (const name of ['role', 'attributes', 'meterFailed'])
    refused(new RegExp(`connectionMetrics: ${name} must not be null`), meter, { [name]: null });
  t.doesNotThrow(() => connectionMetrics(meter, {}));
  t.doesNotThrow(
    () => connectionMetrics(meter, Object.create({ role: 'nobody' }) as object),
    'what is inherited is no option',
  );
});

t.test(
  'attributes: what all have in common is copied, goes with every number, and hides nothing of ours',
  async (t) => {
    const record = recorded(t);
    const attributes = { 'server.port': 8443, 'error.type': 'ours' };
    const { failed, credentials } = connectionMetrics(record.meter, { attributes, role: 'client' });
    attributes['server.port'] = 1;
    failed.next({ error: 'x', info: {} });
    credentials.next({ type: 'swapped', generation: 7 });
    const collected = await record.collect();
    t.same(collected.series('rxtls.client.connection.failures'), [
      [{ 'server.port': 8443, 'error.type': '_OTHER' }, 1],
    ]);
    t.same(collected.series('rxtls.client.credential.generation'), [
      [{ 'server.port': 8443, 'error.type': 'ours' }, 7],
    ]);
  },
);

t.test(
  'io: bytes are told by the 64 KiB or the 32 records of all connections, and whenever anything else happens',
  async (t) => {
    const record = recorded(t);
    const { observe } = connectionMetrics(record.meter);
    const connections = [observe().events, observe().events];
    const passes = async (count: number, bytes: number): Promise<number> => {
      for (let index = 0; index < count; index++)
        connections[index % 2]!.next?.({
          type: 'record',
          direction: 'received',
          contentType: 'applicationData',
          bytes,
        });
      return (await record.collect()).sum('rxtls.server.io');
    };
    t.equal(await passes(31, 95), 0);
    t.equal(await passes(1, 95), 32 * 100);
    t.equal(await passes(1, 65_530), 32 * 100, 'one byte less');
    t.equal(await passes(2, 0), 32 * 100 + 65_535 + 5, 'and the next waits');
    connections[0]!.next?.({ type: 'ended', milliseconds: 1 });
    t.equal(await passes(0, 0), 32 * 100 + 65_535 + 10);
    connections[1]!.next?.({ type: 'ignored', bytes: 1 });
    t.equal(await passes(0, 0), 32 * 100 + 65_535 + 10, 'each byte once');
  },
);

t.test(
  'low cardinality: nothing that a peer chooses freely becomes an attribute, and no line of a key log',
  async (t) => {
    const record = recorded(t);
    const observer = connectionMetrics(record.meter).observe().events;
    const tell = (event: TlsEvent): void => observer.next?.(event);
    for (let number = 0; number < 256; number++)
      tell({ type: 'alert', direction: 'received', level: 'fatal', description: number });
    for (let bytes = 0; bytes < 256; bytes++)
      tell({ type: 'record', direction: 'received', contentType: 'handshake', bytes });
    for (let bytes = 0; bytes < 256; bytes++) tell({ type: 'ignored', bytes });
    for (let used = 75; used < 100; used++) tell({ type: 'limit', limit: 'maxClientHelloBytes', used, max: 100 });
    tell({ type: 'keylog', line: 'CLIENT_RANDOM 00 11' });
    const collected = await record.collect();
    t.same(collected.names, [
      'rxtls.server.alerts',
      'rxtls.server.handshake.active',
      'rxtls.server.io',
      'rxtls.server.limit.warnings',
    ]);
    for (const name of collected.names) t.equal(collected.series(name).length, 1, name);
    t.equal(collected.sum('rxtls.server.alerts', { 'rxtls.alert.description': 'unknown' }), 256);
  },
);

t.test(
  'low cardinality: server names, protocols, addresses and certificates are in no attribute of a real connection',
  async (t) => {
    const record = recorded(t);
    for (const [name, engine] of Object.entries(engines)) {
      const [client, server] = [connectionMetrics(record.meter, { role: 'client' }), connectionMetrics(record.meter)];
      const options = engine();
      const pair = await duo({
        ...options,
        clientOptions: { ...options.clientOptions, observe: client.observe },
        serverOptions: { ...options.serverOptions, observe: server.observe },
      }).open();
      t.teardown(pair.destroy);
      t.ok(pair.client.connection.negotiated.peer.chain.length > 0, name);
    }
    const allowed = /^(\d(\.\d)?|true|false|TLS_\w+|[\w-]{4,24}|receive|transmit|warning|fatal)$/;
    const { metrics } = await record.collect();
    const values = metrics.flatMap(({ dataPoints }) =>
      dataPoints.flatMap(({ attributes }) => Object.values(attributes)),
    );
    t.ok(values.length > 20);
    for (const value of new Set(values)) t.match(String(value), allowed);
    t.notMatch(JSON.stringify(metrics), /localhost|BEGIN|CLIENT_|memory/);
  },
);
