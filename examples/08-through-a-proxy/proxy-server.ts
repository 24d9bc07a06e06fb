// The proxy of the demonstration: proxy-chain behind an https server. Nothing of rxtls is in it.
import { connect } from 'node:net';
import { RequestError, Server } from 'proxy-chain';

export interface ProxyOptions {
  readonly cert: string;
  readonly key: string;
  readonly user: string;
  readonly password: string;
  /** The names that it lets its clients go to, all of them on loopback. */
  readonly names: readonly string[];
}

export interface ProxyServer {
  readonly port: number;
  close(): void;
}

/** Answers 407 to a wrong password, 403 to a name it does not know, and 502 where nobody listens. */
export async function proxyServer({ cert, key, names, ...known }: ProxyOptions): Promise<ProxyServer> {
  const server = new Server({
    serverType: 'https',
    httpsOptions: { cert, key, ALPNProtocols: ['http/1.1'] },
    host: '127.0.0.1',
    port: 0,
    prepareRequestFunction: async ({ username, password, hostname, port }) => {
      if (username !== known.user || password !== known.password) return { requestAuthentication: true };
      if (!names.includes(hostname)) throw new RequestError('not from here', 403);
      // By itself it would hang up without an answer.
      if (!(await isThere(port))) throw new RequestError('nobody listens there', 502);
      return { dnsLookup: onLoopback };
    },
  });
  await server.listen();
  return { port: server.port, close: () => void server.close(true) };
}

/** Every name is this machine. */
const onLoopback = ((_name: string, options: { all?: boolean }, found: (...answer: unknown[]) => void) => {
  const [address, family] = ['127.0.0.1', 4];
  if (options.all) found(null, [{ address, family }]);
  else found(null, address, family);
}) as typeof import('node:dns').lookup;

const isThere = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 5_000 }, () => resolve(true));
    socket.on('error', () => resolve(false)).on('timeout', () => resolve(false));
    socket.on('connect', () => socket.destroy()).on('timeout', () => socket.destroy());
  });
