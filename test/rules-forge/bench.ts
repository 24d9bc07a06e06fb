// Both ends over memory with forge's engines, held to the contract by `strictCaller`; keys of 512 bits where the work with
// them is not what is tested.
import type { SecureOptions, TlsEngineFactory } from '@rxtls/core';
import { strictCaller } from '@rxtls/testing';
import type { ForgeClientOptions, ForgeServerOptions } from '@rxtls/engine-forge';
import * as harness from '../../packages/engine-forge/test/harness.ts';
import { credentials, short } from '../../packages/engine-forge/test/rsa-pki.ts';
import { type Duo, duo, type DuoOptions } from '../rules-node/bench.ts';

export const root = short({ cn: 'short root', ca: true });
export const hostLeaf = short({ issuer: root, dns: ['host.test'], usage: 'serverAuth' });
export const clientLeaf = short({ issuer: root, usage: 'clientAuth' });

export const client = (options: Partial<ForgeClientOptions> = {}): TlsEngineFactory<'client'> =>
  strictCaller(harness.client({ ca: root.pem, ...options }));
export const server = (options: Partial<ForgeServerOptions> = {}): TlsEngineFactory<'server'> =>
  strictCaller(harness.server({ credentials: credentials(hostLeaf), ...options }));

const factories = { client: client(), server: server() };
const allowed = (options: SecureOptions = {}): SecureOptions => ({
  ...options,
  limits: { minRsaKeyBits: 512, ...options.limits },
});

export const forge = (options: DuoOptions = {}): Duo =>
  duo({
    ...factories,
    ...options,
    clientOptions: allowed(options.clientOptions),
    serverOptions: allowed(options.serverOptions),
  });
export { allowed };
