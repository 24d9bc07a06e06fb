import type { TlsHost } from '@rxtls/core/engine';
import { drawBytes } from './crypto/draw-bytes.ts';

/** Random bytes of the host, a copy of our own: what is wiped here stays what it was there. @throws EngineFailureError for a wrong length */
export const hostRandom = (host: TlsHost, length: number, label: string): Uint8Array =>
  drawBytes((bytes, use) => host.random(bytes, use), length, label);
