// The client's side of every protocol against servers that keep to it, refuse, break it, inject, or never come to an end.
import { upgradeReady } from '@rxtls/core';
import {
  AbortedError,
  HandshakeTimeoutError,
  LimitExceededError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  TruncationError,
} from '@rxtls/core/engine';
import {
  ftpAuthTls,
  imapStartTls,
  ldapStartTls,
  mysqlTls,
  pop3StartTls,
  postgresTls,
  smtpStartTls,
  xmppStartTls,
} from '@rxtls/starttls';
import { of, VirtualTimeScheduler } from 'rxjs';
import t from 'tap';
import { memoryPair } from '../../transport-memory/src/index.ts';
import {
  ascii,
  clientAgainst,
  hex,
  joined,
  leftFor,
  mysqlGreeting,
  mysqlPacket,
  type Protocol,
  protocols,
  Seen,
  text,
  xmppFeatures,
  xmppServerHeader,
  xmppTls,
} from './bench.ts';

t.teardown(() => Seen.endAll());

/** A server's things, the last with something behind it. */
const withBehind = ({ greeting, answers }: Protocol, more: Uint8Array): Pick<Protocol, 'greeting' | 'answers'> =>
  answers.length === 0
    ? { greeting: joined(greeting!, more), answers }
    : { ...(greeting && { greeting }), answers: [...answers.slice(0, -1), joined(answers.at(-1)!, more)] };

for (const protocol of protocols) {
  const { name, client, greeting, answers } = protocol;

  t.test(`${name}: the dialogue, in one piece and in pieces of every size`, async (t) => {
    for (const fragment of [undefined, 1, 2, 3, 7, [5, 1, 11]]) {
      const seen = clientAgainst(client(), protocol, fragment);
      t.equal(seen.error, undefined, String(fragment));
      t.equal(seen.values.length, 1);
      t.equal(seen.aborts, 0);
      t.notOk(seen.completed, 'lives as long as its source');
      seen.peer.sink.write(ascii('later'));
      t.equal(leftFor(seen.values[0]!), 'later', 'what comes after the go-ahead is for TLS, and nothing was lost');
    }
  });

  t.test(`P2 (${name}): a byte behind the go-ahead, in the same chunk, is refused`, async (t) => {
    for (const injected of ['\r\n', 'x', '250 injected\r\n', '\u0016\u0003\u0003']) {
      const seen = clientAgainst(client(), withBehind(protocol, ascii(injected)));
      t.ok(seen.error instanceof PeerMisbehavedError, String(seen.error));
      t.equal(seen.values.length, 0);
      t.equal(seen.aborts, 1);
    }
  });

  t.test(`P2 (${name}): an answer that comes before its question is refused`, async (t) => {
    const all = greeting === undefined ? answers : [greeting, ...answers];
    for (let at = 0; at + 1 < all.length; at++) {
      const early = [...all.slice(0, at), joined(all[at]!, all[at + 1]!), ...all.slice(at + 2)];
      const served = greeting === undefined ? { answers: early } : { greeting: early[0]!, answers: early.slice(1) };
      const seen = clientAgainst(client(), served);
      t.ok(seen.error instanceof PeerMisbehavedError, `${at}: ${seen.error?.message}`);
      t.equal(seen.aborts, 1);
    }
    t.pass(`${all.length} things are said`);
  });

  t.test(`${name}: an end of the transport before the go-ahead is a TruncationError`, async (t) => {
    const [ours, peer] = memoryPair();
    const seen = new Seen(ours, client());
    if (greeting !== undefined) peer.sink.write(greeting.subarray(0, 5));
    peer.sink.end();
    t.ok(seen.error instanceof TruncationError);
    t.match(seen.error, { retryable: true, safeToReplay: true });
    t.match(seen.error?.message, new RegExp(`^${name}: `));
    t.equal(seen.aborts, 1);
  });

  t.test(`C7 (${name}): a transport that breaks, and an unsubscription, cut it exactly once`, async (t) => {
    const pair = memoryPair();
    const broken = new Seen(pair[0], client());
    pair.link.bToA.cut('error');
    t.ok(broken.error instanceof AbortedError);
    t.match(broken.error, { retryable: true, safeToReplay: true });
    t.equal(broken.aborts, 1);
    const [ours, peer] = memoryPair();
    const dropped = new Seen(ours, client());
    let theirs: unknown;
    peer.sink.demand.subscribe({ error: (error: unknown) => (theirs = error) });
    dropped.subscription.unsubscribe();
    t.equal(dropped.aborts, 1);
    t.ok(theirs instanceof AbortedError, 'the peer sees a cut');
    peer.sink.write(ascii('too late'));
    t.equal(dropped.values.length, 0);
  });

  t.test(`R17 (${name}): a server that says nothing, or a byte a second, has upgradeTimeout`, async (t) => {
    const scheduler = new VirtualTimeScheduler();
    scheduler.maxFrames = 5_000;
    const [ours, peer] = memoryPair();
    const seen = new Seen(ours, client({ scheduler, limits: { upgradeTimeout: 5_000 } }));
    const first = greeting ?? answers[0]!; // one of a single byte is not said
    for (let second = 1; second < 5 && first.length > 1; second++)
      scheduler.schedule(() => peer.sink.write(first.slice(second - 1, second)), second * 1_000);
    scheduler.flush();
    t.ok(seen.error instanceof HandshakeTimeoutError, String(seen.error));
    t.match(seen.error, { limit: 'upgradeTimeout', retryable: true });
    t.equal(seen.aborts, 1);
    t.equal(scheduler.now(), 5_000);
    t.equal(scheduler.actions.length, 0, 'no timer is left');
  });

  t.test(`${name}: no timer is left when it is done`, async (t) => {
    const scheduler = new VirtualTimeScheduler();
    t.equal(clientAgainst(client({ scheduler }), protocol).values.length, 1);
    scheduler.flush();
    t.equal(scheduler.now(), 0);
  });
}

