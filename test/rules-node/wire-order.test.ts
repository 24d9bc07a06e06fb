// Who says why, when one side refuses the other over a link that takes no time: OpenSSL in both ends, node-forge in both, and each with
// the other. The same over the placebo: packages/core/test.
import { nodeEngine, type NodeClientOptions, type NodeServerOptions } from '@rxtls/engine-node';
import t from 'tap';
import { client as forgeClient, server as forgeServer } from '../../packages/engine-forge/test/harness.ts';
import { credentials as rsaCredentials, host, otherRoot, root } from '../../packages/engine-forge/test/rsa-pki.ts';
import { client, credentials, type Duo, duo, type DuoOptions, pki, server, until, versions } from './bench.ts';

t.setTimeout(180_000);

const refusing = { name: 'CertificateError', phase: 'verification' };
const alerted = (alert: string) => ({ name: 'AlertReceivedError', alert });
// Node sends no alert for a certificate that is refused: the peer sees the cut.
const cut = { name: 'AbortedError', retryable: true };

/** Both ends are over: neither waits for the other. */
async function over(options: DuoOptions): Promise<Duo> {
  const both = duo(options);
  await until(() => both.client.isOver && both.server.isOver, 'both ends');
  return both;
}

for (const version of versions) {
  t.test(`${version}: nodeEngine at both ends`, async (t) => {
    const others = { ca: pki.otherAuthorityPem };
    const clientRefuses = {
      'another authority': client(version, others),
      'another name': client(version, { serverName: 'other.test' }),
      verify: client(version, { verify: () => false }),
      'verify, later': client(version, { verify: () => Promise.resolve(false) }),
    };
    for (const [name, refuser] of Object.entries(clientRefuses)) {
      const refused = await over({ version, client: refuser });
      t.match(refused.client.error, refusing, name);
      t.match(refused.server.error, cut, `${name}: the peer`);
      t.equal(refused.client.connections.length, 0, name);
    }
    const own = await credentials('ecdsa');
    const asks = { clientAuth: 'require', clientCa: pki.otherAuthorityPem } as const;
    const refused = await over({
      version,
      client: client(version, { credentials: own }),
      server: server(version, asks),
    });
    t.match(refused.server.error, refusing, 'a client certificate');
    t.match(refused.client.error, cut, 'a client certificate: the peer');
    t.equal(refused.server.connections.length, 0);
    const alpn = await over({
      version,
      client: client(version, { alpnProtocols: ['a'] }),
      server: server(version, { alpnProtocols: ['b'] }),
    });
    t.match(alpn.client.error, alerted('no_application_protocol'));
    t.match(alpn.server.error, { name: 'PeerIncompatibleError' });
    const versioned = await over({ client: client('TLSv1.3'), server: server('TLSv1.2') });
    t.match(versioned.client.error, alerted('protocol_version'));
    t.match(versioned.server.error, { name: 'PeerIncompatibleError' });
  });
}

const legacy = { dangerouslyAllowLegacyVersions: true, ciphers: 'AES128-SHA:@SECLEVEL=0' } as const;
const nodeClient = (own: Partial<NodeClientOptions> = {}) =>
  nodeEngine.client({
    ...legacy,
    serverName: 'host.test',
    ca: root.pem,
    sessions: 'none',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1',
    ...own,
  });
const nodeServer = (own: Partial<NodeServerOptions> = {}) =>
  nodeEngine.server({
    ...legacy,
    credentials: rsaCredentials(host),
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ...own,
  });

for (const [pair, clientOf, serverOf] of [
  ['forge at both ends', forgeClient, forgeServer],
  ['forge client, node server', forgeClient, nodeServer],
  ['node client, forge server', nodeClient, forgeServer],
] as const)
  t.test(pair, async (t) => {
    for (const [name, refuser, alert] of [
      ['another authority', clientOf({ ca: otherRoot.pem }), 'unknown_ca'],
      ['another name', clientOf({ serverName: 'other.test' }), 'bad_certificate'],
      ['verify', clientOf({ verify: () => false }), 'certificate_unknown'],
      ['verify, later', clientOf({ verify: () => Promise.resolve(false) }), 'certificate_unknown'],
    ] as const) {
      const refused = await over({ client: refuser, server: serverOf() });
      t.match(refused.client.error, refusing, name);
      t.match(refused.server.error, clientOf === nodeClient ? cut : alerted(alert), `${name}: the peer`);
    }
    const asks = { clientAuth: 'require', clientCa: otherRoot.pem } as const;
    const refused = await over({ client: clientOf({ credentials: rsaCredentials(host) }), server: serverOf(asks) });
    t.match(refused.server.error, refusing, 'a client certificate');
    t.match(
      refused.client.error,
      serverOf === nodeServer ? cut : alerted('unknown_ca'),
      'a client certificate: the peer',
    );
  });
