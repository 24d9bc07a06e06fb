import { readFile } from 'node:fs/promises';
import type { Arguments } from './arguments.ts';
import { clientEngine, type Identity } from './engines.ts';
import type { Journey } from './journey.ts';
import { UsageError } from './usage-error.ts';

/** What the command line and the environment say. @throws UsageError */
export async function elsewhere({ engine, proxyCa, ca }: Arguments, proxy: URL, origin: URL): Promise<Journey> {
  const [user, ...password] = (process.env['PROXY_CREDENTIALS'] ?? '').split(':');
  if (user !== '' && password.length === 0) throw new UsageError('PROXY_CREDENTIALS: USER:PASSWORD is wanted');
  return {
    proxy: { host: host(proxy), port: Number(proxy.port || 443) },
    outer: clientEngine(engine, await identity(proxy, '--proxy-ca', proxyCa)),
    ...(user && { credentials: { user, password: password.join(':') } }),
    target: `${origin.hostname}:${origin.port || 443}`,
    path: `${origin.pathname}${origin.search}`,
    inner: clientEngine(engine, await identity(origin, '--ca', ca)),
  };
}

const host = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

async function identity(url: URL, option: string, file: string | undefined): Promise<Identity> {
  const serverName = host(url);
  if (file === undefined) return { serverName };
  try {
    return { serverName, ca: await readFile(file) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const words = { ENOENT: 'no such file', EISDIR: 'it is a folder', EACCES: 'permission denied' }[code ?? ''];
    throw new UsageError(`${option} ${JSON.stringify(file)}: ${words ?? message}`, { cause: error });
  }
}
