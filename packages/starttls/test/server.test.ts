// The server's side of every protocol against clients that keep to it, inject, want no TLS, or never come to an end.
import {
  HandshakeTimeoutError,
  LimitExceededError,
  PeerIncompatibleError,
  PeerMisbehavedError,
} from '@rxtls/core/engine';
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
import { VirtualTimeScheduler } from 'rxjs';
import t from 'tap';
import { memoryPair } from '../../transport-memory/src/index.ts';
import {
  ascii,
  hex,
  joined,
  ldapRequest,
  leftFor,
  mysqlGreeting,
  mysqlPacket,
  protocols,
  Seen,
  serverAgainst,
  text,
} from './bench.ts';

t.teardown(() => Seen.endAll());

const clientHello = '\u0016\u0003\u0001\u0002\u0000';

for (const { name, server, questions } of protocols) {
  const last = questions.at(-1)!;
  const before = questions.slice(0, -1);

  t.test(`${name}: the server's side, in one piece and in pieces of every size`, async (t) => {
    for (const fragment of [undefined, 1, 2, 3, 7, [5, 1, 11]]) {
      const seen = serverAgainst(server(), questions, fragment);
      t.equal(seen.error, undefined, String(fragment));
      t.equal(seen.values.length, 1);
      t.equal(seen.aborts, 0);
      seen.peer.sink.write(ascii(clientHello));
      t.equal(leftFor(seen.values[0]!), clientHello);
    }
  });

  t.test(`P1 (${name}): plaintext in the chunk of the command is refused, before any go-ahead`, async (t) => {
    const heard = (text: string): string => text.replace(/ id='[^']*'/, '');
    const answered = heard(serverAgainst(server(), before).heard.text);
    for (const injected of ['x', '\r\n', 'RSET\r\n', '\u0016\u0002', '\u0015\u0003\u0003', '\u0017\u0003\u0003']) {
      const seen = serverAgainst(server(), [...before, joined(last, ascii(injected))]);
      t.ok(seen.error instanceof PeerMisbehavedError, `${JSON.stringify(injected)}: ${seen.error}`);
      t.equal(seen.values.length, 0);
      t.equal(seen.aborts, 1);
      t.equal(heard(seen.heard.text), answered, 'no go-ahead');
    }
  });

  t.test(`P3 (${name}): a ClientHello in the chunk of the command is for TLS, whole or its first byte`, async (t) => {
    for (const length of [1, 2, 3, clientHello.length]) {
      const seen = serverAgainst(server(), [...before, joined(last, ascii(clientHello.slice(0, length)))]);
      t.equal(seen.error, undefined);
      seen.peer.sink.write(ascii(clientHello.slice(length)));
      t.equal(leftFor(seen.values[0]!), clientHello);
    }
  });

  t.test(`R17 (${name}): a client that says nothing, or a byte a second, has upgradeTimeout`, async (t) => {
    const scheduler = new VirtualTimeScheduler();
    const [ours, peer] = memoryPair();
    const seen = new Seen(ours, server({ scheduler }));
    for (let second = 1; second < 5; second++)
      scheduler.schedule(() => peer.sink.write(questions[0]!.slice(second - 1, second)), second * 1_000);
    scheduler.flush();
    t.ok(seen.error instanceof HandshakeTimeoutError);
    t.match(seen.error, { limit: 'upgradeTimeout' });
    t.equal(scheduler.now(), 10_000, 'the default');
    t.equal(seen.aborts, 1);
  });

  t.test(`C7 (${name}): an end, a cut and an unsubscription abort the transport once`, async (t) => {
    for (const how of ['end', 'error', 'unsubscribe'] as const) {
      const pair = memoryPair();
      const seen = new Seen(pair[0], server());
      if (how === 'unsubscribe') seen.subscription.unsubscribe();
      else pair.link.bToA.cut(how);
      t.equal(seen.aborts, 1, how);
      t.equal(seen.error?.name, { end: 'TruncationError', error: 'AbortedError', unsubscribe: undefined }[how]);
    }
  });
}

const smtp = smtpStartTlsServer({ name: 'mx.test' });

