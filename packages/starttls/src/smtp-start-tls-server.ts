import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { command } from './command.ts';
import type { Wire } from './dialogue.ts';
import { nameOption } from './name-option.ts';
import { refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

export interface SmtpStartTlsServerOptions extends UpgradeOptions {
  /** What this server calls itself: its domain. */
  readonly name: string;
}

/**
 * STARTTLS in SMTP (RFC 3207), the server's side, for `secureEach({ upgrade })`. Before TLS it takes EHLO, HELO, NOOP, RSET, QUIT
 * and STARTTLS; everything else is answered with 530. What comes in one piece with STARTTLS is refused (CVE-2011-0411)
 * unless it begins a TLS handshake. A client that quits is a `PeerIncompatibleError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 587 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: smtpStartTlsServer({ name: 'mx.example' }) }),
 * )
 */
export function smtpStartTlsServer(options: SmtpStartTlsServerOptions): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { own, settings } = resolveUpgradeOptions('smtpStartTlsServer', options, ['name']);
  const name = nameOption('smtpStartTlsServer', 'name', own.name);
  return startTls('server', 'SMTP', settings, (wire) => dialogue(wire, name));
}

function* dialogue(wire: Wire, name: string): Script {
  wire.answer(`220 ${name} ESMTP\r\n`);
  for (;;) {
    const { verb, rest } = yield* command();
    if (verb === 'STARTTLS' && rest === '') return wire.goAhead('220 2.0.0 ready to start TLS\r\n');
    if (verb === 'STARTTLS') wire.answer('501 5.5.4 no parameters allowed\r\n');
    else if (verb === 'EHLO') wire.answer(`250-${name}\r\n250 STARTTLS\r\n`);
    else if (verb === 'HELO') wire.answer(`250 ${name}\r\n`);
    else if (verb === 'NOOP' || verb === 'RSET') wire.answer('250 2.0.0 ok\r\n');
    else if (verb === 'QUIT') {
      wire.answer('221 2.0.0 bye\r\n');
      wire.end();
      throw refused('the client quit before TLS');
    } else wire.answer('530 5.7.0 must issue a STARTTLS command first\r\n');
  }
}
