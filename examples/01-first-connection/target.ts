import { readFile } from 'node:fs/promises';
import type { Arguments } from './arguments.ts';
import type { Endpoint } from './endpoint.ts';
import type { Engine, Identity } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** Where to connect, as whom to verify it, and what to say. */
export interface Target {
  readonly endpoint: Endpoint;
  readonly engine: Engine;
  readonly identity: Identity;
  readonly messages: AsyncIterable<Uint8Array>;
  /** Milliseconds of silence after the last message before our side closes. */
  readonly wait: number;
  stop(): void;
}

/** A server of our own on loopback, and three lines for it; it closes after the third. */
export async function demonstration(engine: Engine): Promise<Target> {
  // Here alone: connecting elsewhere makes no certificates.
  const { plainServer } = await import('./plain-server.ts');
  const server = await plainServer(engine);
  return {
    endpoint: { host: '127.0.0.1', port: server.port },
    engine,
    identity: {
      serverName: 'localhost',
      ca: server.authority,
      ...(engine.hasAlpn && { alpnProtocols: ['small-talk'] }),
    },
    messages: each(['hello\n', 'cheers\n', 'bye\n'].map((text) => Buffer.from(text))),
    wait: 5_000,
    stop: () => server.close(),
  };
}

/** What the command line says. @throws UsageError for a file that cannot be read */
export async function elsewhere(options: Arguments, connect: Endpoint): Promise<Target> {
  const { engine, ca, alpn, send, stdin, wait, serverName = connect.host.replace(/%.*$/, '') } = options;
  return {
    endpoint: connect,
    engine,
    identity: {
      serverName,
      port: connect.port,
      ...(alpn.length > 0 && { alpnProtocols: alpn }),
      ...(ca !== undefined && { ca: await authorities(ca) }),
    },
    messages: stdin ? process.stdin : each(send === undefined ? [] : [Buffer.from(send)]),
    wait,
    stop: () => stdin && process.stdin.destroy(),
  };
}

async function* each(messages: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* messages;
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