t.test('servers answer everything else, and go on', async (t) => {
  const dialogues = [
    [
      smtp,
      'HELO a\r\nnoop\r\nRSET\r\nMAIL FROM:<a@b>\r\nSTARTTLS now\r\n',
      '220 mx.test ESMTP|250 mx.test|250 2.0.0 ok|250 2.0.0 ok|530 5.7.0 must issue a STARTTLS command first|501 5.5.4 no parameters allowed|',
    ],
    [
      imapStartTlsServer(),
      'a NOOP\r\nb LOGIN me pw\r\n{ X\r\nc STARTTLS x\r\n',
      '* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready|a OK done|b NO [PRIVACYREQUIRED] STARTTLS first|* BAD no tag|c NO [PRIVACYREQUIRED] STARTTLS first|',
    ],
    [pop3StartTlsServer(), 'USER me\r\nSTLS x\r\n', '+OK ready|-ERR STLS first|-ERR STLS first|'],
    [
      ftpAuthTlsServer(),
      'USER me\r\nAUTH KERBEROS\r\nNOOP\r\n',
      '220 ready|530 AUTH TLS first|504 AUTH TLS only|200 ok|',
    ],
  ] as const;
  for (const [operator, said, heard] of dialogues) {
    const seen = serverAgainst(operator, [ascii(said)]);
    t.equal(seen.heard.text.replaceAll('\r\n', '|'), heard);
    t.equal(seen.error, undefined);
  }
  const ldap = serverAgainst(ldapStartTlsServer(), [
    hex('300c 020101 6007 020103 0400 8000'), // bind
    hex('3006 020102 500101'), // abandon: no answer
    joined(hex('301f 020103 771a 8016'), ascii('1.3.6.1.4.1.1466.20037'), hex('8100')), // with a value
    joined(hex('3009 020104 7704 8002'), ascii('1.')), // another operation
  ]);
  t.equal(
    ldap.heard.text,
    text(
      hex('300c 020101 6107 0a010d 0400 0400  300c 020103 7807 0a0102 0400 0400  300c 020104 7807 0a010d 0400 0400'),
    ),
  );
  t.equal(ldap.error, undefined);
});

t.test('a client that leaves, or wants no TLS, is told so, and is a PeerIncompatibleError', async (t) => {
  const leaving = [
    [smtp, 'QUIT\r\n', /221/],
    [imapStartTlsServer(), 'a LOGOUT\r\n', /\* BYE\r\na OK/],
    [pop3StartTlsServer(), 'QUIT\r\n', /\+OK bye/],
    [ftpAuthTlsServer(), 'QUIT\r\n', /221/],
    [ldapStartTlsServer(), hex('3005 020101 4200'), /^$/],
    [postgresTlsServer(), hex('00000009 00030000 00'), /^E.*C28000/s],
    [postgresTlsServer(), hex('00000010 04d2162e 00000001 00000002'), /^$/], // CancelRequest
    [
      mysqlTlsServer({ greeting: () => mysqlGreeting() }),
      mysqlPacket(1, hex('05a20800 00000001 ff 00')),
      /TLS is required/,
    ],
    [
      mysqlTlsServer({ greeting: () => mysqlGreeting() }),
      mysqlPacket(1, joined(hex('05aa0800 00000001 ff'), new Uint8Array(23), ascii('root\0'))), // with the flag, and a login
      /TLS is required/,
    ],
    [
      mysqlTlsServer({ greeting: () => mysqlGreeting() }),
      mysqlPacket(1, joined(hex('05aa0800 00000001 ff'), new Uint8Array(22))), // with the flag, and a byte short
      /TLS is required/,
    ],
    [
      xmppStartTlsServer({ from: 's.test' }),
      joined(protocols.find(({ name }) => name === 'XMPP')!.questions[0]!, ascii('<iq/>')),
      /<failure/,
    ],
  ] as const;
  for (const [operator, said, heard] of leaving) {
    const seen = serverAgainst(operator, [typeof said === 'string' ? ascii(said) : said]);
    t.ok(seen.error instanceof PeerIncompatibleError, String(seen.error));
    t.match(seen.heard.text, heard);
    t.equal(seen.values.length, 0);
    t.equal(seen.aborts, 1);
  }
});

