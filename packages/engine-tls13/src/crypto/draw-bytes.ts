import { EngineFailureError } from '@rxtls/core/engine';
import type { RandomBytes } from './crypto-provider.ts';

/** Our own copy of what was drawn, to be wiped without touching what the host may keep. @throws EngineFailureError for a wrong length. */
export function drawBytes(random: RandomBytes, length: number, label: string): Uint8Array {
  const drawn = random(length, label);
  if (drawn.length !== length)
    throw new EngineFailureError(`${drawn.length} random bytes came for ${label}, where ${length} were asked for`);
  return Uint8Array.from(drawn);
}
