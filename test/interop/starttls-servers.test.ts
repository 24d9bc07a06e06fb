// The client's side of each upgrade with the servers that people run, and what they say over TLS.
import { createHash } from 'node:crypto';
import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13/node';
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
import { clientEngine, type Dialled, dial, pki, refusal } from './ends.ts';
import type { Daemon } from './servers/daemon.ts';
import { dovecotImap, dovecotPop3 } from './servers/dovecot.ts';
import { mariadb } from './servers/mariadb.ts';
import { postgres } from './servers/postgres.ts';
import { prosody } from './servers/prosody.ts';
import { slapd } from './servers/slapd.ts';
import { vsftpd } from './servers/vsftpd.ts';

t.setTimeout(120_000);

const engines = [
  ['node', () => clientEngine()],
  ['tls13', () => tls13Engine.client({ serverName: 'localhost', ca: pki.authorityPem })],
] as const;

/** What is said over TLS, one thing after the other: each is answered by something that matches. */
type Conversation = readonly (readonly [say: string | Uint8Array | (() => Uint8Array), hear: RegExp | undefined])[];

interface Served {
  readonly daemon: Daemon;
  readonly upgrade: () => OperatorFunction<ByteDuplex, UpgradeReady>;
  readonly conversation: Conversation;
  /** How it ends the connection after that: not all say close_notify. */
  readonly ends: 'complete' | 'TruncationError';
}

const vsftpdSkip = vsftpd.missing === undefined ? {} : { skip: vsftpd.missing };

const bytes = (...parts: readonly (number | string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as string))));
const sha1 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha1').update(Buffer.concat(parts)).digest();

/** StartupMessage of protocol 3.0. */
function startup(): Buffer {
  const body = bytes(Buffer.of(0, 3, 0, 0), 'user\0postgres\0\0');
  return bytes(Buffer.of(0, 0, 0, body.length + 4), body);
}

const mysqlPacket = (id: number, payload: Uint8Array): Buffer => bytes(Buffer.of(payload.length, 0, 0, id), payload);
let greeting: Uint8Array = new Uint8Array();

/** HandshakeResponse41 of the user `rx`, by mysql_native_password: the scramble is that of the greeting before TLS. */
function handshakeResponse(): Buffer {
  const text = Buffer.from(greeting);
  const version = text.indexOf(0, 1);
  const scramble = bytes(text.subarray(version + 5, version + 13), text.subarray(version + 32, version + 44));
  const password = sha1(Buffer.from('secret'));
  const mask = sha1(scramble, sha1(password));
  const proof = password.map((byte, at) => byte ^ mask[at]!);
  const head = Buffer.from('05aa080000000001ff'.padEnd(64, '0'), 'hex');
  return mysqlPacket(2, bytes(head, 'rx\0', proof.length, proof, 'mysql_native_password\0'));
}

/** An element of BER with a short length. */
function ber(tag: number, ...content: readonly (number | string | Uint8Array)[]): Buffer {
  const inner = bytes(...content);
  return bytes(tag, inner.length, inner);
}
const rootSearch = ber(
  0x63,
  ber(4),
  ber(10, 0),
  ber(10, 0),
  ber(2, 0),
  ber(2, 0),
  ber(1, 0),
  ber(0x87, 'objectClass'),
  ber(0x30, ber(4, 'supportedExtension')),
);

const xmppHeader =
  "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const anonymously = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>";

const servers: readonly Served[] = [
  {
    daemon: postgres,
    upgrade: () => postgresTls(),
    ends: 'complete',
    conversation: [
      [startup(), /^R[^]*SCRAM-SHA-256-PLUS/],
      [bytes('X', Buffer.of(0, 0, 0, 4)), /^E[^]*FATAL/],
    ],
  },
  {
    daemon: mariadb,
    upgrade: () => mysqlTls({ greeting: (payload) => (greeting = payload) }),
    ends: 'TruncationError',
    conversation: [
      [handshakeResponse, /^[^]{4}[^ÿþ]/], // neither an error nor another question
      [mysqlPacket(0, bytes(3, "SHOW STATUS LIKE 'Ssl_version'")), /TLSv1\.3/],
      [mysqlPacket(0, Buffer.of(1)), undefined],
    ],
  },
  {
    daemon: dovecotImap,
    upgrade: () => imapStartTls(),
    ends: 'complete',
    conversation: [
      ['b1 CAPABILITY\r\n', /^\* CAPABILITY (?!.*STARTTLS).*AUTH=PLAIN.*\r\nb1 OK/],
      ['b2 LOGIN someone secret\r\n', /b2 OK/],
      ['b3 SELECT INBOX\r\n', /\* 0 EXISTS\r\n[^]*b3 OK/],
      ['b4 LOGOUT\r\n', /\* BYE[^]*b4 OK/],
    ],
  },
  {
    daemon: dovecotPop3,
    upgrade: () => pop3StartTls(),
    ends: 'complete',
    conversation: [
      ['USER someone\r\n', /^\+OK/],
      ['PASS secret\r\n', /\+OK Logged in/],
      ['STAT\r\n', /\+OK 0 0\r\n/],
      ['QUIT\r\n', /\+OK/],
    ],
  },
  {
    daemon: slapd,
    upgrade: () => ldapStartTls(),
    ends: 'complete',
    conversation: [
      [ber(0x30, ber(2, 2), rootSearch), /supportedExtension[^]*1\.3\.6\.1\.4\.1\.1466\.20037/],
      [ber(0x30, ber(2, 3), ber(0x42)), undefined],
    ],
  },
  {
    daemon: vsftpd,
    upgrade: () => ftpAuthTls(),
    ends: 'TruncationError',
    conversation: [
      ['PBSZ 0\r\n', /^200/],
      ['PROT P\r\n', /^200/],
      ['USER anonymous\r\n', /^230/],
      ['QUIT\r\n', /^221/],
    ],
  },
  {
    daemon: prosody,
    upgrade: () => xmppStartTls({ to: 'localhost' }),
    ends: 'complete',
    conversation: [
      [xmppHeader, /<stream:features>(?!.*starttls).*ANONYMOUS.*<\/stream:features>/],
      [anonymously, /<success/],
      [xmppHeader, /<bind/],
      ['</stream:stream>', /<\/stream:stream>/],
    ],
  },
];

