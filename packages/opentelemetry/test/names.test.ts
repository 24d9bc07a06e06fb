// The README's tables are the instruments and the attributes, and what is said to be from the conventions is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { CertificateError, type TlsEvent } from '@rxtls/core';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import t, { type Test } from 'tap';
import { connectionMetrics } from '../src/index.ts';
import { type Collected, recorded } from '../../../test/observation/recorded.ts';

const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
/** Cells of the rows whose first is such a name. */
const rows = (name: RegExp): string[][] =>
  readme
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => name.test(first!));
const code = (cell: string): string[] => Array.from(cell.matchAll(/`([a-z_.]+\.[a-z_.]+)`/g), (match) => match[1]!);

/** One of everything that there is to be told, with all that it can hold. */
async function everything(t: Test): Promise<Collected> {
  const record = recorded(t);
  const { observe, failed, credentials, drained } = connectionMetrics(record.meter);
  const error = new CertificateError('expired', 'no');
  const events: TlsEvent[] = [
    { type: 'handshake', step: 'client-hello', milliseconds: 1 },
    { type: 'handshake', step: 'admitted', milliseconds: 2 },
    { type: 'task', name: 'verify', outcome: 'answered', milliseconds: 1 },
    { type: 'record', direction: 'received', contentType: 'handshake', bytes: 1 },
    { type: 'alert', direction: 'received', level: 'warning', description: 'user_canceled' },
    {
      type: 'handshake',
      step: 'negotiated',
      milliseconds: 3,
      version: 'TLSv1.3',
      cipherSuite: 'TLS_AES_128_GCM_SHA256',
      group: 'x25519',
      resumed: false,
    },
    { type: 'ticket', direction: 'received', kept: true },
    { type: 'key-update', direction: 'sent' },
    { type: 'renegotiation', direction: 'received', outcome: 'refused' },
    { type: 'limit', limit: 'maxTickets', used: 15, max: 16 },
    { type: 'keylog', line: 'CLIENT_RANDOM' },
    { type: 'ignored', bytes: 1 },
    { type: 'ended', milliseconds: 4, error },
  ];
  const { events: open } = observe();
  for (const event of events) open.next?.(event);
  observe().events.next?.({ type: 'ended', milliseconds: 5, error });
  failed.next({ error, info: {} });
  credentials.next({ type: 'swapped', generation: 1 });
  credentials.next({ type: 'loaded', generation: 1, checked: { validTo: new Date() } });
  credentials.next({ type: 'rejected', error });
  const ledger = { accepted: 1, sealed: 0, flushed: 0, refused: 0, lost: 1, outstanding: 0 };
  drained.next({ info: {}, ledger, outcome: 'cut' });
  return record.collect();
}

const instrumentOf = ({ dataPointType, ...metric }: MetricData): string => {
  if (dataPointType === DataPointType.HISTOGRAM) return 'histogram';
  if (dataPointType === DataPointType.GAUGE) return 'gauge';
  return 'isMonotonic' in metric && metric.isMonotonic ? 'counter' : 'up-down counter';
};
const attributesOf = ({ dataPoints }: MetricData): string[] =>
  [...new Set(dataPoints.flatMap(({ attributes }) => Object.keys(attributes)))].sort();

t.test("the README's table of metrics is what is exported, with its instruments, units and attributes", async (t) => {
  const { metrics } = await everything(t);
  const exported = metrics.map((metric) => [
    metric.descriptor.name,
    instrumentOf(metric),
    metric.descriptor.unit,
    attributesOf(metric),
  ]);
  const table = rows(/^`rxtls\.server\./).map(([name, instrument, unit, , attributes]) => [
    name!.replaceAll('`', ''),
    instrument,
    unit!.replaceAll('`', ''),
    code(attributes!).sort(),
  ]);
  t.ok(table.length > 10);
  t.same(table, exported);
  for (const { descriptor } of metrics) t.ok(descriptor.description.length > 5, descriptor.name);
});

t.test(
  'attributes: those of the conventions are by their names there, the others have our namespace, and all are in the README',
  async (t) => {
    const values = new Set<unknown>(Object.values(conventions));
    const used = [...new Set((await everything(t)).metrics.flatMap(attributesOf))];
    const [theirs, ours] = [
      used.filter((name) => !name.startsWith('rxtls.')),
      used.filter((name) => name.startsWith('rxtls.')),
    ];
    t.same(
      theirs.filter((name) => !values.has(name)),
      [],
      'each is a constant of the package of the conventions',
    );
    const listed = rows(/^`(tls|network|error)\.|^`rxtls\.(?!server)/).map(([name]) => name!.replaceAll('`', ''));
    t.same([...listed].sort(), [...theirs, ...ours].sort());
    t.ok(values.has('receive') && values.has('transmit') && values.has('_OTHER'), 'and their values');
  },
);

t.test('names: by the rules of the conventions, and none that they have taken', async (t) => {
  const { names } = await everything(t);
  const taken = new Set<unknown>(
    Object.entries(conventions).flatMap(([key, value]) => (key.startsWith('METRIC_') ? [value] : [])),
  );
  t.ok(taken.size > 100);
  t.same(
    names.filter((name) => taken.has(name) || !/^rxtls\.server(\.[a-z]+(_[a-z]+)*)+$/.test(name)),
    [],
  );
  t.notOk(
    [...taken].some((name) => String(name).startsWith('tls.')),
    'if there are metrics of TLS one day, they are to be taken',
  );
});