t.test('a client that breaks the protocol is a PeerMisbehavedError', async (t) => {
  const broken = [
    [smtp, 'EHLO a\n'],
    [smtp, 'EHLO\0\r\n'],
    [ldapStartTlsServer(), 'GET / HTTP/1.1\r\n'],
    [ldapStartTlsServer(), hex('3005 020101 7800')], // a response
    [postgresTlsServer(), hex('00000007 000000')],
    [postgresTlsServer(), clientHello],
    [mysqlTlsServer({ greeting: () => mysqlGreeting() }), mysqlPacket(2, new Uint8Array(32))],
    [mysqlTlsServer({ greeting: () => mysqlGreeting() }), mysqlPacket(1, new Uint8Array(3))],
    [xmppStartTlsServer({ from: 's.test' }), '<!DOCTYPE a>'],
  ] as const;
  for (const [operator, said] of broken) {
    const seen = serverAgainst(operator, [typeof said === 'string' ? ascii(said) : said]);
    t.ok(seen.error instanceof PeerMisbehavedError, `${String(said)}: ${seen.error}`);
    t.equal(seen.aborts, 1);
  }
});

t.test('R2: a line, a frame and a dialogue without an end are LimitExceededErrors', async (t) => {
  const endless = [
    [smtp, 'x'.repeat(9_000), 'maxUpgradeLineBytes'],
    [smtp, 'NOOP\r\n'.repeat(11_000), 'maxUpgradeBytes'],
    [imapStartTlsServer(), 'a NOOP\r\n'.repeat(9_000), 'maxUpgradeBytes'],
    [postgresTlsServer(), hex('7fffffff'), 'maxUpgradeLineBytes'],
    [postgresTlsServer(), 'GET / HTTP/1.1\r\n', 'maxUpgradeLineBytes'],
    [postgresTlsServer(), text(hex('00000008 04d21630')).repeat(9_000), 'maxUpgradeBytes'],
    [ldapStartTlsServer(), hex('3084 ffffffff'), 'maxUpgradeLineBytes'],
    [mysqlTlsServer({ greeting: () => mysqlGreeting() }), hex('ffffff 01'), 'maxUpgradeLineBytes'],
  ] as const;
  for (const [operator, said, limit] of endless) {
    const seen = serverAgainst(operator, [typeof said === 'string' ? ascii(said) : said]);
    t.ok(seen.error instanceof LimitExceededError, String(seen.error));
    t.match(seen.error, { limit });
  }
});

t.test(
  'MySQL: the greeting is asked for with the info of its connection; one that is none, or throws, ends it',
  async (t) => {
    const infos: unknown[] = [];
    const questions = protocols.find(({ name }) => name === 'MySQL')!.questions;
    const greeting = (info: unknown): Uint8Array => {
      infos.push(info);
      return mysqlGreeting();
    };
    const seen = serverAgainst(mysqlTlsServer({ greeting }), questions);
    t.equal(infos[0], seen.values[0]!.info);
    t.equal(seen.heard.text, text(mysqlPacket(0, mysqlGreeting())));
    for (const wrong of [() => new Uint8Array(5), () => mysqlGreeting(0), () => undefined as unknown as Uint8Array]) {
      const failed = serverAgainst(mysqlTlsServer({ greeting: wrong }), questions);
      t.match(failed.error, { name: 'ApiMisuseError', message: /CLIENT_SSL/ });
      t.equal(failed.aborts, 1);
    }
    const throwing = (): Uint8Array => {
      throw new Error('mine');
    };
    t.match(serverAgainst(mysqlTlsServer({ greeting: throwing }), questions).error, { name: 'EngineFailureError' });
  },
);

t.test('LDAP: the answer has the number of the question, as long as that is', async (t) => {
  const request = joined(hex('3020 020412345678 7718 8016'), ldapRequest.subarray(9));
  const seen = serverAgainst(ldapStartTlsServer(), [request]);
  t.equal(seen.values.length, 1, String(seen.error));
  t.ok(seen.heard.text.startsWith(text(hex('3027 020412345678 781f 0a0100'))));
});
