// What servers that people run say before TLS, byte for byte, where it is not what our servers say. Taken down from PostgreSQL 15.18,
// MariaDB 10.11.19, Dovecot 2.3.19, OpenLDAP 2.5.13, vsftpd 3.0.3 and Prosody 0.12.3; test/interop speaks with them where they are installed.
import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import {
  ftpAuthTls,
  imapStartTls,
  ldapStartTls,
  mysqlTls,
  pop3StartTls,
  postgresTls,
  xmppStartTls,
} from '@rxtls/starttls';
import type { OperatorFunction } from 'rxjs';
import t from 'tap';
import { ascii, clientAgainst, hex, joined, leftFor, type Protocol } from './bench.ts';

interface Recording extends Pick<Protocol, 'greeting' | 'answers'> {
  readonly server: string;
  /** What is not as our server's side does it. */
  readonly differs: string;
  readonly client: () => OperatorFunction<ByteDuplex, UpgradeReady>;
}

const mariadbGreeting = joined(
  hex('64000000 0a'),
  ascii('5.5.5-10.11.19-MariaDB-0+deb12u1\0'),
  hex('03000000 2d793e66664d2f40 00 feff 08 0200 ff81 15 000000000000 1d000000'),
  ascii('70,+4`jr}>Z.\0mysql_native_password\0'),
);

const recordings: readonly Recording[] = [
  { server: 'PostgreSQL', differs: 'nothing', client: () => postgresTls(), answers: [ascii('S')] },
  {
    server: 'MariaDB',
    differs: 'a version in front of its version, no CLIENT_LONG_PASSWORD, more capabilities where MySQL has zeros',
    client: () => mysqlTls(),
    greeting: mariadbGreeting,
    answers: [],
  },
  {
    server: 'Dovecot, IMAP',
    differs: 'capabilities in the greeting, AUTH=PLAIN before TLS, sentences behind OK',
    client: () => imapStartTls(),
    greeting: ascii(
      '* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN] Dovecot (Debian) ready.\r\n',
    ),
    answers: [
      '* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN\r\n' +
        'a1 OK Pre-login capabilities listed, post-login capabilities have more.\r\n',
      'a2 OK Begin TLS negotiation now.\r\n',
    ].map(ascii),
  },
  {
    server: 'Dovecot, POP3',
    differs: 'logins before TLS among its capabilities',
    client: () => pop3StartTls(),
    greeting: ascii('+OK Dovecot (Debian) ready.\r\n'),
    answers: [
      '+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\n.\r\n',
      '+OK Begin TLS negotiation now.\r\n',
    ].map(ascii),
  },
  {
    server: 'slapd',
    differs: 'no responseName',
    client: () => ldapStartTls(),
    answers: [hex('300c 020101 7807 0a0100 0400 0400')],
  },
  {
    server: 'vsftpd',
    differs: 'nothing but words',
    client: () => ftpAuthTls(),
    greeting: ascii('220 (vsFTPd 3.0.3)\r\n'),
    answers: [ascii('234 Proceed with negotiation.\r\n')],
  },
  {
    server: 'Prosody',
    differs: 'the order of attributes, xml:lang, no line between declaration and stream',
    client: () => xmppStartTls({ to: 'localhost' }),
    answers: [
      "<?xml version='1.0'?><stream:stream id='c76044ce-de31-41b5-b992-f84b9e7b75d2' version='1.0' " +
        "xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client' from='localhost' xml:lang='en'>" +
        "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
      "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ].map(ascii),
  },
];

for (const { server, differs, client, ...said } of recordings)
  t.test(`${server}, which differs in: ${differs}`, async (t) => {
    for (const fragment of [undefined, 1, 2, 7, [40, 1]]) {
      const seen = clientAgainst(client(), said, fragment);
      t.equal(seen.error, undefined, String(fragment));
      t.equal(seen.values.length, 1);
      seen.peer.sink.write(ascii('TLS'));
      t.equal(leftFor(seen.values[0]!), 'TLS');
    }
  });

t.test('MariaDB: the greeting that is handed on is all of its payload', async (t) => {
  const greetings: Uint8Array[] = [];
  const upgrade = mysqlTls({ greeting: (payload) => greetings.push(payload) });
  clientAgainst(upgrade, { greeting: mariadbGreeting, answers: [] }, 3);
  t.same(greetings, [mariadbGreeting.subarray(4)]);
});

/** The same servers, told to do no TLS. */
const refusals: readonly (Omit<Recording, 'differs'> & { readonly message: RegExp })[] = [
  { server: 'PostgreSQL', client: () => postgresTls(), answers: [ascii('N')], message: /does not do TLS/ },
  {
    server: 'slapd',
    client: () => ldapStartTls(),
    answers: [joined(hex('302a 020101 7825 0a0102 0400 041e'), ascii('unsupported extended operation'))],
    message: /refused StartTLS \(resultCode 2\)/,
  },
  {
    server: 'vsftpd',
    client: () => ftpAuthTls(),
    greeting: ascii('220 (vsFTPd 3.0.3)\r\n'),
    answers: [ascii('530 Please login with USER and PASS.\r\n')],
    message: /refused AUTH TLS \(530\)/,
  },
  {
    server: 'Prosody',
    client: () => xmppStartTls({ to: 'localhost' }),
    answers: [
      ascii(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' " +
          "xmlns:stream='http://etherx.jabber.org/streams' from='localhost' id='8d4a970f-0ff2-4cc0-ba97-45804d99d130' xml:lang='en'>" +
          "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms>" +
          '</stream:features>',
      ),
    ],
    message: /does not offer STARTTLS/,
  },
];

for (const { server, client, message, ...said } of refusals)
  t.test(`${server} that does no TLS is refused`, async (t) => {
    for (const fragment of [undefined, 1]) {
      const seen = clientAgainst(client(), said, fragment);
      t.match(seen.error, { name: 'PeerIncompatibleError', message });
      t.equal(seen.values.length, 0);
      t.equal(seen.aborts, 1);
    }
  });
