// The other side of the demonstration: Node's own TLS server. Nothing of rxtls is in it but the maker of its certificate.
import type { AddressInfo } from 'node:net';
import { setTimeout as moment } from 'node:timers/promises';
import { createServer } from 'node:tls';
import { testPki } from '@rxtls/testing';
import type { Engine } from './engines.ts';

export interface PlainServer {
  readonly port: number;
  /** The authority its certificate for `localhost` comes from, as PEM. */
  readonly authority: string;
  close(): void;
}

/** Answers each line it reads, a moment after the one before, for lines may come together; says goodbye and closes after the line `bye`. */
export async function plainServer({ keys, server: versions }: Pick<Engine, 'keys' | 'server'>): Promise<PlainServer> {
  const pki = await testPki({ keys });
  const { certificatePem: cert, keyPem: key } = await pki.leaf(keys);
  const server = createServer({ cert, key, ...versions, ALPNProtocols: ['small-talk'] }, (socket) => {
    let rest = '';
    let answered: Promise<unknown> = Promise.resolve();
    const answer = async (line: string): Promise<void> => {
      await moment(3);
      if (line === 'bye') socket.end('goodbye!\n');
      else socket.write(`${line} to you\n`);
    };
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) answered = answered.then(() => answer(line));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { port: (server.address() as AddressInfo).port, authority: pki.authorityPem, close: () => server.close() };
}