/** What a server says, and what must be in the message. */
type Refusal = readonly [
  operator: ReturnType<typeof imapStartTls>,
  said: readonly (string | Uint8Array)[],
  message: RegExp,
  greets?: boolean,
];
const bytesOf = (said: string | Uint8Array): Uint8Array => (typeof said === 'string' ? ascii(said) : said);
const against = ([operator, said, , greets = true]: Refusal) => {
  const [first, ...rest] = said.map(bytesOf);
  return clientAgainst(operator, greets ? { greeting: first!, answers: rest } : { answers: [first!, ...rest] });
};

const smtp = smtpStartTls({ name: 'client.test' });
const xmpp = xmppStartTls({ to: 's.test' });
const ldapResult = (code: number): Uint8Array =>
  joined(hex('300c 020101 7807 0a01'), Uint8Array.of(code), hex('0400 0400'));

const refusals: readonly Refusal[] = [
  [smtp, ['554 no service\r\n'], /SMTP: .*554/],
  [smtp, ['220 hi\r\n', '502 no EHLO\r\n'], /EHLO \(502\)/],
  [smtp, ['220 hi\r\n', '250-mx\r\n250 SIZE\r\n'], /does not offer STARTTLS/],
  [smtp, ['220 hi\r\n', '250 STARTTLS\r\n'], /does not offer STARTTLS/], // its name, not a keyword
  [smtp, ['220 hi\r\n', '250-mx\r\n250 XSTARTTLS\r\n'], /does not offer STARTTLS/],
  [smtp, ['220 hi\r\n', '250-mx\r\n250 STARTTLS\r\n', '454 not now\r\n'], /refused STARTTLS \(454\)/],
  [imapStartTls(), ['* PREAUTH welcome\r\n'], /PREAUTH/],
  [imapStartTls(), ['* BYE\r\n'], /BYE/],
  [imapStartTls(), ['* OK\r\n', '* BYE\r\n'], /BYE before TLS/],
  [imapStartTls(), ['* OK\r\n', '* CAPABILITY IMAP4rev1 XSTARTTLS\r\na1 OK\r\n'], /does not offer/],
  [imapStartTls(), ['* OK\r\n', 'a1 BAD what\r\n'], /refused CAPABILITY \(BAD\)/],
  [imapStartTls(), ['* OK\r\n', '* CAPABILITY STARTTLS\r\na1 OK\r\n', 'a2 NO\r\n'], /refused STARTTLS \(NO\)/],
  [pop3StartTls(), ['-ERR busy\r\n'], /-ERR: greeting/],
  [pop3StartTls(), ['+OK\r\n', '-ERR what\r\n'], /-ERR: CAPA/],
  [pop3StartTls(), ['+OK\r\n', '+OK\r\nUSER\r\n.\r\n'], /does not offer STLS/],
  [pop3StartTls(), ['+OK\r\n', '+OK\r\nSTLS\r\n.\r\n', '-ERR\r\n'], /-ERR: STLS/],
  [ftpAuthTls(), ['421 full\r\n'], /421/],
  [ftpAuthTls(), ['220 hi\r\n', '502 what\r\n'], /refused AUTH TLS \(502\)/],
  [xmpp, [xmppFeatures('<bind/>')], /does not offer/, false],
  [xmpp, [xmppFeatures("<starttls xmlns='urn:other'/>")], /does not offer/, false],
  [xmpp, [xmppFeatures(`<starttls ${xmppTls}/>`), `<failure ${xmppTls}/></stream:stream>`], /refused STARTTLS/, false],
  [xmpp, [`${xmppServerHeader}<stream:error/>`], /with an error/, false],
  [ldapStartTls(), [ldapResult(52)], /resultCode 52/, false],
  [ldapStartTls(), [joined(hex('300c 020100 7807 0a0134 0400 0400'))], /resultCode 52/, false], // Notice of Disconnection
  [postgresTls(), ['N'], /does not do TLS/, false],
  [postgresTls(), ['ESome error in the clear'], /with an error/, false],
  [mysqlTls(), [mysqlPacket(0, hex('ff 1004'))], /greets with an error/],
  [mysqlTls(), [mysqlPacket(0, mysqlGreeting(0xffff_f7ff))], /does not do TLS/],
  [mysqlTls(), [mysqlPacket(0, mysqlGreeting(0xffff_fdff))], /4\.1/],
];

