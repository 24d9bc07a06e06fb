import { createServer, type Server } from 'node:https';
import type { ServerResponse } from 'node:http';

const lines = 12;

/** Node's own https server, TLS 1.3 alone: the other end of the page's TLS. It knows nothing of relays, WebSockets or rxtls. */
export function tlsServer(
  credentials: { readonly cert: string; readonly key: string },
  word: string,
  saw: (what: string) => void,
): Server {
  const server = createServer({ ...credentials, minVersion: 'TLSv1.3' }, (request, response) => {
    saw(`${request.method} ${request.url} HTTP/${request.httpVersion}`);
    const answer = answers[request.url ?? ''] ?? notFound;
    answer(response, word);
    response.on('finish', () => saw(`answered ${response.statusCode}`));
  });
  server.maxConnections = 32;
  server.requestTimeout = 10_000;
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => saw(`a connection failed: ${error.code ?? 'TLS'}`));
  return server;
}

const answers: Readonly<Record<string, (response: ServerResponse, word: string) => void>> = {
  '/': (response, word) => {
    const body = `The word is ${word}. Only this page and the server know it.\n`;
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body);
  },
  '/slowly': (response, word) => {
    const line = (at: number): string => `line ${String(at).padStart(2)} of ${lines}: ${word}\n`;
    const length = lines * line(1).length;
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': length });
    let at = 1;
    const next = (): void => {
      if (at < lines) response.write(line(at++));
      else {
        clearInterval(timer);
        response.end(line(at));
      }
    };
    const timer = setInterval(next, 400);
    response.on('close', () => clearInterval(timer));
    next();
  },
};

function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain', 'content-length': 0 }).end();
}
