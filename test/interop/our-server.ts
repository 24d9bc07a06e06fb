// What rxtls's server is put through with every peer's client.
import type { TestLeafName } from '@rxtls/testing';
import { EMPTY } from 'rxjs';
import type { Test } from 'tap';
import { completed, hexLines, mebibyte, type OurEngine, ourNode, pki, Reading, serve, sleep } from './ends.ts';
import { hash } from './our-client.ts';
import type { ClientPeer } from './peer.ts';

const refused: readonly [TestLeafName | undefined, string][] = [
  [undefined, 'missing'],
  ['client-expired', 'expired'],
  ['client-untrusted', 'unknown-authority'],
  ['client-wrong-usage', 'wrong-usage'],
];

export function ourServerWith(t: Test, peer: ClientPeer, ours: OurEngine = ourNode): void {
  const skip = peer.missing === undefined ? {} : { skip: peer.missing };
  for (const version of ours.versions) {
    const title = (what: string): string => `${peer.name} to ${ours.name}, ${version}: ${what}`;

    for (const leaf of ['ecdsa', 'rsa'] as const)
      t.test(
        title(`handshake with an ${leaf} certificate, ALPN, 1 MiB each way, its close_notify`),
        skip,
        async (t) => {
          const server = await serve(t, await ours.server(leaf, { alpnProtocols: ['other', 'interop/1'] }));
          const client = await peer.start(t, server.port, { version, alpn: 'interop/1' });
          const connection = await server.next();
          const reading = new Reading(connection);
          t.equal(connection.negotiated.version, version);
          t.equal(connection.negotiated.alpnProtocol, 'interop/1');
          t.equal(connection.negotiated.serverName, 'localhost');
          t.equal(connection.negotiated.resumed, false);
          t.equal(connection.negotiated.peer.verification, 'not-requested');
          const theirs = hexLines(mebibyte);
          const answer = hexLines(mebibyte + 64);
          client.send(theirs);
          const written = completed(connection.writeFrom([answer]));
          t.equal(hash(await reading.atLeast(theirs.length)), hash(theirs), 'what it sent');
          t.equal(hash(await client.received(answer.length)), hash(answer), 'what it received');
          t.equal(await written, undefined);
          client.close();
          t.equal(await reading.over, 'complete');
          t.same(server.failures, []);
        },
      );

    t.test(title('our close_notify is seen by it'), skip, async (t) => {
      const server = await serve(t, await ours.server('ecdsa'), {}, (connection) =>
        connection.writeFrom([Buffer.from('goodbye\n')]),
      );
      const client = await peer.start(t, server.port, { version });
      t.equal((await client.received(8)).toString(), 'goodbye\n');
      await client.sawClose?.();
      await sleep(50);
      t.same(server.failures, []);
    });

    t.test(title('resumption'), skip, async (t) => {
      const server = await serve(t, await ours.server('ecdsa'), {}, (connection) =>
        connection.exchange([Buffer.from('hello from rxtls\n')]),
      );
      const resumed: boolean[] = [];
      await peer.resume(t, server.port, { version }, async () => {
        resumed.push((await server.next()).negotiated.resumed);
      });
      t.same(resumed, [false, true]);
    });

    t.test(title('resumption with a client certificate brings the same certificate back'), skip, async (t) => {
      const engine = await ours.server('ecdsa', { clientAuth: 'require', clientCa: pki.authorityPem });
      const server = await serve(t, engine, {}, (connection) =>
        connection.exchange([Buffer.from('hello from rxtls\n')]),
      );
      const seen: unknown[] = [];
      await peer.resume(t, server.port, { version, leaf: 'client' }, async () => {
        const { resumed, peer: shown } = (await server.next()).negotiated;
        seen.push([resumed, shown.verification]);
        t.same(shown.chain[0], (await pki.leaf('client')).leafDer);
      });
      t.same(seen, [
        [false, 'passed'],
        [true, 'passed'],
      ]);
    });

    t.test(title(`A4 (${ours.name}): client certificates; refused ones never make a connection`), skip, async (t) => {
      const engine = await ours.server('ecdsa', { clientAuth: 'require', clientCa: pki.authorityPem });
      const server = await serve(t, engine);
      for (const leaf of ['client', 'client-rsa'] as const) {
        const client = await peer.start(t, server.port, { version, leaf });
        const connection = await server.next();
        t.same(connection.negotiated.peer.chain[0], (await pki.leaf(leaf)).leafDer);
        t.equal(connection.negotiated.peer.verification, 'passed');
        client.kill();
        await server.failure();
      }
      for (const [leaf, reason] of refused) {
        const client = await peer.start(t, server.port, { version, ...(leaf === undefined ? {} : { leaf }) });
        t.match((await server.failure()).error, { name: 'CertificateError', reason }, String(leaf));
        client.kill();
      }
      t.equal(server.connections.length, 2);
    });

    t.test(title('killed: plaintext fails and never completes'), skip, async (t) => {
      const server = await serve(t, await ours.server('ecdsa'));
      const client = await peer.start(t, server.port, { version });
      const connection = await server.next();
      const reading = new Reading(connection);
      client.send(hexLines(64));
      await reading.atLeast(64);
      client.kill();
      t.match(await reading.over, { name: /^(Truncation|Aborted)Error$/ });
      t.equal((await server.failure()).error, reading.outcome);
    });

    t.test(title('no common application protocol'), skip, async (t) => {
      const server = await serve(t, await ours.server('ecdsa', { alpnProtocols: ['ours'] }), {}, () => EMPTY);
      const client = await peer.start(t, server.port, { version, alpn: 'theirs' });
      t.match((await server.failure()).error, { name: 'PeerIncompatibleError', alert: 'no_application_protocol' });
      client.kill();
      t.equal(server.connections.length, 0);
    });
  }
}
