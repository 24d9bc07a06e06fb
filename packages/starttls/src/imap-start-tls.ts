import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { misbehaved, refused } from './refusal.ts';
import { line, type Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * STARTTLS in IMAP (RFC 9051 §6.2.1), the client's side: greeting, CAPABILITY, STARTTLS. A PREAUTH greeting is refused: it would
 * leave the client logged in without TLS (RFC 9051 §11.1). Over TLS there is no greeting; the application asks for CAPABILITY again.
 *
 * Errors as {@link smtpStartTls} does.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 143 }).pipe(imapStartTls(), secure(engine))
 */
export function imapStartTls(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('imapStartTls', options);
  return startTls('client', 'IMAP', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  const greeting = yield* line();
  if (/^\* PREAUTH( |$)/i.test(greeting)) throw refused('the server greets with PREAUTH, after which TLS cannot begin');
  if (/^\* BYE( |$)/i.test(greeting)) throw refused('the server does not serve (BYE)');
  if (!/^\* OK( |$)/i.test(greeting)) throw misbehaved('the first line is no greeting');
  wire.ask('a1 CAPABILITY\r\n');
  const capabilities = yield* answered('a1', 'CAPABILITY');
  if (!capabilities.some((text) => /^\* CAPABILITY( .*)? STARTTLS( |$)/i.test(text)))
    throw refused('the server does not offer STARTTLS');
  wire.ask('a2 STARTTLS\r\n');
  yield* answered('a2', 'STARTTLS');
}

/** The untagged lines before the tagged OK. */
function* answered(tag: string, verb: string): Script<readonly string[]> {
  const untagged: string[] = [];
  for (;;) {
    const text = yield* line();
    if (text.startsWith('* ')) {
      if (/^\* BYE( |$)/i.test(text)) throw refused('the server said BYE before TLS');
      untagged.push(text);
      continue;
    }
    const [, status] = (text.startsWith(`${tag} `) && /^(OK|NO|BAD)( |$)/i.exec(text.slice(tag.length + 1))) || [];
    if (status === undefined) throw misbehaved(`a line is no answer to ${verb}`);
    if (status.toUpperCase() !== 'OK') throw refused(`the server refused ${verb} (${status.toUpperCase()})`);
    return untagged;
  }
}
