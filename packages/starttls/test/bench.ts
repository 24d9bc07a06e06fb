// What the tests of upgrades stand on: each protocol's two sides, what they say when all goes well, and ends that misbehave.
import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { TlsError } from '@rxtls/core/engine';
import {
  ftpAuthTls,
  ftpAuthTlsServer,
  imapStartTls,
  imapStartTlsServer,
  ldapStartTls,
  ldapStartTlsServer,
  mysqlTls,
  mysqlTlsServer,
  pop3StartTls,
  pop3StartTlsServer,
  postgresTls,
  postgresTlsServer,
  smtpStartTls,
  smtpStartTlsServer,
  type UpgradeOptions,
  xmppStartTls,
  xmppStartTlsServer,
} from '@rxtls/starttls';
import { concat, NEVER, of, type OperatorFunction, type Subscription } from 'rxjs';
import { transportOf } from '../../core/src/upgrade-ready.ts';
import { memoryPair } from '../../transport-memory/src/index.ts';

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const hex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.replaceAll(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
export const text = (...chunks: readonly Uint8Array[]): string =>
  chunks.map((chunk) => String.fromCharCode(...chunk)).join('');
export const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** A HandshakeV10: capability flags, a scramble of twenty bytes, a plugin's name. */
export function mysqlGreeting(flags = 0xffff_ffff): Uint8Array {
  const upper = [(flags >>> 16) & 255, flags >>> 24];
  const head = [10, ...ascii('8.0.36\0'), 1, 0, 0, 0, ...ascii('scramble'), 0, flags & 255, (flags >> 8) & 255];
  return Uint8Array.from([
    ...head,
    255,
    2,
    0,
    ...upper,
    21,
    ...Array<number>(10).fill(0),
    ...ascii('twelve-bytes\0mysql_native_password\0'),
  ]);
}
export const mysqlPacket = (sequenceId: number, payload: Uint8Array): Uint8Array =>
  joined(Uint8Array.of(payload.length, 0, 0, sequenceId), payload);

type Upgrade = OperatorFunction<ByteDuplex, UpgradeReady>;

/** One protocol that ends in TLS. */
export interface Protocol {
  readonly name: string;
  readonly client: (options?: UpgradeOptions) => Upgrade;
  readonly server: (options?: UpgradeOptions) => Upgrade;
  /** What a server says: before the client has said anything, if it is the first, and to each thing it says. */
  readonly greeting?: Uint8Array;
  readonly answers: readonly Uint8Array[];
  /** What a client says, one thing after the other; the last asks for TLS. */
  readonly questions: readonly Uint8Array[];
}

export const ldapRequest: Uint8Array = joined(hex('301d 020101 7718 8016'), ascii('1.3.6.1.4.1.1466.20037'));
export const ldapResponse: Uint8Array = joined(
  hex('3024 020101 781f 0a0100 0400 0400 8a16'),
  ascii('1.3.6.1.4.1.1466.20037'),
);
const streams = "xmlns:stream='http://etherx.jabber.org/streams'";
export const xmppTls = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'";
export const xmppServerHeader = `<?xml version='1.0'?>\n<stream:stream from='s.test' id='a&gt;b' xmlns='jabber:client' ${streams} version="1.0">`;
export const xmppFeatures = (inner: string): Uint8Array =>
  ascii(`${xmppServerHeader}<stream:features>${inner}</stream:features>`);
const mysqlRequest = mysqlPacket(1, joined(hex('05aa0800 00000001 ff'), new Uint8Array(23)));

export const protocols: readonly Protocol[] = [
  {
    name: 'SMTP',
    client: (options) => smtpStartTls({ name: 'client.test', ...options }),
    server: (options) => smtpStartTlsServer({ name: 'mx.test', ...options }),
    greeting: ascii('220-mx.test\r\n220 ESMTP\r\n'),
    answers: ['250-mx.test\r\n250-PIPELINING\r\n250-starttls\r\n250 SIZE 1000\r\n', '220 go\r\n'].map(ascii),
    questions: ['EHLO client.test\r\n', 'STARTTLS\r\n'].map(ascii),
  },
  {
    name: 'IMAP',
    client: (options) => imapStartTls(options),
    server: (options) => imapStartTlsServer(options),
    greeting: ascii('* OK [CAPABILITY IMAP4rev2] hello\r\n'),
    answers: ['* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n', '* NOOP\r\na2 ok go\r\n'].map(ascii),
    questions: ['x CAPABILITY\r\n', 'y.1 starttls\r\n'].map(ascii),
  },
  {
    name: 'POP3',
    client: (options) => pop3StartTls(options),
    server: (options) => pop3StartTlsServer(options),
    greeting: ascii('+OK <1896.697170952@pop.test>\r\n'),
    answers: ['+OK list\r\nTOP\r\nSTLS\r\n.\r\n', '+OK\r\n'].map(ascii),
    questions: ['CAPA\r\n', 'STLS\r\n'].map(ascii),
  },
  {
    name: 'FTP',
    client: (options) => ftpAuthTls(options),
    server: (options) => ftpAuthTlsServer(options),
    greeting: ascii('120 wait\r\n220-welcome\r\n 220 is not the end\r\n220 ready\r\n'),
    answers: ['234 go\r\n'].map(ascii),
    questions: ['FEAT\r\n', 'auth tls\r\n'].map(ascii),
  },
  {
    name: 'XMPP',
    client: (options) => xmppStartTls({ to: 's.test', ...options }),
    server: (options) => xmppStartTlsServer({ from: 's.test', ...options }),
    answers: [
      xmppFeatures(
        `<mechanisms xmlns='urn:x'><mechanism>PLAIN</mechanism></mechanisms>\n<starttls ${xmppTls}><required/></starttls>`,
      ),
      ascii(`<proceed ${xmppTls}/>`),
    ],
    questions: [
      ascii(`<?xml version='1.0'?><stream:stream xmlns='jabber:client' ${streams} to="s.test" version='1.0'>`),
      ascii(`<tls:starttls xmlns:tls='urn:ietf:params:xml:ns:xmpp-tls'></tls:starttls>`),
    ],
  },
  {
    name: 'LDAP',
    client: (options) => ldapStartTls(options),
    server: (options) => ldapStartTlsServer(options),
    answers: [ldapResponse],
    questions: [ldapRequest],
  },
  {
    name: 'PostgreSQL',
    client: (options) => postgresTls(options),
    server: (options) => postgresTlsServer(options),
    answers: [ascii('S')],
    questions: [hex('00000008 04d21630'), hex('00000008 04d2162f')], // GSSENCRequest first
  },
  {
    name: 'MySQL',
    client: (options) => mysqlTls(options),
    server: (options) => mysqlTlsServer({ greeting: () => mysqlGreeting(), ...options }),
    greeting: mysqlPacket(0, mysqlGreeting()),
    answers: [],
    questions: [mysqlRequest],
  },
];

/** What an observable has done. */
export class Seen<T> {
  static readonly #all: Subscription[] = [];
  readonly values: T[] = [];
  error: TlsError | undefined;
  completed = false;
  aborts = 0;
  readonly written: Uint8Array[] = [];
  readonly subscription: Subscription;

  /** An upgrade over a transport that nobody else owns. */
  constructor(below: ByteDuplex, operator: OperatorFunction<ByteDuplex, T>) {
    const { sink } = below;
    const counted: ByteDuplex = {
      source: below.source,
      unread: (bytes) => below.unread(bytes),
      info: below.info,
      sink: {
        ...sink,
        write: (bytes) => {
          this.written.push(bytes.slice());
          sink.write(bytes);
        },
        abort: (reason) => {
          this.aborts++;
          sink.abort(reason);
        },
      },
    };
    this.subscription = concat(of(counted), NEVER)
      .pipe(operator)
      .subscribe({
        next: (value) => this.values.push(value),
        error: (error: TlsError) => (this.error = error),
        complete: () => (this.completed = true),
      });
    Seen.#all.push(this.subscription);
  }

  /** Ends every dialogue that a test has left open, whose timer would keep the process for as long as `upgradeTimeout`. */
  static endAll(): void {
    for (const subscription of Seen.#all.splice(0)) subscription.unsubscribe();
  }
}

/** The text of what comes at this end, and its end. */
export class Heard {
  text = '';
  ended: 'no' | 'complete' | Error = 'no';

  constructor({ source }: ByteDuplex) {
    source.bytes.subscribe({
      next: (bytes) => (this.text += text(bytes)),
      error: (error: Error) => (this.ended = error),
      complete: () => (this.ended = 'complete'),
    });
    source.request(Number.POSITIVE_INFINITY);
  }
}

/** A client's upgrade against a server that says these things, one after another, whatever it hears. */
export function clientAgainst<T>(
  operator: OperatorFunction<ByteDuplex, T>,
  { greeting, answers }: Pick<Protocol, 'greeting' | 'answers'>,
  fragment?: number | readonly number[],
): Seen<T> & { readonly peer: ByteDuplex } {
  const [ours, peer] = memoryPair(fragment === undefined ? {} : { bToA: { fragment } });
  let said = 0;
  peer.source.bytes.subscribe({
    next: () => {
      const answer = answers[said++];
      if (answer !== undefined) peer.sink.write(answer.slice());
    },
    error: () => undefined,
  });
  peer.source.request(Number.POSITIVE_INFINITY);
  const seen = new Seen(ours, operator);
  if (greeting !== undefined) peer.sink.write(greeting.slice());
  return Object.assign(seen, { peer });
}

/** A server's upgrade against a client that says these things, each when the server has nothing more to say. */
export function serverAgainst<T>(
  operator: OperatorFunction<ByteDuplex, T>,
  questions: readonly Uint8Array[],
  fragment?: number | readonly number[],
): Seen<T> & { readonly heard: Heard; readonly peer: ByteDuplex } {
  const [ours, peer] = memoryPair(fragment === undefined ? {} : { bToA: { fragment } });
  const heard = new Heard(peer);
  const seen = new Seen(ours, operator);
  for (const question of questions) peer.sink.write(question.slice());
  return Object.assign(seen, { heard, peer });
}

/** What TLS will find: the bytes that an upgrade leaves for it. */
export function leftFor(ready: UpgradeReady | ByteDuplex): string {
  const { source } = transportOf(ready);
  let left = '';
  source.bytes.subscribe((bytes) => (left += text(bytes)));
  source.request(100_000);
  return left;
}
