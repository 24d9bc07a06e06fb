import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { Renegotiation } from '../src/renegotiation.ts';
import { End, type EndOptions, type Pair, pair, turn } from './harness.ts';
import { client as clientCertificate, credentials, host, root } from './pki.ts';

const client = nodeEngine.client({
  serverName: 'host.test',
  ca: root.pem,
  credentials: credentials(clientCertificate),
});
const server = nodeEngine.server({
  credentials: credentials(host),
  maxVersion: 'TLSv1.2',
  clientAuth: 'require',
  clientCa: root.pem,
});
const both = async (options: { client?: EndOptions; server?: EndOptions } = {}): Promise<Pair> => {
  const connection = pair(client, server, options);
  await connection.run();
  return connection;
};
const allowed: EndOptions = { limits: { renegotiation: { max: 2 } } };

t.test(
  'renegotiation begun by the client, where both allow it: writes stay in order and the limit holds',
  async (t) => {
    const connection = await both({ client: allowed, server: allowed });
    const { client: c, server: s } = connection;
    for (let round = 1; round <= 2; round++) {
      c.send(`before ${round};`);
      await connection.run();
      c.engine.updateKeys?.({ requestPeer: true });
      t.equal(c.ready?.state, 'WANT_READ');
      t.equal(c.ready?.maySend, false);
      await connection.run();
      t.equal(c.error, undefined);
      t.equal(s.error, undefined);
      t.equal(c.ready?.state, 'READY');
      t.equal(s.ready?.state, 'READY');
      c.send(`after ${round};`);
      s.send(`answer ${round};`);
      await connection.run();
    }
    t.equal(s.text, 'before 1;after 1;before 2;after 2;');
    t.equal(c.text, 'answer 1;answer 2;');
    t.equal(s.events.filter((event) => event.type === 'renegotiation' && event.outcome === 'allowed').length, 2);
    t.equal(c.consumed, c.given);
    t.equal(s.consumed, s.given);
    c.engine.updateKeys?.({ requestPeer: true });
    await connection.run();
    t.match(c.error, { name: 'LimitExceededError', limit: 'renegotiation' });
    connection.destroy();
  },
);

t.test(
  'R14 (node): a client that renegotiates where it may not gets one no_renegotiation; the next attempt is fatal',
  async (t) => {
    const connection = await both({ client: { limits: { renegotiation: { max: 9 } } } });
    const { client: c, server: s } = connection;
    c.engine.updateKeys?.({ requestPeer: true });
    for (let i = 0; i < 4; i++) await turn();
    const hello = c.take();
    t.equal(hello[0], 22, 'a handshake record');
    s.give(hello);
    for (let i = 0; i < 4; i++) await turn();
    t.equal(s.error, undefined);
    t.equal(s.ready?.state, 'READY');
    t.ok(s.events.some((event) => event.type === 'renegotiation' && event.outcome === 'refused'));
    const answer = s.take();
    t.equal(answer[0], 21, 'an alert');
    t.equal(answer.length, 5 + answer.readUInt16BE(3), 'and nothing else');
    // A second attempt, as a client that insists would make: any handshake record is cut before OpenSSL sees it.
    s.give(Buffer.from([22, 3, 3, 0, 40, ...new Uint8Array(40)]));
    await connection.run();
    t.match(s.error, { name: 'LimitExceededError', limit: 'renegotiation' });
    connection.destroy();
  },
);

t.test('R14 (node): a server that allows two cuts the third', async (t) => {
  const connection = await both({ client: { limits: { renegotiation: { max: 9 } } }, server: allowed });
  const { client: c, server: s } = connection;
  for (let i = 0; i < 3; i++) {
    c.engine.updateKeys?.({ requestPeer: true });
    await connection.run();
  }
  t.match(s.error, { name: 'LimitExceededError', limit: 'renegotiation' });
  connection.destroy();
});

t.test(
  "hole in Node: Node's client renegotiates as often as the server likes; ours as often as it was told",
  async (t) => {
    // A plain Node server that asks for renegotiation; the plain client obeys, ours answers no_renegotiation once.
    const listener = tls.createServer({ cert: host.pem, key: host.keyPem, maxVersion: 'TLSv1.2' });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const accepted = once(listener, 'secureConnection') as Promise<[tls.TLSSocket]>;
    const plain = tls.connect({ port, host: '127.0.0.1', ca: root.pem, servername: 'host.test' });
    plain.on('error', () => undefined);
    plain.resume();
    const [peer] = await accepted;
    peer.resume();
    peer.on('error', () => undefined);
    let done = 0;
    for (let i = 0; i < 3; i++)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 300);
        plain.renegotiate({}, () => {
          done++;
          clearTimeout(timer);
          resolve();
        });
      });
    t.ok(done > 0, `Node renegotiated ${done} times without having been told that it may`);
    plain.destroy();
    peer.destroy();
    listener.close();
  },
);

