// The other side of the demonstration: Node's own https server. Nothing of rxtls is in it but the maker of its certificate.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { testPki } from '@rxtls/testing';

export interface WebServer {
  readonly port: number;
  /** The authority its certificate for `localhost` comes from, as PEM. */
  readonly authority: string;
  close(): void;
}

/** Answers each path with the three ways in which HTTP/1.1 says where a body ends. */
export async function webServer(): Promise<WebServer> {
  const pki = await testPki();
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (request, response) => {
    const body = `you asked for ${request.url}\n`;
    response.setHeader('content-type', 'text/plain');
    if (request.url === '/chunked') {
      for (const word of body.split(/(?<= )/)) response.write(word);
      response.end();
    } else if (request.url === '/until-the-end') {
      response.useChunkedEncodingByDefault = false;
      response.setHeader('connection', 'close');
      response.removeHeader('transfer-encoding');
      response.end(body);
    } else {
      response.setHeader('content-length', Buffer.byteLength(body));
      response.end(body);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { port, authority: pki.authorityPem, close: () => server.close() };
}