t.test('P4: stripping and every refusal are a PeerIncompatibleError, and nothing comes out', async (t) => {
  for (const refusal of refusals) {
    const seen = against(refusal);
    t.ok(seen.error instanceof PeerIncompatibleError, `${text(bytesOf(refusal[1].at(-1)!))}: ${seen.error}`);
    t.match(seen.error?.message, refusal[2]);
    t.equal(seen.values.length, 0);
    t.equal(seen.aborts, 1, 'C7: cut once');
  }
});

const manyLines = '250-x\r\n'.repeat(10_000);
const misbehaviour: readonly Refusal[] = [
  [smtp, ['220 hi\n'], /CRLF/],
  [smtp, ['220 h\ri\r\n'], /CR or a NUL/],
  [smtp, ['220 h\0i\r\n'], /CR or a NUL/],
  [smtp, ['hello\r\n'], /no reply/],
  [smtp, ['220-a\r\n250 b\r\n'], /no reply/],
  [smtp, ['2200 hi\r\n'], /no reply/],
  [imapStartTls(), ['OK\r\n'], /no greeting/],
  [imapStartTls(), ['* OK\r\n', 'a2 OK\r\n'], /no answer to CAPABILITY/],
  [imapStartTls(), ['* OK\r\n', 'a1 MAYBE\r\n'], /no answer to CAPABILITY/],
  [pop3StartTls(), ['+OKAY\r\n'], /neither \+OK nor -ERR/],
  [ftpAuthTls(), ['220\r\n'], /no reply/],
  [xmpp, ['<!DOCTYPE x [<!ENTITY a "b">]>'], /DTD/, false],
  [xmpp, [`${xmppServerHeader}<!-- -->`], /comment/, false],
  [xmpp, [`${xmppServerHeader}<?pi x?>`], /not well-formed/, false],
  [xmpp, ["<stream xmlns='urn:other'>"], /no XMPP stream/, false],
  [xmpp, ['<stream:stream>'], /prefix/, false],
  [xmpp, ['</stream>'], /no stream/, false],
  [xmpp, ['hello <'], /no stream/, false],
  [xmpp, [xmppServerHeader.replace(/>$/, '/>')], /no stream/, false], // closed as soon as it is open
  [xmpp, [`${xmppServerHeader}<?xml version='1.0'?>`], /out of place/, false],
  [xmpp, [xmppFeatures("<?xml version='1.0'?>")], /out of place/, false],
  [xmpp, [`${xmppServerHeader}text<a/>`], /text between/, false],
  [xmpp, [`${xmppServerHeader}</stream:stream>`], /closed/, false],
  [xmpp, [`${xmppServerHeader}<iq/>`], /without features/, false],
  [xmpp, [xmppFeatures('<a></b>')], /closes another/, false],
  [xmpp, [xmppFeatures('<a x="1" x="2"/>')], /twice/, false],
  [xmpp, [xmppFeatures('<a x=1/>')], /not well-formed/, false],
  [xmpp, [xmppFeatures('<a <b/>')], /within a tag/, false],
  [xmpp, [xmppFeatures('<a>'.repeat(20))], /16 deep/, false],
  [xmpp, [xmppFeatures(`<starttls ${xmppTls}/>`), `<proceed/>`], /no answer/, false],
  [ldapStartTls(), ['HTTP/1.1 400'], /no LDAP message/, false],
  [ldapStartTls(), [hex('3080 020101')], /indefinite/, false],
  [ldapStartTls(), [hex('3085 0000000001')], /over four bytes/, false],
  [ldapStartTls(), [hex('3006 020101 780a 01')], /cut short/, false],
  [ldapStartTls(), [hex('3003 020101')], /no operation/, false],
  [ldapStartTls(), [hex('3005 0a0101 7800')], /no number/, false],
  [ldapStartTls(), [hex('3005 020101 6100')], /no answer to StartTLS/, false],
  [ldapStartTls(), [hex('3005 020101 7800')], /no LDAP result/, false],
  [ldapStartTls(), [hex('300c 020102 7807 0a0100 0400 0400')], /another number/, false],
  [postgresTls(), ['X'], /neither S nor N/, false],
  [mysqlTls(), [mysqlPacket(1, mysqlGreeting())], /not number 0/],
  [mysqlTls(), [mysqlPacket(0, hex('09 00'))], /protocol 10/],
  [mysqlTls(), [mysqlPacket(0, mysqlGreeting().subarray(0, 20))], /protocol 10/],
];

