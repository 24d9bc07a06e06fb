import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Chain } from '../pki.ts';
import { suite } from './setting.ts';

export const tlsOptions = { ciphers: suite, minVersion: 'TLSv1.3', ecdhCurve: 'X25519' } as const;

/** Made once, as whoever connects often does. */
export const clientContext = ({ authority }: Chain): SecureContext =>
  createSecureContext({ ...tlsOptions, ca: authority });

/** The newest session of a client. */
export class TlsSessions {
  #newest: Buffer | undefined;

  offer(resume: boolean): { readonly session?: Buffer } {
    return resume && this.#newest !== undefined ? { session: this.#newest } : {};
  }

  keepFrom(socket: TLSSocket): void {
    socket.on('session', (session) => (this.#newest = session));
  }
}
