// The other side: the npm package smtp-server over Node's own TLS. Nothing of rxtls is in it but the maker of its certificate.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { testPki } from '@rxtls/testing';
import { SMTPServer } from 'smtp-server';

export interface MailServer {
  readonly port: number;
  /** The authority its certificate for `localhost` comes from, as PEM. */
  readonly authority: string;
  readonly login: { readonly user: string; readonly password: string };
  /** The mails it took, whole. */
  readonly mails: readonly string[];
  close(): void;
}

/** Takes mail from whoever has begun TLS and logged in. */
export async function mailServer(): Promise<MailServer> {
  const pki = await testPki();
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const login = { user: 'ada', password: randomUUID() };
  const mails: string[] = [];
  const server = new SMTPServer({
    name: 'mail.example',
    cert,
    key,
    logger: false,
    disableReverseLookup: true,
    size: 2 ** 26,
    onAuth: ({ username, password }, _, answer) => {
      if (username === login.user && password === login.password) answer(null, { user: username });
      else answer(new Error('wrong name or password'));
    },
    onData: (stream, _, answer) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString());
        answer(null, 'OK: the mail is here');
      });
    },
  });
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  server.on('error', () => undefined); // of its connections; the client tells of them
  const { port } = listener.address() as AddressInfo;
  return { port, authority: pki.authorityPem, login, mails, close: () => server.close() };
}