t.test('a server that breaks its protocol is a PeerMisbehavedError', async (t) => {
  for (const one of misbehaviour) {
    const seen = against(one);
    t.ok(seen.error instanceof PeerMisbehavedError, `${text(bytesOf(one[1].at(-1)!))}: ${seen.error}`);
    t.match(seen.error?.message, one[2]);
    t.equal(seen.values.length, 0);
    t.equal(seen.aborts, 1);
  }
});

const oversized: readonly (readonly [Refusal, string])[] = [
  [[smtp, [`220 ${'x'.repeat(9_000)}`], /8192/], 'maxUpgradeLineBytes'],
  [[smtp, ['220 hi\r\n', manyLines], /65536/], 'maxUpgradeBytes'],
  [[ftpAuthTls(), [`220-${'x\r\n'.repeat(30_000)}`], /65536/], 'maxUpgradeBytes'],
  [[imapStartTls(), ['* OK\r\n', '* NOOP\r\n'.repeat(9_000)], /65536/], 'maxUpgradeBytes'],
  [[pop3StartTls(), ['+OK\r\n', `+OK\r\n${'x\r\n'.repeat(30_000)}`], /65536/], 'maxUpgradeBytes'],
  [[xmpp, [`<stream a='${'x'.repeat(9_000)}`], /8192/, false], 'maxUpgradeLineBytes'],
  [[xmpp, [xmppFeatures('<a/>'.repeat(20_000))], /65536/, false], 'maxUpgradeBytes'],
  [[ldapStartTls(), [hex('3084 7fffffff')], /8192/, false], 'maxUpgradeLineBytes'],
  [[mysqlTls(), [hex('ffffff 00')], /8192/], 'maxUpgradeLineBytes'],
];

