// A newer engine and this one side by side, chosen by the ClientHello.
import { byHello } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { strictCaller } from '@rxtls/testing';
import t from 'tap';
import { client, server } from '../../packages/engine-forge/test/harness.ts';
import { credentials, root, rsa } from '../../packages/engine-forge/test/rsa-pki.ts';
import { duo, until } from '../rules-node/bench.ts';

const factories = { client: strictCaller(client()) };

t.test('byHello: old clients get forge, new ones OpenSSL, and a fallback is refused from both sides', async (t) => {
  const modern = rsa({ issuer: root, dns: ['host.test'], usage: 'serverAuth' });
  const newer = nodeEngine.server({ credentials: credentials(modern) });
  const older = server({ keysOfOtherEngines: modern.pem });
  const choice = byHello(({ supportedVersions }) => (supportedVersions.some((each) => each >= 0x0303) ? newer : older));
  const old = await duo({ client: factories.client, server: choice }).open();
  t.equal(old.client.connection.negotiated.version, 'TLSv1');
  old.destroy();
  const fresh = nodeEngine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none' });
  const current = await duo({ client: fresh, server: choice }).open();
  t.equal(current.client.connection.negotiated.version, 'TLSv1.3');
  current.destroy();
  // Somebody on the path has every client talk to the older engine: the sentinel in its ServerHello says so.
  const legacy = {
    dangerouslyAllowLegacyVersions: true,
    ciphers: 'AES128-SHA:@SECLEVEL=0',
    minVersion: 'TLSv1',
  } as const;
  const wide = nodeEngine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none', ...legacy });
  const forced = duo({ client: wide, server: older });
  await until(() => forced.client.isOver, 'the refusal');
  t.match(forced.client.error, { name: 'PeerIncompatibleError', alert: 'inappropriate_fallback' });
  t.equal(forced.client.connections.length, 0);
  const narrow = nodeEngine.client({
    serverName: 'host.test',
    ca: root.pem,
    sessions: 'none',
    ...legacy,
    maxVersion: 'TLSv1',
  });
  const meant = await duo({ client: narrow, server: older }).open();
  t.equal(meant.client.connection.negotiated.version, 'TLSv1', 'a client that can no more is content');
  meant.destroy();
  t.throws(() => server({ credentials: credentials(modern), keysOfOtherEngines: modern.pem }), /another engine/);
});
