import { CertificateError, type EngineTask, type TlsError } from '../engine/index.ts';
import type { Authenticated } from './peer-verification.ts';

/** The task that asks the user's `verify`; it is settled once, and only `true` accepts. */
export function verifyTask(
  { peer, resumed, serverName, verify }: Authenticated,
  settled: (error?: TlsError) => void,
): EngineTask {
  let open = true;
  const settle = (error?: TlsError): void => {
    if (!open) return;
    open = false;
    settled(error);
  };
  return {
    name: 'verify',
    alert: 'certificate_unknown',
    // Copies: what is negotiated, and what a session remembers, is not the function's to change.
    run: () => {
      const chain = peer.chain.map((der) => new Uint8Array(der));
      return verify?.({ chain, resumed, ...(serverName === undefined ? {} : { serverName }) }) ?? false;
    },
    resolve: (accepted: unknown) => settle(accepted === true ? undefined : refused()),
    reject: settle,
  };
}

const refused = (): CertificateError =>
  new CertificateError('refused-by-verify', 'verify refused the peer', { phase: 'verification' });
