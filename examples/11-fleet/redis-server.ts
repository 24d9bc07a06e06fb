import { spawn } from 'node:child_process';

/** A redis-server of our own: in memory alone, and nobody else can reach it. */
export interface RedisServer {
  readonly path: string;
  /** At once, as a machine dies; it resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts the redis-server on PATH, with its socket in that folder; it ends with this process. */
export async function redisServer(folder: string): Promise<RedisServer> {
  const path = `${folder}/redis.sock`;
  // No port, no file: the keys are in its memory, behind a socket that is this user's.
  const only = ['--port', '0', '--unixsocket', path, '--unixsocketperm', '700', '--dir', folder];
  const child = spawn('redis-server', [...only, '--save', '', '--appendonly', 'no', '--maxmemory', '16mb'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  process.once('exit', () => void child.kill('SIGKILL'));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_096);
      if (/ready to accept connections/i.test(said)) resolve();
    });
    child.once('error', (cause) =>
      reject(new Error('redis-server cannot be started: install it, or give --redis URL', { cause })),
    );
    child.once('close', (code) => reject(new Error(`redis-server ended (${code}): ${said.trim().split('\n').at(-1)}`)));
  });
  return {
    path,
    kill: () => {
      child.kill('SIGKILL');
      return gone;
    },
  };
}
