// What every transport promises, over everything that this package adapts.
import { Worker } from 'node:worker_threads';
import { transportCompliance, type TransportComplianceOptions } from '@rxtls/testing';
import { fromMessagePort } from '@rxtls/transport-streams';
import t from 'tap';
import { channelEnds, duplexEnds, pairOf, portEnds, socketEnds, webEnds } from './pairs.ts';

const bound = 2 * 1024 * 1024;

const transports: Record<string, TransportComplianceOptions> = {
  'WHATWG streams': { bound, pair: () => pairOf(webEnds()) },
  'a MessageChannel': { bound, pair: () => pairOf(portEnds()) },
  'a data channel (a fake)': { bound, pair: () => pairOf(channelEnds()) },
  'a Node Duplex': { bound, pair: () => pairOf(duplexEnds()) },
  'a net.Socket': { bound: 16 * 1024 * 1024, pair: () => pairOf(socketEnds()) },
};

for (const [name, options] of Object.entries(transports))
  t.test(`over ${name}`, (t) => {
    for (const promise of transportCompliance({ timeout: 5_000, ...options }))
      t.test(promise.name, () => promise.run());
    t.end();
  });

t.test('over a MessageChannel through a worker, which passes everything on between two of them', (t) => {
  const worker = new Worker(new URL('./relay-worker.ts', import.meta.url));
  t.teardown(() => worker.terminate());
  const pair: TransportComplianceOptions['pair'] = () => {
    const [ours, theirs] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage([ours.port2, theirs.port2], [ours.port2, theirs.port2]);
    return pairOf([fromMessagePort(ours.port1), fromMessagePort(theirs.port1)]);
  };
  // `taken` says here that the worker has the bytes, and it may hold a window of them in each direction and port
  for (const promise of transportCompliance({ bound, pair, timeout: 5_000 })) t.test(promise.name, () => promise.run());
  t.end();
});
