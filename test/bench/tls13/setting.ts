// What all subjects share: the certificates, and what is sent.
import { type TlsHost, resolveLimits } from '@rxtls/core/engine';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { testPki } from '@rxtls/testing';

const pki = await testPki();
export const authority: string = pki.authorityPem;
export const { certificatePem, keyPem } = await pki.leaf('ecdsa');

export const serverName = 'localhost';
export const ping: Uint8Array = new Uint8Array(100).fill(7);
export const slice = (bytes: number): Uint8Array => new Uint8Array(bytes).map((_, at) => (at * 7) & 0xff);
export const sliceBytes = { 'bulk 16 KiB': 16_384, 'bulk 64 KiB': 65_536 } as const;

export const host: TlsHost = {
  limits: resolveLimits(undefined),
  wallClock: () => Date.now(),
  monotonicClock: () => performance.now(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

const client = { serverName, ca: authority, groups: ['x25519'], cipherSuites: ['TLS_AES_128_GCM_SHA256'] } as const;
/** Never resumes. */
export const fullClient = tls13Engine.client({ ...client, sessions: 'none' });
/** Resumes where it can. */
export const resumingClient = tls13Engine.client(client);
export const server = tls13Engine.server({ credentials: { cert: certificatePem, key: keyPem }, groups: ['x25519'] });