t.test(
  'R2: what is longer than a limit is a LimitExceededError that names it, as soon as its length is known',
  async (t) => {
    for (const [one, limit] of oversized) {
      const seen = against(one);
      t.ok(seen.error instanceof LimitExceededError, String(seen.error));
      t.match(seen.error, { limit, message: one[2] });
      t.equal(seen.aborts, 1);
    }
    const small = smtpStartTls({ name: 'client.test', limits: { maxUpgradeLineBytes: 10 } });
    t.match(clientAgainst(small, { greeting: ascii('220 01234\r\n'), answers: [] }).error, {
      limit: 'maxUpgradeLineBytes',
    });
    const exact = smtpStartTls({ name: 'client.test', limits: { maxUpgradeLineBytes: 10 } });
    t.equal(clientAgainst(exact, { greeting: ascii('220 0123\r\n'), answers: [] }).error, undefined);
  },
);

t.test('no message has a word of the peer', async (t) => {
  const secretive = [...refusals, ...misbehaviour].map(
    ([operator, said, message, greets = true]): Refusal => [
      operator,
      said.map((each) => (typeof each === 'string' ? each.replace('\r\n', ' tell-tale\r\n') : each)),
      message,
      greets,
    ],
  );
  for (const one of secretive) t.notMatch(against(one).error?.message, /tell-tale/);
});

t.test('clients say exactly what the protocols ask', async (t) => {
  const said = Object.fromEntries(
    protocols.map((each) => [each.name, clientAgainst(each.client(), each).written.map((bytes) => text(bytes))]),
  );
  t.same(said['SMTP'], ['EHLO client.test\r\n', 'STARTTLS\r\n']);
  t.same(said['IMAP'], ['a1 CAPABILITY\r\n', 'a2 STARTTLS\r\n']);
  t.same(said['POP3'], ['CAPA\r\n', 'STLS\r\n']);
  t.same(said['FTP'], ['AUTH TLS\r\n']);
  t.same(said['XMPP'], [
    "<?xml version='1.0'?><stream:stream to='s.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
  ]);
  t.same(said['LDAP'], [text(protocols.find(({ name }) => name === 'LDAP')!.questions[0]!)]);
  t.same(said['PostgreSQL'], [text(hex('00000008 04d2162f'))]);
  t.same(said['MySQL'], [text(mysqlPacket(1, joined(hex('05aa0800 00000001 ff'), new Uint8Array(23))))]);
});

t.test('MySQL: the greeting is told once, with the info of the connection; one that throws ends it', async (t) => {
  const told: unknown[] = [];
  const protocol = protocols.find(({ name }) => name === 'MySQL')!;
  const seen = clientAgainst(mysqlTls({ greeting: (payload, info) => told.push(payload, info) }), protocol);
  t.same(told[0], mysqlGreeting());
  t.equal(told[1], seen.values[0]!.info, 'the very same object');
  const thrown = clientAgainst(
    mysqlTls({
      greeting: () => {
        throw new Error('mine');
      },
    }),
    protocol,
  );
  t.match(thrown.error, { name: 'EngineFailureError', cause: { message: 'mine' } });
  t.equal(thrown.aborts, 1);
});

t.test('one transport, and what becomes of the source', async (t) => {
  const { greeting = ascii(''), answers } = protocols[0]!;
  const [ours, peer] = memoryPair();
  let said = 0;
  peer.source.bytes.subscribe({ next: () => peer.sink.write(answers[said++]!.slice()), error: () => undefined });
  peer.source.request(Number.POSITIVE_INFINITY);
  const outcome: string[] = [];
  of(ours)
    .pipe(smtp)
    .subscribe({ next: () => outcome.push('ready'), complete: () => outcome.push('complete') });
  peer.sink.write(greeting);
  t.same(outcome, ['ready', 'complete'], 'a source that completes before the dialogue does');
  const pair = memoryPair();
  let error: unknown;
  of(memoryPair()[0], pair[0])
    .pipe(smtp)
    .subscribe({ error: (each: unknown) => (error = each) });
  t.match(error, { name: 'ApiMisuseError', message: /secureEach/ });
  let second: unknown;
  pair[1].sink.demand.subscribe({ error: (each: unknown) => (second = each) });
  t.ok(second instanceof AbortedError, 'the second transport is not left open');
});

t.test('P4: what is ready for TLS has nothing that an application could read or write with', async (t) => {
  const ready = upgradeReady(memoryPair()[0]);
  t.same(Object.keys(ready), ['info']);
  t.same(Reflect.ownKeys(Object.getPrototypeOf(ready) as object), ['constructor']);
  t.notOk(JSON.stringify(ready).includes('sink'));
});
