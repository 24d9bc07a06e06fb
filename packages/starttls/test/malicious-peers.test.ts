// Each dialogue of each side against a peer that wants to break in: one table, in which nothing is left out without a reason.
import type { ByteDuplex } from '@rxtls/core';
import { httpConnect, proxyProtocolServer, socks5, type UpgradeOptions } from '@rxtls/starttls';
import { type OperatorFunction, VirtualTimeScheduler } from 'rxjs';
import t, { type Test } from 'tap';
import { memoryPair } from '../../transport-memory/src/index.ts';
import {
  ascii,
  clientAgainst,
  hex,
  joined,
  ldapRequest,
  ldapResponse,
  mysqlGreeting,
  mysqlPacket,
  protocols,
  Seen,
  serverAgainst,
  xmppFeatures,
  xmppTls,
} from './bench.ts';

t.teardown(() => Seen.endAll());

type Said = string | Uint8Array;
/** What the peer says, one thing after the other, and how the upgrade ends; or why there is no such attack. */
type Attack = { readonly said: readonly Said[]; readonly error: string; readonly limit?: string } | string;

interface Malice {
  /** Bytes before they were asked for, or with what begins TLS. */
  readonly early: Attack;
  /** TLS, or the tunnel, is not given, or not wanted. */
  readonly refusal: Attack;
  /** A line, frame or tag longer than any. */
  readonly oversize: Attack;
  /** A greeting, an answer or a chatter that never comes to its end, each piece of it small. */
  readonly endless: Attack;
  /** What two readers could see two lines in; what ends a string for one of them. */
  readonly split: Attack;
}

const misbehaves = (...said: readonly Said[]): Attack => ({ said, error: 'PeerMisbehavedError' });
const refuses = (...said: readonly Said[]): Attack => ({ said, error: 'PeerIncompatibleError' });
const exceeds = (limit: 'maxUpgradeLineBytes' | 'maxUpgradeBytes', ...said: readonly Said[]): Attack => ({
  said,
  error: 'LimitExceededError',
  limit,
});
const long = 'x'.repeat(9_000);
const many = (text: string): string => text.repeat(Math.ceil(66_000 / text.length));

interface Dialogue {
  readonly make: (options?: UpgradeOptions) => OperatorFunction<ByteDuplex, unknown>;
  readonly malice: Malice;
  /** The first thing that a peer says. */
  readonly first: Uint8Array;
  /** The peer speaks first. */
  readonly greets: boolean;
}

const counts = 'it counts its bytes and has no lines';
const protocol = (name: string) => protocols.find((each) => each.name === name)!;
const client = (name: string, malice: Malice): readonly [string, Dialogue] => {
  const { client: make, greeting, answers } = protocol(name);
  return [name, { make, malice, first: greeting ?? answers[0]!, greets: greeting !== undefined }];
};
const server = (name: string, malice: Malice): readonly [string, Dialogue] => {
  const { server: make, questions } = protocol(name);
  return [name, { make, malice, first: questions[0]!, greets: true }];
};

const tlsOffer = `<starttls ${xmppTls}/>`;

