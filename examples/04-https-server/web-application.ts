// A web application as any other: nothing in it knows of rxtls.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { setTimeout as moment } from 'node:timers/promises';

/** `/` says hello, `/slowly` counts to ten within a second, `/echo` sends back what it is sent. */
export function webApplication(request: IncomingMessage, response: ServerResponse): void {
  const { method, url } = request;
  if (url === '/echo' && method === 'POST') {
    pipeline(request, response, () => response.destroy()); // a client that has gone, or nothing left to do
  } else if (url === '/slowly') {
    void count(response);
  } else {
    response.statusCode = url === '/' ? 200 : 404;
    response.setHeader('content-type', 'text/plain');
    response.end(url === '/' ? 'hello from rxtls\n' : 'there is no such page\n');
  }
}

async function count(response: ServerResponse): Promise<void> {
  for (let n = 1; n <= 10 && !response.destroyed; n++) {
    response.write(`${n}\n`);
    await moment(100);
  }
  response.end();
}