/** Says each thing, and hears what comes after it; how the server ends. */
async function converse({ connection, reading }: Dialled, conversation: Conversation): Promise<string[]> {
  const unheard: string[] = [];
  for (const [say, hear] of conversation) {
    const from = reading.length;
    const said = typeof say === 'function' ? say() : say;
    connection.write(typeof said === 'string' ? Buffer.from(said) : said);
    if (hear !== undefined && !(await reading.until(() => hear.test(reading.text.slice(from)))))
      unheard.push(`${hear}: ${JSON.stringify(reading.text.slice(from))}`);
  }
  return unheard;
}

for (const { daemon, upgrade, conversation, ends } of servers) {
  const skip = daemon.missing === undefined ? {} : { skip: daemon.missing };

  t.test(`${daemon.name}: the upgrade, and a conversation over TLS to its end`, skip, async (t) => {
    const port = await daemon.start(t);
    for (const [name, engine] of engines) {
      const dialled = await dial(t, port, engine(), {}, upgrade());
      t.match(dialled.connection.negotiated, { version: 'TLSv1.3', peer: { verification: 'passed' } }, name);
      t.same(await converse(dialled, conversation), [], name);
      await dialled.reading.until(() => dialled.reading.outcome !== undefined);
      const { outcome } = dialled.reading;
      t.equal(outcome === 'complete' ? outcome : outcome?.name, ends, name);
    }
    const distrusting = dial(t, port, clientEngine({ ca: pki.otherAuthorityPem }), {}, upgrade());
    t.match(await refusal(distrusting), { name: 'CertificateError', reason: 'unknown-authority' });
    const again = await dial(t, port, clientEngine(), {}, upgrade());
    t.same(await converse(again, conversation), [], 'it serves the next');
  });
}

t.test(
  'vsftpd: a data connection, which it takes only in the session of the control connection',
  vsftpdSkip,
  async (t) => {
    const port = await vsftpd.start(t);
    for (const [name, engine] of engines) {
      const both = engine(); // its sessions are its own
      const dialled = await dial(t, port, both, {}, ftpAuthTls());
      const { connection, reading } = dialled;
      const logIn: Conversation = [
        ['PBSZ 0\r\n', /^200/],
        ['PROT P\r\n', /^200/],
        ['USER anonymous\r\n', /^230/],
      ];
      t.same(await converse(dialled, logIn), [], name);
      const retrieve = async (data: typeof both) => {
        const from = reading.length;
        const said = (): string => reading.text.slice(from);
        connection.write(Buffer.from('EPSV\r\n'));
        await reading.until(() => /\|\d+\|\)/.test(said()));
        connection.write(Buffer.from('RETR hello\r\n'));
        const opened = await dial(t, Number(/\d+(?=\|\))/.exec(said())![0]), data);
        await opened.reading.until(() => opened.reading.outcome !== undefined);
        await reading.until(() => /^(226|[45]\d\d) /m.test(said()));
        const { text, outcome } = opened.reading;
        return { text, outcome, resumed: opened.connection.negotiated.resumed, said: said() };
      };
      for (let times = 0; times < 4; times++) {
        const sent = { text: 'hello\n', outcome: 'complete', resumed: true, said: /^226 /m };
        t.match(await retrieve(both), sent, `${name}: the same engine, and its sessions`);
      }
      const refused = { text: '', resumed: false, said: /^522 .*session reuse required/m };
      t.match(await retrieve(engine()), refused, `${name}: an engine of its own`);
    }
  },
);
