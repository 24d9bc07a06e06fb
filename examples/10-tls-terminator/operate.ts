import type { ListeningAddress } from '@rxtls/transport-tcp';
import { lastValueFrom, merge, type Observable, Subject } from 'rxjs';
import type { Arguments, Settings } from './arguments.ts';
import { log } from './log.ts';
import { type MetricsPage, metricsPage } from './metrics-page.ts';
import { News } from './news.ts';
import { stopSignal } from './stop-signal.ts';

/** What a terminator has to do with. */
export interface Surroundings {
  /** Hears of what happens. */
  readonly news: News;
  /** What is to be observed of each connection. */
  readonly observing: Partial<Pick<MetricsPage, 'observe'>>;
  /** Emits when it is to end. */
  readonly stop: Observable<unknown>;
  readonly listening: (address: ListeningAddress) => void;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs a terminator until it has ended, by itself or by a signal; without settings it is shown. */
export async function operate(
  { engine, settings }: Arguments,
  terminator: (settings: Settings, surroundings: Surroundings) => Observable<unknown>,
): Promise<void> {
  process.stdout.on('error', () => undefined); // who read the log is gone, and that ends nobody's connection
  const news = new News();
  log(news, print);
  // Loaded here: a terminator that is used needs nothing of it.
  const show = settings ? undefined : await (await import('./show/show.ts')).Show.prepared(engine, news, print);
  const own = settings ?? show!.settings;
  const page = own.metrics === undefined ? undefined : await metricsPage(own.metrics, news);
  const failed = new Subject<never>();
  const stop = merge(
    failed,
    stopSignal((signal) => print(`${signal}: nobody else is let in`)),
  );
  const listening = ({ host, port }: ListeningAddress): void => {
    print(`terminating TLS on ${host}:${port}, engine ${own.engine}`);
    for (const { name, alpn, backend } of own.routes)
      print(`  ${[name, ...(alpn === undefined ? [] : [alpn])].join('/')} to ${backend.host}:${backend.port}`);
    if (page !== undefined) print(`metrics on ${page.url}`);
    show?.run(port, page!.url).then(
      () => process.kill(process.pid, 'SIGTERM'),
      (error: unknown) => failed.error(error),
    );
  };
  try {
    const observing = page === undefined ? {} : { observe: page.observe };
    await lastValueFrom(terminator(own, { news, observing, stop, listening }), { defaultValue: undefined });
    await show?.ended();
  } finally {
    await page?.close();
    show?.close();
  }
}
