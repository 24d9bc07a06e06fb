// OpenSSL's client speaks each protocol's upgrade to our servers' side of it.
import {
  ftpAuthTlsServer,
  imapStartTlsServer,
  ldapStartTlsServer,
  mysqlTlsServer,
  pop3StartTlsServer,
  postgresTlsServer,
  smtpStartTlsServer,
  xmppStartTlsServer,
} from '@rxtls/starttls';
import type { SecureEachOptions } from '@rxtls/core';
import t from 'tap';
import { mysqlGreeting } from '../../packages/starttls/test/bench.ts';
import { Reading, serve, serverEngine } from './ends.ts';
import { opensslMissing, sClient } from './openssl.ts';

t.setTimeout(60_000);
const skip = opensslMissing === undefined ? {} : { skip: opensslMissing };

const servers: readonly (readonly [string, NonNullable<SecureEachOptions['upgrade']>])[] = [
  ['smtp', smtpStartTlsServer({ name: 'localhost' })],
  ['imap', imapStartTlsServer()],
  ['pop3', pop3StartTlsServer()],
  ['ftp', ftpAuthTlsServer()],
  ['xmpp', xmppStartTlsServer({ from: 'localhost' })],
  ['xmpp-server', xmppStartTlsServer({ from: 'localhost', namespace: 'jabber:server' })],
  ['ldap', ldapStartTlsServer()],
  ['postgres', postgresTlsServer()],
  ['mysql', mysqlTlsServer({ greeting: () => mysqlGreeting(0x0008_aa05) })],
];

for (const [protocol, upgrade] of servers)
  t.test(`openssl s_client -starttls ${protocol} to our server’s side, and data both ways`, skip, async (t) => {
    const server = await serve(t, await serverEngine('ecdsa'), { upgrade });
    const extra = ['-starttls', protocol, '-quiet', '-no_ign_eof', '-nocommands'];
    const program = await sClient(t, server.port, {}, extra);
    const connection = await server.next();
    const reading = new Reading(connection);
    program.type('hello from openssl\n');
    t.equal((await reading.atLeast(19)).toString(), 'hello from openssl\n');
    connection.write(Buffer.from('hello from rxtls\n'));
    t.match((await program.says(/hello from rxtls/))[0], 'hello from rxtls');
    t.equal(connection.negotiated.serverName, 'localhost');
    program.endInput();
    t.equal(await reading.over, 'complete');
    t.same(server.failures, []);
  });
