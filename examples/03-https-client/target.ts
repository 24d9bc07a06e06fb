import { readFile } from 'node:fs/promises';
import { ApiMisuseError, type TlsEngineFactory } from '@rxtls/core';
import type { Arguments } from './arguments.ts';
import { clientEngine } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** Where to connect, by which engine, and what to ask for. */
export interface Target {
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly engine: TlsEngineFactory<'client'>;
  /** What the field Host says. */
  readonly authority: string;
  /** Asked for one after the other: by hand a connection each, by the agent on as few as will do. */
  readonly pathsByHand: readonly string[];
  readonly pathsByAgent: readonly string[];
  stop(): void;
}

/** A server of our own on loopback, or the one that the arguments name. @throws UsageError for a file that cannot be read */
export const targetOf = (options: Arguments): Promise<Target> =>
  options.url === undefined ? demonstration(options) : elsewhere(options, options.url);

async function demonstration({ engine }: Arguments): Promise<Target> {
  // Here alone: asking elsewhere makes no certificates.
  const { webServer } = await import('./web-server.ts');
  const server = await webServer();
  const { port, authority: ca } = server;
  const paths = ['/', '/chunked', '/until-the-end'];
  return {
    endpoint: { host: '127.0.0.1', port },
    engine: clientEngine(engine, { serverName: 'localhost', port, ca, alpnProtocols: ['http/1.1'] }),
    authority: `localhost:${port}`,
    pathsByHand: paths,
    pathsByAgent: [...paths, '/again'],
    stop: () => server.close(),
  };
}

async function elsewhere({ engine, ca }: Arguments, url: URL): Promise<Target> {
  const serverName = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port || 443);
  const trust = ca === undefined ? {} : { ca: await authorities(ca) };
  const path = `${url.pathname}${url.search}`;
  return {
    endpoint: { host: serverName, port },
    engine: asked(() => clientEngine(engine, { serverName, port, ...trust, alpnProtocols: ['http/1.1'] })),
    authority: url.host,
    pathsByHand: [path],
    pathsByAgent: [path, path, path],
    stop: () => undefined,
  };
}

/** The engine checks its options itself, and speaks of them by their names. */
function asked<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ApiMisuseError)) throw error;
    throw new UsageError(error.message.replace(/^ca\b/, '--ca FILE').replace(/^serverName\b/, '--url'), {
      cause: error,
    });
  }
}

async function authorities(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const words = { ENOENT: 'no such file', EISDIR: 'it is a folder', EACCES: 'permission denied' }[code ?? ''];
    throw new UsageError(`--ca ${JSON.stringify(file)}: ${words ?? message}`, { cause: error });
  }
}
