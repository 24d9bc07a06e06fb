import { createClient } from '@redis/client';

/** Where a Redis is: by its socket or by its URL. */
export interface RedisAddress {
  readonly path?: string;
  readonly url?: string;
}

export type Redis = ReturnType<typeof redisClient>;

const often = 100;

/** A client that fails at once while Redis is away, and looks for it again ten times a second. */
export function redisClient({ path, url }: RedisAddress) {
  const client = createClient({
    ...(url !== undefined && { url }),
    socket: {
      ...(path !== undefined && { path, tls: false as const }),
      connectTimeout: 2_000,
      reconnectStrategy: often,
    },
    disableOfflineQueue: true,
    commandOptions: { timeout: 2_000 },
  });
  // Told to nobody here: what is asked meanwhile fails, and whoever asked says so.
  return client.on('error', () => undefined);
}

/** Asks once whether it is there. @throws an Error that says what to do, without the password of a URL */
export async function mustAnswer({ path, url }: RedisAddress): Promise<void> {
  const socket = {
    ...(path !== undefined && { path, tls: false as const }),
    connectTimeout: 2_000,
    reconnectStrategy: false as const,
  };
  const client = createClient({ ...(url !== undefined && { url }), socket });
  client.on('error', () => undefined); // connect rejects with it
  try {
    await client.connect();
    await client.ping();
  } catch (cause) {
    const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
    throw new Error(`no Redis answers at ${url === undefined ? path : new URL(url).host}: ${reason}`, { cause });
  } finally {
    client.destroy();
  }
}
