import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { misbehaved, refused } from './refusal.ts';
import { line, type Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * STLS in POP3 (RFC 2595 §4), the client's side: greeting, CAPA (RFC 2449), STLS. Over TLS there is no greeting; an APOP
 * timestamp of the greeting in the clear is worth nothing.
 *
 * Errors as {@link smtpStartTls} does.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 110 }).pipe(pop3StartTls(), secure(engine))
 */
export function pop3StartTls(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('pop3StartTls', options);
  return startTls('client', 'POP3', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  yield* positive('greeting');
  wire.ask('CAPA\r\n');
  yield* positive('CAPA');
  let isOffered = false;
  for (let text = yield* line(); text !== '.'; text = yield* line()) isOffered ||= /^STLS\s*$/i.test(text);
  if (!isOffered) throw refused('the server does not offer STLS');
  wire.ask('STLS\r\n');
  yield* positive('STLS');
}

function* positive(what: string): Script {
  const text = yield* line();
  if (/^-ERR( |$)/i.test(text)) throw refused(`the server said -ERR: ${what}`);
  if (!/^\+OK( |$)/i.test(text)) throw misbehaved(`a line is neither +OK nor -ERR: ${what}`);
}
