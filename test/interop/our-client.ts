// What rxtls's client is put through with every peer's server.
import { createHash } from 'node:crypto';
import type { TestLeafName } from '@rxtls/testing';
import type { Test } from 'tap';
import { completed, credentials, dial, hexLines, mebibyte, type OurEngine, ourNode, pki, refusal } from './ends.ts';
import type { ServerPeer } from './peer.ts';

export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const refused: readonly [TestLeafName, string][] = [
  ['expired', 'expired'],
  ['wrong-name', 'wrong-name'],
  ['untrusted', 'unknown-authority'],
  ['common-name-only', 'wrong-name'],
  ['wrong-usage', 'wrong-usage'],
];

export function ourClientWith(t: Test, peer: ServerPeer, ours: OurEngine = ourNode): void {
  const skip = peer.missing === undefined ? {} : { skip: peer.missing };
  for (const version of ours.versions) {
    const title = (what: string): string => `${ours.name} to ${peer.name}, ${version}: ${what}`;

    for (const leaf of ['ecdsa', 'rsa'] as const)
      t.test(title(`handshake with an ${leaf} certificate, ALPN, 1 MiB each way`), skip, async (t) => {
        const server = await peer.start(t, { version, leaf, alpn: 'interop/1' });
        const { connection, reading, ended } = await dial(
          t,
          server.port,
          ours.client(version, { alpnProtocols: ['other', 'interop/1'] }),
        );
        const { negotiated } = connection;
        t.equal(negotiated.version, version);
        t.equal(negotiated.alpnProtocol, 'interop/1');
        t.equal(negotiated.resumed, false);
        t.equal(negotiated.peer.verification, 'passed');
        t.same(negotiated.peer.chain.slice(0, 2), (await pki.leaf(leaf)).chainDer);
        const sent = hexLines(mebibyte);
        const written = completed(connection.writeFrom([sent]));
        if (server.send !== undefined && server.received !== undefined) {
          const theirs = hexLines(mebibyte + 64);
          server.send(theirs);
          t.equal(hash(await reading.atLeast(theirs.length)), hash(theirs), 'what it sent');
          t.equal(hash(await server.received(sent.length)), hash(sent), 'what it received');
        } else t.equal(hash(await reading.atLeast(sent.length)), hash(sent), 'what it echoed');
        t.equal(await written, undefined);
        t.equal(await completed(connection.close()), undefined);
        t.equal(await ended, undefined, 'a clean end');
        t.equal(reading.outcome, 'complete');
      });

    t.test(title('resumption'), skip, async (t) => {
      const server = await peer.start(t, { version, leaf: 'ecdsa', http: true });
      const engine = ours.client(version);
      // A ticket is used once, and servers of TLS 1.2 give none in a resumption.
      for (const resumed of version === 'TLSv1.3' ? [false, true, true] : [false, true, false]) {
        const { connection, reading } = await dial(t, server.port, engine);
        t.equal(connection.negotiated.resumed, resumed);
        t.equal(connection.negotiated.peer.verification, 'passed');
        t.same(connection.negotiated.peer.chain[0], (await pki.leaf('ecdsa')).leafDer);
        connection.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
        t.equal(await reading.over, 'complete');
        t.ok(reading.text.startsWith('HTTP/1.0 200'), reading.text.slice(0, 80));
      }
    });

    t.test(title('its close_notify completes plaintext, and our side ends cleanly'), skip, async (t) => {
      const server = await peer.start(t, { version, leaf: 'ecdsa', http: true });
      const { connection, reading, events, ended } = await dial(t, server.port, ours.client(version));
      connection.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
      t.equal(await reading.over, 'complete');
      t.ok(reading.text.startsWith('HTTP/1.0 200'));
      t.equal(await ended, undefined);
      const closes = events.filter((event) => event.type === 'alert' && event.description === 'close_notify');
      t.match(closes, [{ direction: 'received' }, { direction: 'sent' }]);
    });

    t.test(title('our close_notify is seen by it'), skip, async (t) => {
      const server = await peer.start(t, { version, leaf: 'ecdsa', talks: true });
      const { connection, ended } = await dial(t, server.port, ours.client(version));
      await completed(connection.writeFrom([Buffer.from('bye\n')]));
      t.equal(await completed(connection.close()), undefined);
      await server.sawClose?.();
      t.equal(await ended, undefined);
    });

    t.test(title('shows a client certificate'), skip, async (t) => {
      for (const leaf of ['client', 'client-rsa'] as const) {
        const server = await peer.start(t, { version, leaf: 'ecdsa', requireClient: true, http: true });
        const { connection, reading } = await dial(
          t,
          server.port,
          ours.client(version, { credentials: credentials(await pki.leaf(leaf)) }),
        );
        connection.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
        t.equal(await reading.over, 'complete');
        t.ok(reading.text.startsWith('HTTP/1.0 200'));
      }
    });

    t.test(title('a client certificate that it refuses, or misses, ends the connection'), skip, async (t) => {
      for (const leaf of [undefined, 'client-untrusted', 'client-expired'] as const) {
        const server = await peer.start(t, { version, leaf: 'ecdsa', requireClient: true, http: true });
        const shown = leaf === undefined ? {} : { credentials: credentials(await pki.leaf(leaf)) };
        const error = await refusal(
          dial(t, server.port, ours.client(version, shown)).then(async ({ reading }) => {
            // TLS 1.3: the client is through before the server has judged it.
            const outcome = await reading.over;
            t.equal(version, 'TLSv1.3');
            t.equal(reading.length, 0);
            if (outcome !== 'complete') throw outcome;
          }),
        );
        t.match(error?.name, /^(AlertReceived|Aborted|Truncation)Error$/, `${leaf}: ${error?.message}`);
      }
    });

    t.test(title(`A4/A5 (${ours.name}): refused certificates never make a connection`), skip, async (t) => {
      for (const [leaf, reason] of refused) {
        const server = await peer.start(t, { version, leaf, http: true });
        const error = await refusal(dial(t, server.port, ours.client(version)));
        t.match(error, { name: 'CertificateError', reason }, leaf);
      }
    });

    t.test(title('killed: plaintext fails and never completes'), skip, async (t) => {
      const server = await peer.start(t, { version, leaf: 'ecdsa' });
      const { connection, reading, ended } = await dial(t, server.port, ours.client(version));
      const line = hexLines(64);
      connection.write(line);
      if (server.received === undefined) await reading.atLeast(64);
      else await server.received(64);
      server.kill();
      const outcome = await reading.over;
      t.match(outcome, { name: /^(Truncation|Aborted)Error$/ });
      t.equal(await ended, outcome, 'one error, everywhere');
    });
  }
}
