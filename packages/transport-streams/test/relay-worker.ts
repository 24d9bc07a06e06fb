// A worker that connects pairs of ports: what comes in at one goes out at the other, at the pace of whoever reads there.
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { ByteDuplex } from '@rxtls/core';
import { fromMessagePort } from '@rxtls/transport-streams';
import { combineLatest } from 'rxjs';

function pass(from: ByteDuplex, to: ByteDuplex): void {
  let owed = 0;
  to.sink.demand.subscribe({
    next: (demand) => {
      if (demand <= owed) return;
      const more = demand - owed;
      owed = demand;
      from.source.request(more);
    },
    error: (error: unknown) => from.sink.abort(error),
  });
  from.source.bytes.subscribe({
    next: (bytes) => {
      owed -= bytes.length;
      to.sink.write(bytes);
    },
    complete: () => to.sink.end(),
    error: (error: unknown) => to.sink.abort(error),
  });
}

parentPort!.on('message', ([one, other]: [MessagePort, MessagePort]) => {
  combineLatest([fromMessagePort(one), fromMessagePort(other)]).subscribe({
    next: ([a, b]) => {
      pass(a, b);
      pass(b, a);
    },
    error: () => undefined, // a pair that was aborted; the next one is another
  });
});