t.test('bytes that arrive while Node begins a renegotiation wait, and arrive in order', async (t) => {
  const connection = await both({ client: allowed, server: allowed });
  const { client: c, server: s } = connection;
  for (let i = 0; i < 50; i++) {
    while (s.ready?.maySend !== true) await turn();
    s.send(`${i} `);
    await turn();
  }
  const waiting = s.take();
  c.engine.updateKeys?.({ requestPeer: true });
  for (const byte of waiting.subarray(0, 60)) c.give(Buffer.from([byte]));
  c.give(waiting.subarray(60));
  await connection.run();
  t.equal(c.error, undefined);
  t.equal(c.ready?.state, 'READY');
  t.equal(c.text.trim().split(' ').length, 50);
  t.equal(c.consumed, c.given);
  connection.destroy();
});

t.test('updateKeys is refused in TLS 1.3, on servers and where the limits say no', async (t) => {
  const connection = await both();
  t.same(client.capabilities.keyUpdate, ['TLSv1.2']);
  t.same(server.capabilities.keyUpdate, []);
  t.throws(() => connection.server.engine.updateKeys?.({ requestPeer: true }), { name: 'ApiMisuseError' });
  connection.client.engine.updateKeys?.({ requestPeer: true });
  t.match(connection.client.error, { name: 'LimitExceededError', limit: 'renegotiation' });
  connection.destroy();
});

t.test(
  'R14 (node): HelloRequests of a plain Node server: answered where allowed, refused once and then fatal where not',
  async (t) => {
    for (const max of [0, 2]) {
      const own = new End(
        nodeEngine.client({ serverName: 'host.test', ca: root.pem }),
        max === 0 ? {} : { limits: { renegotiation: { max } } },
      );
      const listener = tls.createServer({ cert: host.pem, key: host.keyPem, maxVersion: 'TLSv1.2' });
      const wire = new Duplex({
        read: () => undefined,
        write: (chunk: Buffer, _encoding, done) => {
          own.give(Buffer.from(chunk));
          done();
        },
      });
      let peer: tls.TLSSocket | undefined;
      let heard = '';
      listener.on('secureConnection', (socket) => {
        peer = socket;
        socket.on('error', () => undefined);
        socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
      });
      listener.on('tlsClientError', () => undefined);
      listener.emit('connection', wire);
      const run = async (): Promise<void> => {
        for (let i = 0; i < 12; i++) {
          const bytes = own.take();
          if (bytes.length > 0) wire.push(bytes);
          await turn();
        }
      };
      await run();
      for (let round = 1; round <= 3 && own.error === undefined; round++) {
        if (own.ready?.maySend === true) own.send(`${round};`);
        peer?.renegotiate({}, () => undefined);
        // Node makes an empty write here, and a push that makes OpenSSL write before that is done aborts the process.
        await turn();
        await turn();
        await run();
        if (round <= max) t.equal(own.ready?.state, 'READY', `round ${round}`);
      }
      const outcomes = own.events.flatMap((event) => (event.type === 'renegotiation' ? [event.outcome] : []));
      if (max === 0) t.equal(outcomes[0], 'refused');
      else t.same(outcomes, ['allowed', 'allowed', 'refused']);
      if (max > 0) {
        t.match(own.error, { name: 'LimitExceededError', limit: 'renegotiation' });
        t.match(heard, /^1;2;/);
      }
      own.engine.destroy();
      wire.destroy();
    }
  },
);

t.test(
  'R14 (node): a renegotiation never merges identities: the certificate must stay byte-equal (CVE-2009-3555)',
  async (t) => {
    // Node can change no certificate in the middle of a connection: the guard is tested alone.
    const [one, other] = [Buffer.from('one'), Buffer.from('other')];
    for (const [before, after, same] of [
      [one, Buffer.from(one), true],
      [undefined, undefined, true],
      [one, other, false],
      [one, undefined, false],
      [undefined, one, false],
    ] as const) {
      const guard = new Renegotiation({ max: 1 }, { observed: false, event: () => undefined });
      guard.begin('received');
      if (same) t.doesNotThrow(() => guard.end(before, after));
      else t.throws(() => guard.end(before, after), { name: 'PeerMisbehavedError' });
      t.equal(guard.isRunning, false);
    }
  },
);
