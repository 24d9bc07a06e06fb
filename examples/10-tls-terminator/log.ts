import type { DrainedConnection } from '@rxtls/core';
import type { News } from './news.ts';
import { told } from './told.ts';

/** Tells what happens, a line each. */
export function log({ files, credentials, failed, drained }: News, print: (line: string) => void): void {
  files.subscribe(({ name, event }) => {
    if (event.type === 'loaded') {
      const { fingerprint256 = '', validTo } = event.checked ?? {};
      print(`${name}: certificate ${fingerprint256.slice(0, 11)}… until ${validTo?.toISOString()}`);
    } else if (event.type === 'rejected') print(`${name}: not used: ${told(event.error)}`);
    else if (event.type === 'recovered') print(`${name}: the files are again what is in use`);
    else print(`${name}: the certificate ${event.expired ? 'has expired' : 'expires'}: ${event.validTo.toISOString()}`);
  });
  credentials.subscribe((event) => {
    if (event.type === 'swapped') print(`generation ${event.generation} serves new connections`);
    else if (event.type === 'rejected') print(`not used: ${told(event.error)}`);
  });
  failed.subscribe(({ error, info }) => print(`${info.remote} failed: ${told(error)}`));

  const ended = { closed: 0, failed: 0, cut: 0 };
  const bytes = { accepted: 0, flushed: 0, lost: 0, refused: 0 };
  drained.subscribe({
    next({ info, outcome, ledger }: DrainedConnection) {
      ended[outcome]++;
      for (const name of ['accepted', 'flushed', 'lost', 'refused'] as const) bytes[name] += ledger[name];
      if (outcome === 'cut') print(`${info.remote} cut at the deadline, ${ledger.lost} bytes lost`);
    },
    complete() {
      print(`drained: ${ended.closed} closed, ${ended.failed} failed, ${ended.cut} cut at the deadline`);
      print(
        `ledger: ${Object.entries(bytes)
          .map(([name, count]) => `${count} ${name}`)
          .join(', ')} bytes`,
      );
    },
  });
}