/** Clients of ours, whose server is the malicious one. */
const clients: readonly (readonly [string, Dialogue])[] = [
  client('SMTP', {
    early: misbehaves('220 hi\r\n250-mx\r\n250 STARTTLS\r\n'),
    refusal: refuses('220 hi\r\n', '250-mx\r\n250 STARTTLS\r\n', '454 no\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `220 ${long}`),
    endless: exceeds('maxUpgradeBytes', many('220-hi\r\n')),
    split: misbehaves('220 hi\r250 there\r\n'),
  }),
  client('IMAP', {
    early: misbehaves('* OK\r\n* CAPABILITY STARTTLS\r\na1 OK\r\n'),
    refusal: refuses('* OK\r\n', '* CAPABILITY STARTTLS\r\na1 OK\r\n', 'a2 NO\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `* OK ${long}`),
    endless: exceeds('maxUpgradeBytes', '* OK\r\n', many('* NOOP\r\n')),
    split: misbehaves('* OK\r\n', '* CAPABILITY STARTTLS\ra1 OK\r\n'),
  }),
  client('POP3', {
    early: misbehaves('+OK\r\n+OK\r\nSTLS\r\n.\r\n'),
    refusal: refuses('+OK\r\n', '+OK\r\nSTLS\r\n.\r\n', '-ERR\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `+OK ${long}`),
    endless: exceeds('maxUpgradeBytes', '+OK\r\n', `+OK\r\n${many('x\r\n')}`),
    split: misbehaves('+OK\r\n', '+OK\r\nSTLS\0\r\n'),
  }),
  client('FTP', {
    early: misbehaves('220 hi\r\n234 go\r\n'),
    refusal: refuses('220 hi\r\n', '534 no\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `220 ${long}`),
    endless: exceeds('maxUpgradeBytes', `220-hi\r\n${many('x\r\n')}`),
    split: misbehaves('220-hi\n220 there\r\n'),
  }),
  client('XMPP', {
    early: misbehaves(joined(xmppFeatures(tlsOffer), ascii(`<proceed ${xmppTls}/>`))),
    refusal: refuses(xmppFeatures(tlsOffer), `<failure ${xmppTls}/>`),
    oversize: exceeds('maxUpgradeLineBytes', `<stream a='${long}`),
    endless: exceeds('maxUpgradeBytes', xmppFeatures(many('<a/>'))),
    split: misbehaves(xmppFeatures('<a\0/>')),
  }),
  client('LDAP', {
    early: misbehaves(joined(ldapResponse, ldapResponse)),
    refusal: refuses(hex('300c 020101 7807 0a0134 0400 0400')),
    oversize: exceeds('maxUpgradeLineBytes', hex('3084 7fffffff')),
    endless: 'the answer is one message, and the first',
    split: counts,
  }),
  client('PostgreSQL', {
    early: misbehaves('SS'),
    refusal: refuses('N'),
    oversize: 'the answer is one byte',
    endless: 'the answer is one byte',
    split: counts,
  }),
  client('MySQL', {
    early: misbehaves(joined(mysqlPacket(0, mysqlGreeting()), mysqlPacket(2, ascii('x')))),
    refusal: refuses(mysqlPacket(0, mysqlGreeting(0xffff_f7ff))),
    oversize: exceeds('maxUpgradeLineBytes', hex('ffffff 00')),
    endless: 'the greeting is one packet',
    split: counts,
  }),
  [
    'CONNECT',
    {
      make: (options) => httpConnect('inner.example:443', options),
      first: ascii('HTTP/1.1 200 ok\r\n\r\n'),
      greets: false,
      malice: {
        early: 'what comes behind the answer is the tunnel’s (P7)',
        refusal: refuses('HTTP/1.1 403 no\r\n\r\n'),
        oversize: exceeds('maxUpgradeLineBytes', `HTTP/1.1 200 ${long}`),
        endless: exceeds('maxUpgradeBytes', many('HTTP/1.1 100 Continue\r\n\r\n')),
        split: misbehaves('HTTP/1.1 200 ok\r\nA: b\rHTTP/1.1 200 ok\r\n\r\n'),
      },
    },
  ],
  [
    'SOCKS5',
    {
      make: (options) => socks5('inner.example:443', options),
      first: hex('0500'),
      greets: false,
      malice: {
        early: misbehaves(hex('0500 05000001 00000000 0000')),
        refusal: refuses(hex('0500'), hex('05020001 00000000 0000')),
        oversize: 'no length of it is over 255',
        endless: 'the answers are two',
        split: counts,
      },
    },
  ],
];

const xmppHeader = protocol('XMPP').questions[0]!;

/** Servers of ours, whose client is the malicious one. What comes with the command is refused before the go-ahead: P1 in server.test.ts says so in more detail. */
const servers: readonly (readonly [string, Dialogue])[] = [
  server('SMTP', {
    early: misbehaves('STARTTLS\r\nRCPT TO:<a@b>\r\n'),
    refusal: refuses('QUIT\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `EHLO ${long}`),
    endless: exceeds('maxUpgradeBytes', many('NOOP\r\n')),
    split: misbehaves('NOOP\rSTARTTLS\r\n'),
  }),
  server('IMAP', {
    early: misbehaves('a STARTTLS\r\nb LOGIN me pw\r\n'),
    refusal: refuses('a LOGOUT\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `a ${long}`),
    endless: exceeds('maxUpgradeBytes', many('a NOOP\r\n')),
    split: misbehaves('a NOOP\0b STARTTLS\r\n'),
  }),
  server('POP3', {
    early: misbehaves('STLS\r\nUSER me\r\n'),
    refusal: refuses('QUIT\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `USER ${long}`),
    endless: exceeds('maxUpgradeBytes', many('CAPA\r\n')),
    split: misbehaves('CAPA\nSTLS\r\n'),
  }),
  server('FTP', {
    early: misbehaves('AUTH TLS\r\nUSER me\r\n'),
    refusal: refuses('QUIT\r\n'),
    oversize: exceeds('maxUpgradeLineBytes', `USER ${long}`),
    endless: exceeds('maxUpgradeBytes', many('NOOP\r\n')),
    split: misbehaves('NOOP\rAUTH TLS\r\n'),
  }),
  server('XMPP', {
    early: misbehaves(joined(xmppHeader, ascii(`${tlsOffer}<iq/>`))),
    refusal: refuses(joined(xmppHeader, ascii('<iq/>'))),
    oversize: exceeds('maxUpgradeLineBytes', `<stream:stream to='${long}`),
    endless: exceeds('maxUpgradeLineBytes', joined(xmppHeader, ascii(many(' ')))),
    split: misbehaves(joined(xmppHeader, ascii('<a\0/>'))),
  }),
  server('LDAP', {
    early: misbehaves(joined(ldapRequest, hex('300c 020102 6007 020103 0400 8000'))),
    refusal: refuses(hex('3005 020101 4200')),
    oversize: exceeds('maxUpgradeLineBytes', hex('3084 7fffffff')),
    endless: exceeds('maxUpgradeBytes', hex('300c 020101 6007 020103 0400 8000'.repeat(5_000))),
    split: counts,
  }),
  server('PostgreSQL', {
    early: misbehaves(hex('00000008 04d2162f 00000009 00030000 00')),
    refusal: refuses(hex('00000009 00030000 00')),
    oversize: exceeds('maxUpgradeLineBytes', hex('7fffffff')),
    endless: exceeds('maxUpgradeBytes', hex('00000008 04d21630'.repeat(9_000))),
    split: counts,
  }),
  server('MySQL', {
    early: misbehaves(joined(protocol('MySQL').questions[0]!, mysqlPacket(2, ascii('root\0')))),
    refusal: refuses(mysqlPacket(1, joined(hex('05a20800 00000001 ff'), new Uint8Array(23)))),
    oversize: exceeds('maxUpgradeLineBytes', hex('ffffff 01')),
    endless: 'the answer is one packet',
    split: counts,
  }),
  [
    'PROXY',
    {
      make: (options) => proxyProtocolServer(options),
      first: ascii('PROXY UNKNOWN\r\n'),
      greets: true,
      malice: {
        early: 'what comes behind the header is the connection’s (P7)',
        refusal: misbehaves('GET / HTTP/1.1\r\n'),
        oversize: misbehaves(`PROXY UNKNOWN ${long}`),
        endless: 'the header is one line of at most 107 bytes, or has a length',
        split: misbehaves('PROXY TCP4 192.0.2.7 192.0.2.1 1 2\rPROXY UNKNOWN\r\n'),
      },
    },
  ],
];

const rows = { early: 'P2', refusal: 'P4', oversize: 'R2', endless: 'R2', split: 'P1' } as const;
const bytesOf = (said: Said): Uint8Array => (typeof said === 'string' ? ascii(said) : said);

/** How an upgrade ends against a peer that says these things, in one piece each, or in pieces of one size. */
function against(side: 'client' | 'server', { make, greets }: Dialogue, said: readonly Said[], fragment?: number) {
  const [first, ...rest] = said.map(bytesOf);
  if (side === 'server') return serverAgainst(make(), [first!, ...rest], fragment);
  const spoken = greets ? { greeting: first!, answers: rest } : { answers: [first!, ...rest] };
  return clientAgainst(make(), spoken, fragment);
}

function isCutOnce(t: Test, seen: Seen<unknown>, what: string): void {
  t.equal(seen.values.length, 0, `${what}: nothing comes out`);
  t.equal(seen.aborts, 1, `${what}: cut once`);
}

for (const [side, dialogues] of [
  ['client', clients],
  ['server', servers],
] as const)
  for (const [name, dialogue] of dialogues) {
    for (const [kind, attack] of Object.entries(dialogue.malice) as [keyof Malice, Attack][]) {
      const title = `${rows[kind]} (${name}, ${side}): ${kind}`;
      if (typeof attack === 'string') {
        t.comment(`${title}: ${attack}`);
        continue;
      }
      const { said, error, limit } = attack;
      t.test(title, async (t) => {
        // What is early in one piece need not be so in several: then the question was there first
        for (const fragment of kind === 'early' ? [undefined] : [undefined, 7]) {
          const seen = against(side, dialogue, said, fragment);
          t.match(seen.error, { name: error, ...(limit !== undefined && { limit }) }, `${error}: ${seen.error}`);
          t.equal(seen.error?.safeToReplay, true);
          isCutOnce(t, seen, `in pieces of ${fragment}`);
        }
      });
    }

    t.test(`R17 (${name}, ${side}): a peer that says nothing, or a byte a second, has upgradeTimeout`, async (t) => {
      for (const speaks of [false, true]) {
        const scheduler = new VirtualTimeScheduler();
        const [ours, peer] = memoryPair();
        const seen = new Seen(ours, dialogue.make({ scheduler, limits: { upgradeTimeout: 2_500 } }));
        if (speaks && dialogue.first.length > 2)
          for (let at = 0; at < 2; at++)
            scheduler.schedule(() => peer.sink.write(dialogue.first.slice(at, at + 1)), 1_000 * (at + 1));
        scheduler.flush();
        t.match(seen.error, { name: 'HandshakeTimeoutError', limit: 'upgradeTimeout' });
        t.equal(scheduler.now(), 2_500);
        t.equal(scheduler.actions.length, 0, 'no timer is left');
        isCutOnce(t, seen, 'late');
      }
    });

    t.test(`C7 (${name}, ${side}): an end, a cut and an unsubscription in the dialogue abort it once`, async (t) => {
      for (const how of ['end', 'error', 'unsubscribe'] as const) {
        const pair = memoryPair();
        const seen = new Seen(pair[0], dialogue.make());
        pair[1].sink.write(dialogue.first.slice(0, 1));
        if (dialogue.first.length === 1) continue; // that would be its answer
        if (how === 'unsubscribe') seen.subscription.unsubscribe();
        else pair.link.bToA.cut(how);
        t.equal(seen.error?.name, { end: 'TruncationError', error: 'AbortedError', unsubscribe: undefined }[how]);
        isCutOnce(t, seen, how);
      }
    });
  }

t.test('every dialogue there is has its row', async (t) => {
  const names = protocols.map(({ name }) => name);
  t.same(
    clients.map(([name]) => name),
    [...names, 'CONNECT', 'SOCKS5'],
  );
  t.same(
    servers.map(([name]) => name),
    [...names, 'PROXY'],
  );
});
