/// <reference types="node" />
import { createServer, type Server } from 'node:http';

/** An HTTP server for nothing but upgrades: whoever takes longer than `timeout` milliseconds for the request is closed. */
export function upgradeServer(timeout: number, maxConnections: number | undefined): Server {
  const server = createServer(
    {
      headersTimeout: timeout,
      requestTimeout: timeout,
      connectionsCheckingInterval: Math.max(1, Math.min(1_000, Math.ceil(timeout / 4))),
    },
    (_request, response) => {
      response.writeHead(426, { upgrade: 'websocket', connection: 'close', 'content-length': 0 }); // RFC 9110 §15.5.22
      response.end();
    },
  );
  if (maxConnections !== undefined) server.maxConnections = maxConnections;
  return server;
}
