// What each engine tells, on a connection that does everything it can, and on one that fails; and that it makes no event
// while nobody observes.
import type { TlsEvent } from '@rxtls/core/engine';
import { LiveSink } from '@rxtls/core/engine-parts';
import t from 'tap';
import { EventStream } from '../../packages/core/src/event-stream.ts';
import { duo, type DuoOptions, type Side, until } from '../rules-node/bench.ts';
import { disjoint, engines, refusing } from './engines.ts';
import { talk } from './talk.ts';

t.setTimeout(120_000);

/** An event in a few words. */
function words(event: TlsEvent): string {
  const direction = 'direction' in event ? ` ${event.direction}` : '';
  if (event.type === 'handshake') return `handshake ${event.step}`;
  if (event.type === 'alert') return `alert${direction} ${event.description}`;
  if (event.type === 'task') return `task ${event.name} ${event.outcome}`;
  if (event.type === 'ticket') return `ticket${direction}${event.kept === undefined ? '' : ` ${event.kept}`}`;
  if (event.type === 'keylog') return `keylog ${event.line.split(' ')[0]}`;
  if (event.type === 'ended') return `ended ${event.error?.name ?? 'cleanly'}`;
  return `${event.type}${direction}`;
}

const all = (side: Side): string[] => [...new Set(side.events.map(words))].sort();

/** Both ends write, one updates its keys where it can, both close. */
async function everything(options: DuoOptions): Promise<readonly [Side, Side]> {
  const { client, server } = await duo(options).open();
  await talk(client, server);
  return [client, server];
}

const always = [
  'alert received close_notify',
  'alert sent close_notify',
  'ended cleanly',
  'handshake negotiated',
  'record received',
  'record sent',
];
const asServer = ['handshake admitted', 'handshake client-hello'];
const asClient = ['task verify answered'];
const keys13 = [
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'EXPORTER_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_TRAFFIC_SECRET_0',
].map((label) => `keylog ${label}`);
const expected: Readonly<Record<string, { readonly client: readonly string[]; readonly server: readonly string[] }>> = {
  // OpenSSL through Node shows neither its KeyUpdates nor the tickets that it sends.
  'node 1.3': { client: [...keys13, 'ticket received true'], server: keys13 },
  'node 1.2': { client: ['keylog CLIENT_RANDOM', 'ticket received true'], server: ['keylog CLIENT_RANDOM'] },
  tls13: {
    client: [...keys13, 'key-update received', 'key-update sent', 'ticket received true'],
    server: [...keys13, 'key-update received', 'key-update sent', 'ticket sent'],
  },
  // node-forge resumes by session identifiers: there are no tickets.
  forge: { client: ['keylog CLIENT_RANDOM'], server: ['keylog CLIENT_RANDOM'] },
};

for (const [name, engine] of Object.entries(engines))
  t.test(`events (${name}): everything that happened is told, on both sides`, async (t) => {
    const [client, server] = await everything(engine());
    t.same(all(client), [...always, ...asClient, ...expected[name]!.client].sort());
    t.same(all(server), [...always, ...asServer, ...expected[name]!.server].sort());
    for (const { events } of [client, server]) {
      t.ok(events.every((event) => Object.isFrozen(event)));
      const agreed = events.find((event) => event.type === 'handshake' && event.step === 'negotiated');
      t.match(agreed, { cipherSuite: /^TLS_/, resumed: false, milliseconds: Number });
      t.equal(events.at(-1)?.type, 'ended');
    }
  });

for (const [name, engine] of Object.entries(engines))
  t.test(`events (${name}): a refused peer is told by a task, an alert where one is sent, and the end`, async (t) => {
    const options = engine();
    const { client, server } = duo({ ...options, ...refusing[name]!() });
    await until(() => client.isOver && server.isOver, 'the end');
    t.match(client.events.at(-1), {
      type: 'ended',
      error: { name: 'CertificateError', phase: 'verification' },
      milliseconds: Number,
    });
    t.ok(
      client.events.some((event) => event.type === 'task' && event.name === 'verify' && event.outcome === 'answered'),
    );
    // Node can send no alert of ours.
    const sent = name.startsWith('node') ? 0 : 1;
    t.equal(client.events.filter((event) => event.type === 'alert' && event.direction === 'sent').length, sent);
    t.equal(server.events.filter((event) => event.type === 'alert' && event.direction === 'received').length, sent);
    t.equal(server.events.at(-1)?.type, 'ended');
  });

t.test('events (node): an alert in the clear is told by who sends it and by who hears it', async (t) => {
  const { client, server } = duo(disjoint());
  await until(() => client.isOver && server.isOver, 'the end');
  const description = 'protocol_version';
  const alert = (side: Side): unknown => side.events.find(({ type }) => type === 'alert');
  t.same(alert(server), { type: 'alert', direction: 'sent', level: 'fatal', description });
  t.same(alert(client), { type: 'alert', direction: 'received', level: 'fatal', description });
});

t.test('events (node, tls13, forge): while nobody observes, no event is made', async (t) => {
  const counted = { core: 0, engines: 0 };
  const next = Reflect.get(EventStream.prototype, 'next') as (this: EventStream, event: TlsEvent) => void;
  const event = Reflect.get(LiveSink.prototype, 'event') as (this: LiveSink, event: TlsEvent) => void;
  EventStream.prototype.next = function (value) {
    counted.core++;
    next.call(this, value);
  };
  LiveSink.prototype.event = function (value) {
    counted.engines++;
    event.call(this, value);
  };
  t.teardown(() => {
    EventStream.prototype.next = next;
    LiveSink.prototype.event = event;
  });
  for (const [name, engine] of Object.entries(engines))
    for (const isObserved of [false, true]) {
      Object.assign(counted, { core: 0, engines: 0 });
      const observe = { events: isObserved ? {} : (undefined as never) };
      const { clientOptions, serverOptions, ...rest } = engine();
      await everything({
        ...rest,
        clientOptions: { ...clientOptions, observe },
        serverOptions: { ...serverOptions, observe },
      });
      if (isObserved) t.ok(counted.core > 10 && counted.engines > 10, `${name}: the same with an observer`);
      else t.same(counted, { core: 0, engines: 0 }, name);
    }
});
