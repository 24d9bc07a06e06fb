import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { nameOption } from './name-option.ts';
import { refused } from './refusal.ts';
import { smtpReply } from './reply.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

export interface SmtpStartTlsOptions extends UpgradeOptions {
  /** What this client calls itself in EHLO: its domain, or an address literal such as `[192.0.2.1]`. */
  readonly name: string;
}

/**
 * STARTTLS in SMTP (RFC 3207), the client's side: greeting, EHLO, STARTTLS. Over TLS the application begins with EHLO again: what
 * was said in the clear counts for nothing.
 *
 * Errors with `PeerIncompatibleError` when the server does not offer it or refuses, `PeerMisbehavedError` when it breaks the
 * protocol or sends bytes between its go-ahead and TLS, `LimitExceededError`, `HandshakeTimeoutError`, `TruncationError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 587 }).pipe(smtpStartTls({ name: 'client.example' }), secure(engine))
 */
export function smtpStartTls(options: SmtpStartTlsOptions): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { own, settings } = resolveUpgradeOptions('smtpStartTls', options, ['name']);
  const name = nameOption('smtpStartTls', 'name', own.name);
  return startTls('client', 'SMTP', settings, (wire) => dialogue(wire, name));
}

function* dialogue(wire: Wire, name: string): Script {
  const greeting = yield* smtpReply();
  if (greeting.code !== '220') throw refused(`the server does not serve (${greeting.code})`);
  wire.ask(`EHLO ${name}\r\n`);
  const hello = yield* smtpReply();
  if (hello.code !== '250') throw refused(`the server refused EHLO (${hello.code})`);
  if (!hello.lines.slice(1).some((keyword) => /^STARTTLS\s*$/i.test(keyword)))
    throw refused('the server does not offer STARTTLS');
  wire.ask('STARTTLS\r\n');
  const { code } = yield* smtpReply();
  if (code !== '220') throw refused(`the server refused STARTTLS (${code})`);
}
