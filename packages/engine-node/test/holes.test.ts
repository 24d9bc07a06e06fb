// Two holes of Node's that need a network of their own: Node's behaviour first, then ours.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { promisify } from 'node:util';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { pair, turn } from './harness.ts';
import { client, credentials, host, root } from './pki.ts';

t.test('hole in Node: in Node a cut wire and close_notify both show as end; here only close_notify does', async (t) => {
  for (const how of ['close_notify', 'cut'] as const) {
    const raw: net.Socket[] = [];
    const server = tls.createServer({ ...credentials(host) }, (socket) => {
      socket.on('error', () => undefined);
      if (how === 'close_notify') socket.end('all');
      else socket.write('part', () => setTimeout(() => raw[0]?.end(), 20));
    });
    // The wire's end alone, below TLS: a relay that stops.
    const relay = net.createServer((near) => {
      const far = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
      raw.push(near, far);
      for (const socket of [near, far]) socket.on('error', () => undefined);
      near.pipe(far);
      far.pipe(near);
    });
    await Promise.all([server, relay].map((each) => once(each.listen(0, '127.0.0.1'), 'listening')));
    const { port } = relay.address() as AddressInfo;
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'host.test', ca: root.pem });
    const events: string[] = [];
    socket.on('data', () => events.push('data'));
    socket.on('end', () => events.push('end'));
    socket.on('error', (error) => events.push(error.message));
    await once(socket, 'close');
    t.same(events, ['data', 'end'], `Node, ${how}`);
    for (const each of [server, relay]) each.close();
    for (const each of raw) each.destroy();

    const connection = pair(
      nodeEngine.client({ serverName: 'host.test', ca: root.pem }),
      nodeEngine.server({ credentials: credentials(host) }),
    );
    await connection.run();
    if (how === 'close_notify') connection.server.engine.sendCloseNotify();
    await connection.run();
    connection.client.engine.receiveEnd();
    await turn();
    t.equal(connection.client.closed, how === 'close_notify', `ours, ${how}`);
    connection.destroy();
  }
});

t.test('hole in Node: requestCert without ca trusts whatever the runtime trusts; ours asks for anchors', async (t) => {
  const files = t.testdir({});
  const file = (name: string, text: string): string => {
    writeFileSync(`${files}/${name}`, text);
    return `${files}/${name}`;
  };
  // To have a certificate that the runtime's own roots vouch for, a Node of its own is told of one more root.
  const program = `
    import { readFileSync } from 'node:fs';
    import tls from 'node:tls';
    const [hostCert, hostKey, clientCert, clientKey, ca] = process.argv.slice(1).map((name) => readFileSync(name));
    const options = { cert: hostCert, key: hostKey, requestCert: true, rejectUnauthorized: true };
    const server = tls.createServer(options, (socket) => {
      console.log(socket.authorized);
      socket.destroy();
      server.close();
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      tls.connect({ host: '127.0.0.1', port, servername: 'host.test', ca, cert: clientCert, key: clientKey }).on('error', () => {}).resume();
    });`;
  const own = credentials(client);
  const theirs = credentials(host);
  const ca = file('root.pem', root.pem);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      program,
      file('host.pem', theirs.cert),
      file('host.key', theirs.key),
      file('client.pem', own.cert),
      file('client.key', own.key),
      ca,
    ],
    { env: { NODE_EXTRA_CA_CERTS: ca }, timeout: 20_000 },
  );
  t.match(stdout, 'true', 'Node lets in everybody the public roots vouch for');
  for (const clientAuth of ['request', 'require'] as const)
    t.throws(() => nodeEngine.server({ credentials: credentials(host), clientAuth }), { name: 'ApiMisuseError' });
});
