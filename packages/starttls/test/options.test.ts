// What is checked when an operator is made, and what does not compile.
import { type ByteDuplex, secure, secureEach, type TlsConnection, type UpgradeReady, use } from '@rxtls/core';
import * as starttls from '@rxtls/starttls';
import { EMPTY, type Observable, of, pipe } from 'rxjs';
import t from 'tap';
import { placeboEngine } from '../../testing/src/placebo/placebo-engine.ts';
import { memoryPair } from '../../transport-memory/src/index.ts';
import { mysqlGreeting } from './bench.ts';

const greeting = (): Uint8Array => mysqlGreeting();
/** What each operator needs. */
const needed: Readonly<Record<string, readonly unknown[]>> = {
  smtpStartTls: [{ name: 'a.test' }],
  smtpStartTlsServer: [{ name: 'a.test' }],
  xmppStartTls: [{ to: 'a.test' }],
  xmppStartTlsServer: [{ from: 'a.test' }],
  mysqlTlsServer: [{ greeting }],
  httpConnect: ['a.test:443', {}],
  socks5: ['a.test:443', {}],
};
const operators = Object.entries(starttls as unknown as Record<string, (...input: unknown[]) => unknown>);

for (const [name, operator] of operators)
  t.test(`${name}: options that cannot be are ApiMisuseErrors that name them`, async (t) => {
    const good = needed[name] ?? [{}];
    const make = (options: unknown): unknown =>
      typeof options === 'object' && options !== null
        ? operator(...good.slice(0, -1), { ...(good.at(-1) as object), ...options })
        : operator(...good.slice(0, -1), options);
    t.type(make({}), 'function');
    const misuse = (options: unknown, message: RegExp): void =>
      void t.throws(() => make(options), { name: 'ApiMisuseError', message }, JSON.stringify(options));
    misuse({ nmae: 1 }, /nmae/);
    misuse(null, /options/);
    misuse(5, /options/);
    for (const option of Object.keys((good.at(-1) as object) ?? {})) {
      misuse({ [option]: undefined }, new RegExp(option));
      misuse({ [option]: null }, new RegExp(option));
      misuse({ [option]: 5 }, new RegExp(option));
      for (const injected of ['', 'a b', 'a\r\nb', "a'b", 'a<b', 'a\0', 'a'.repeat(256)])
        misuse({ [option]: injected }, new RegExp(option));
    }
    if (name === 'proxyProtocol') return misuse({ version: 0 }, /version/); // waits for nothing
    misuse({ limits: 5 }, /limits/);
    misuse({ limits: { upgradeTimeuot: 5 } }, /upgradeTimeuot/);
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', 2 ** 31])
      misuse({ limits: { upgradeTimeout: value } }, /upgradeTimeout/);
    misuse({ scheduler: {} }, /scheduler/);
  });

t.test('options of one protocol', async (t) => {
  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [() => starttls.xmppStartTls({ to: 'a', namespace: 'jabber:x' as never }), /namespace/],
    [() => starttls.xmppStartTlsServer({ from: 'a', namespace: '' as never }), /namespace/],
    [() => starttls.mysqlTls({ greeting: 5 as never }), /greeting/],
    [() => starttls.mysqlTls({ capabilities: -1 }), /capabilities/],
    [() => starttls.mysqlTls({ maxPacketSize: 2 ** 32 }), /maxPacketSize/],
    [() => starttls.mysqlTls({ characterSet: 256 }), /characterSet/],
    [() => starttls.httpConnect('a:1', { headers: 5 as never }), /headers/],
    [() => starttls.httpConnect('a:1', { headers: null as never }), /headers/],
    [() => secureEach(placeboEngine.server(), () => EMPTY, { upgrade: 5 as never }), /upgrade/],
  ];
  for (const [make, message] of wrong) t.throws(make, { name: 'ApiMisuseError', message });
});

/** Never called: what is in here is for the compiler. */
const compiles = (program: () => unknown): unknown => program;

t.test('P4: forgetting secure does not compile', async (t) => {
  compiles(() => {
    const client = placeboEngine.client();
    const server = placeboEngine.server();
    const transport = of<ByteDuplex>(memoryPair()[0]);
    const ready = transport.pipe(starttls.smtpStartTls({ name: 'a.test' }));
    const connection: Observable<TlsConnection> = ready.pipe(secure(client));
    // @ts-expect-error -- it is no connection
    ready.pipe(use((c) => c.plaintext));
    // @ts-expect-error -- it has no bytes
    ready.subscribe(({ source }) => source.bytes);
    // @ts-expect-error -- and nothing to write with
    ready.subscribe(({ sink }) => sink.end());
    // @ts-expect-error -- it is no transport, for another upgrade neither
    ready.pipe(starttls.imapStartTls());
    // @ts-expect-error -- nor for a tunnel
    ready.pipe(starttls.httpConnect('a.test:1'));
    // @ts-expect-error -- and nothing that looks like one is one
    const forged: UpgradeReady = { info: {} };
    const served = transport.pipe(starttls.postgresTlsServer());
    // @ts-expect-error -- a server's neither
    served.pipe(use((c) => c.plaintext));
    secureEach(server, () => EMPTY, { upgrade: starttls.ldapStartTlsServer() });
    secureEach(server, () => EMPTY, { upgrade: pipe(starttls.proxyProtocolServer(), starttls.imapStartTlsServer()) });
    // @ts-expect-error -- an upgrade gives a transport, or one that is ready for TLS
    secureEach(server, () => EMPTY, { upgrade: () => of(1) });
    transport.pipe(starttls.proxyProtocol(), starttls.socks5('a.test:1'), starttls.imapStartTls(), secure(client));
    const nested: Observable<TlsConnection> = transport.pipe(
      secure(client),
      starttls.httpConnect('a.test:1'),
      secure(client),
    );
    return [connection, forged, nested];
  });
  t.pass();
});
