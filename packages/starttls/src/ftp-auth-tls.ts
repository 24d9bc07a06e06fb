import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { refused } from './refusal.ts';
import { ftpReply } from './reply.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * AUTH TLS on FTP's control connection (RFC 4217 §4), the client's side: greeting, AUTH TLS. Data connections are the
 * application's: over TLS it says PBSZ 0 and PROT P (§9), and secures each of them by itself.
 *
 * Errors as {@link smtpStartTls} does.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 21 }).pipe(ftpAuthTls(), secure(engine))
 */
export function ftpAuthTls(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('ftpAuthTls', options);
  return startTls('client', 'FTP', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  let greeting = yield* ftpReply();
  if (greeting.code === '120') greeting = yield* ftpReply(); // ready in a while; then 220
  if (greeting.code !== '220') throw refused(`the server does not serve (${greeting.code})`);
  wire.ask('AUTH TLS\r\n');
  const { code } = yield* ftpReply();
  if (code !== '234') throw refused(`the server refused AUTH TLS (${code})`);
}
