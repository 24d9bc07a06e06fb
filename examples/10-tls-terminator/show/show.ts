import { X509Certificate } from 'node:crypto';
import { setTimeout as moment } from 'node:timers/promises';
import { type TestPki, testPki } from '@rxtls/testing';
import { filter, firstValueFrom, type Observable, timeout } from 'rxjs';
import type { Settings } from '../arguments.ts';
import type { EngineName } from '../engines.ts';
import type { News } from '../news.ts';
import { told } from '../told.ts';
import { type EchoBackend, echoBackend } from './echo-backend.ts';
import { Folder } from './folder.ts';
import { stay } from './stay.ts';
import { type Asked, type Visit, visit } from './visit.ts';

type Print = (line: string) => void;

interface Parts {
  readonly news: News;
  readonly print: Print;
  readonly pki: TestPki;
  readonly folder: Folder;
  readonly backends: readonly EchoBackend[];
}

/** A terminator that shows itself. The files, the backends and the clients are its own. */
export class Show {
  readonly settings: Settings;
  readonly #news: News;
  readonly #print: Print;
  readonly #pki: TestPki;
  readonly #folder: Folder;
  readonly #backends: readonly EchoBackend[];
  readonly #certificates: string[] = [];
  #port = 0;
  #left: Promise<void> | undefined;

  private constructor(settings: Settings, { news, print, pki, folder, backends }: Parts) {
    this.settings = settings;
    this.#news = news;
    this.#print = print;
    this.#pki = pki;
    this.#folder = folder;
    this.#backends = backends;
  }

  static async prepared(engine: EngineName, news: News, print: Print): Promise<Show> {
    const pki = await testPki();
    const folder = new Folder();
    const [alpha, beta, gamma, nobody] = [
      await echoBackend('alpha'),
      await echoBackend('beta'),
      await echoBackend('gamma'),
      await echoBackend('nobody'),
    ];
    nobody.server.close(); // its port answers nobody
    const files = (name: string) => ({ cert: folder.path(`${name}.crt`), key: folder.path(`${name}.key`) });
    const settings: Settings = {
      engine,
      host: '127.0.0.1',
      port: 0,
      routes: [
        { name: 'app.example', backend: alpha.at },
        { name: '*.b.example', alpn: 'h2', backend: beta.at },
        { name: '*.b.example', alpn: 'http/1.1', backend: gamma.at },
        { name: 'down.example', backend: nobody.at },
      ],
      certificates: { '*.example': files('example'), '*.b.example': files('b.example') },
      metrics: 0,
      deadline: 4_000,
      quiet: 800,
      idle: 20_000,
    };
    const show = new Show(settings, { news, print, pki, folder, backends: [alpha, beta, gamma] });
    await show.#renew('b.example', ['*.b.example']);
    await show.#renew();
    return show;
  }

  async run(port: number, metrics: string): Promise<void> {
    this.#port = port;
    await this.#routing();
    await this.#rotation();
    await this.#metrics(metrics);
    await this.#leaving();
  }

  /** When the terminator has ended: what became of those that were there when it was told to. */
  async ended(): Promise<void> {
    await this.#left;
  }

  close(): void {
    for (const { server } of this.#backends) server.close();
  }

  async #routing(): Promise<void> {
    this.#print('\nwho asks for what, and who answers');
    const asked: readonly (readonly [string, string?])[] = [
      ['app.example'],
      ['www.b.example', 'h2'],
      ['www.b.example', 'http/1.1'],
      ['www.b.example', 'smtp'],
      ['nobody.example'],
      ['down.example'],
    ];
    for (const [name, alpn] of asked) {
      const what = alpn === undefined ? name : `${name} ${alpn}`;
      const answer = await this.#visit(name, alpn === undefined ? {} : { alpn }).then(
        ({ backend }) => backend,
        (error: unknown) => `nobody: ${told(error)}`,
      );
      this.#print(`  ${what}: ${answer}`);
    }
  }

  async #rotation(): Promise<void> {
    this.#print(
      '\nclients come all the time; meanwhile three certificates, a key that matches none, and one more certificate',
    );
    const visits: Promise<Visit>[] = [];
    let isOver = false;
    const coming = (async () => {
      while (!isOver && visits.length < 400) {
        const one = this.#visit('app.example', { chunks: 16, pace: 10 });
        one.catch(() => undefined); // awaited below
        visits.push(one);
        await moment(40);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const serving = happens(this.#news.credentials.pipe(filter(({ type }) => type === 'swapped')));
      await this.#renew();
      await serving;
      await moment(200);
    }
    const refused = happens(this.#news.files.pipe(filter(({ event }) => event.type === 'rejected')));
    this.#folder.replace('example.key', (await this.#pki.issue()).keyPem);
    await refused;
    const serving = happens(this.#news.credentials.pipe(filter(({ type }) => type === 'swapped')));
    await this.#renew();
    await serving;
    await moment(200);
    isOver = true;
    await coming;
    const seen = await Promise.all(visits);
    const whole = seen.filter(({ isWhole }) => isWhole).length;
    this.#print(`${seen.length} clients, 64 KiB each way: ${whole} whole`);
    const by = this.#certificates.map((known) => seen.filter(({ certificate }) => certificate === known).length);
    this.#print(`by certificate: ${by.map((count, at) => `${count} by ${at + 1}`).join(', ')}`);
    if (whole < seen.length) throw new Error('not all that was sent came back');
  }

  async #metrics(url: string): Promise<void> {
    const text = await (await fetch(url)).text();
    this.#print('\nof the metrics');
    for (const line of text.split('\n'))
      if (/^rxtls_server_(?:credential_|connection_failures|connection_active)/.test(line)) this.#print(`  ${line}`);
  }

  /** Some who are not done, and one who stays whatever it is told. */
  async #leaving(): Promise<void> {
    this.#print('\nfour clients are not done, and one stays');
    const visits: Promise<Visit>[] = [];
    const connected = [1, 2, 3, 4].map(
      () =>
        new Promise<void>((resolve, reject) => {
          const one = this.#visit('app.example', { chunks: 16, pace: 50, connected: resolve });
          one.catch(reject);
          visits.push(one);
        }),
    );
    const one = stay({ port: this.#port, ca: this.#pki.authorityPem, name: 'app.example' });
    await Promise.all([...connected, one.connected]);
    this.#left = Promise.all([one.ended, ...visits]).then(([end, ...seen]) => {
      this.#print(
        `${seen.filter(({ isWhole }) => isWhole).length} of ${seen.length} were whole; who stayed saw: ${end}`,
      );
    });
    this.#left.catch(() => undefined); // awaited when the terminator has ended
  }

  #visit(name: string, more: Partial<Asked>): Promise<Visit> {
    return visit({ port: this.#port, ca: this.#pki.authorityPem, name, ...more });
  }

  async #renew(file = 'example', names = ['app.example', 'down.example']): Promise<void> {
    const { certificatePem, keyPem, leafDer } = await this.#pki.issue({ names });
    if (file === 'example') this.#certificates.push(new X509Certificate(leafDer).fingerprint256);
    this.#folder.replace(`${file}.crt`, certificatePem);
    this.#folder.replace(`${file}.key`, keyPem);
  }
}

/** Resolves with the first. Rejects where there is none for ten seconds. */
function happens<T>(events: Observable<T>): Promise<T> {
  const first = firstValueFrom(events.pipe(timeout(10_000)));
  first.catch(() => undefined); // awaited later
  return first;
}
