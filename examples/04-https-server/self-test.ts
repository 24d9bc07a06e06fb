// Node's own clients, one by `node:https` and one by `fetch`: nothing of rxtls is in them.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { Agent as FetchAgent, fetch } from 'undici';

/** Asks a server at a port of this machine, which has a certificate for `localhost` by that authority. */
export async function selfTest(port: number, ca: string, print: (line: string) => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername: 'localhost' });
  const dispatcher = new FetchAgent({ connect: { ca, servername: 'localhost' } });
  for (const path of ['/', '/nowhere', '/slowly']) {
    const asked = request({ agent, host: '127.0.0.1', port, path, headers: { host: `localhost:${port}` } }).end();
    const [answer] = await once(asked, 'response');
    const { length } = await buffer(answer);
    print(
      `https GET ${path}: ${answer.statusCode}, ${length} bytes, ${asked.reusedSocket ? 'the same' : 'a new'} connection`,
    );
  }
  const sent = randomBytes(1_048_576);
  const answer = await fetch(`https://127.0.0.1:${port}/echo`, { method: 'POST', body: sent, dispatcher });
  const body = new Uint8Array(await answer.arrayBuffer());
  print(
    `fetch POST /echo: ${answer.status}, ${body.length} bytes, ${sha256(body) === sha256(sent) ? 'equal' : 'DIFFERENT'}`,
  );
  // Their connections stay open: it is the server that has to end them.
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
