import { createHash, randomBytes } from 'node:crypto';
import { RESP_TYPES } from '@redis/client';
import { type TicketKeys, ticketKeyBytes } from '@rxtls/core';
import type { Redis } from './redis.ts';

/** How many slots of time a ticket outlives its own. */
export const keep = 2;

/** The keys of a whole fleet for the time being. */
export interface SharedKeys {
  /** Which they are, and no secret: the slot, and a hash, since a Redis that has lost its memory gets new ones for it. */
  readonly slot: number;
  readonly id: string;
  readonly ticketKeys: TicketKeys;
}

/**
 * Time is cut into slots of `every` milliseconds by Redis's clock, and each has a key. Whoever finds a slot without one
 * offers its own, `SET … NX` takes the first, and all read what stands there: there is no leader, and no lock to lose. The
 * next slot's key is there a slot early, so that all can open what the first one of them seals with it; Redis forgets a
 * key when its last ticket may go. @throws when Redis is away
 */
export async function sharedKeys(redis: Redis, every: number): Promise<SharedKeys> {
  const [seconds, microseconds] = await redis.time();
  const slot = Math.floor((Number(seconds) * 1_000 + Number(microseconds) / 1_000) / every);
  const name = (at: number): string => `rxtls-fleet:${every}:${at}`;
  for (const at of [slot, slot + 1]) {
    const mine = randomBytes(ticketKeyBytes);
    const expiration = { type: 'PXAT', value: (at + 1 + keep) * every } as const;
    await redis.set(name(at), mine, { condition: 'NX', expiration });
    mine.fill(0);
  }
  const wanted = [slot, slot + 1, ...Array.from({ length: keep }, (_, back) => slot - 1 - back)];
  const bytes = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const [current, ...others] = await bytes.mGet(wanted.map(name));
  if (!current) throw new Error('Redis has lost the key that was just written');
  const previous = others.filter((key) => key !== null && key !== undefined);
  return { slot, id: createHash('sha256').update(current).digest('hex'), ticketKeys: { current, previous } };
}
