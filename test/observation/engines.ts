// Each engine in both roles, ready for `duo`, with a key log and a `verify` on the client's side.
import type { TlsVersion } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { client as forgeClient, allowed, server as forgeServer } from '../rules-forge/bench.ts';
import { client, credentials, type DuoOptions, pki, server } from '../rules-node/bench.ts';

const own = await credentials('ecdsa');
const verify = (): boolean => true;

const node = (version: TlsVersion): DuoOptions => ({
  client: client(version, { keylog: true, verify, sessions: undefined as never }),
  server: server(version, { keylog: true }),
});

export const engines: Readonly<Record<string, () => DuoOptions>> = {
  'node 1.3': () => node('TLSv1.3'),
  'node 1.2': () => node('TLSv1.2'),
  tls13: () => ({
    client: tls13Engine.client({ serverName: 'localhost', ca: pki.authorityPem, keylog: true, verify }),
    server: tls13Engine.server({ credentials: own, keylog: true }),
  }),
  forge: () => ({
    client: forgeClient({ keylog: true, verify, sessions: undefined as never }),
    server: forgeServer({ keylog: true }),
    clientOptions: allowed(),
    serverOptions: allowed(),
  }),
};

/** The same client, whose `verify` refuses. */
export const refusing: Readonly<Record<string, () => DuoOptions>> = {
  'node 1.3': () => ({ client: client('TLSv1.3', { verify: () => false }) }),
  'node 1.2': () => ({ client: client('TLSv1.2', { verify: () => false }) }),
  tls13: () => ({
    client: tls13Engine.client({ serverName: 'localhost', ca: pki.authorityPem, verify: () => false }),
  }),
  forge: () => ({ client: forgeClient({ verify: () => false }) }),
};

/** Two that have no version in common. */
export const disjoint = (): DuoOptions => ({ client: client('TLSv1.2'), server: server('TLSv1.3') });
