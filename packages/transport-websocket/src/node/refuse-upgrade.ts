/// <reference types="node" />
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers an upgrade that is not wanted (RFC 9110 §15), and closes. */
export function refuseUpgrade(socket: Duplex, status: 403 | 404 | 500): void {
  socket.on('error', () => socket.destroy()); // whoever asked has gone already, and nobody else is to know
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
