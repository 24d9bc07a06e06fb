import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { commandOf } from './command.ts';
import type { Wire } from './dialogue.ts';
import { refused } from './refusal.ts';
import { line, type Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

const capabilities = 'CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED';

/**
 * STARTTLS in IMAP (RFC 9051 §6.2.1), the server's side, for `secureEach({ upgrade })`. Before TLS it takes CAPABILITY, NOOP, LOGOUT
 * and STARTTLS; everything else is answered with NO. What comes in one piece with STARTTLS is refused unless it begins a
 * TLS handshake. A client that logs out is a `PeerIncompatibleError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 143 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: imapStartTlsServer() }),
 * )
 */
export function imapStartTlsServer(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('imapStartTlsServer', options);
  return startTls('server', 'IMAP', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  wire.answer(`* OK [${capabilities}] ready\r\n`);
  for (;;) {
    const [tag = '', ...words] = (yield* line()).split(' ');
    const { verb, rest } = commandOf(words.join(' '));
    if (!/^[A-Z0-9.]{1,32}$/i.test(tag)) wire.answer('* BAD no tag\r\n');
    else if (verb === 'STARTTLS' && rest === '') return wire.goAhead(`${tag} OK begin TLS negotiation now\r\n`);
    else if (verb === 'CAPABILITY') wire.answer(`* ${capabilities}\r\n${tag} OK done\r\n`);
    else if (verb === 'NOOP') wire.answer(`${tag} OK done\r\n`);
    else if (verb === 'LOGOUT') {
      wire.answer(`* BYE\r\n${tag} OK done\r\n`);
      wire.end();
      throw refused('the client logged out before TLS');
    } else wire.answer(`${tag} NO [PRIVACYREQUIRED] STARTTLS first\r\n`);
  }
}
