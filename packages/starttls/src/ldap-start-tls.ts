import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { berElement, berElements } from './ber.ts';
import type { Wire } from './dialogue.ts';
import { ldapMessage, ldapMessageBytes, ldapTag, startTlsName } from './ldap-message.ts';
import { misbehaved, refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * The StartTLS operation of LDAP (RFC 4511 §4.14), the client's side. It is message 1; over TLS the application goes on with 2.
 *
 * Errors as {@link smtpStartTls} does; what the server refuses with is given by its resultCode.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 389 }).pipe(ldapStartTls(), secure(engine))
 */
export function ldapStartTls(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('ldapStartTls', options);
  return startTls('client', 'LDAP', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  const request = berElement(ldapTag.extendedRequest, berElement(ldapTag.requestName, startTlsName));
  wire.ask(ldapMessageBytes(Uint8Array.of(1), request));
  const { id, operation } = yield* ldapMessage();
  if (operation.tag !== ldapTag.extendedResponse) throw misbehaved('a message is no answer to StartTLS');
  const [result, matched, diagnostic] = berElements(operation.content);
  const isResult = result?.tag === ldapTag.enumerated && result.content.length === 1;
  if (!isResult || matched?.tag !== ldapTag.octets || diagnostic?.tag !== ldapTag.octets)
    throw misbehaved('an answer has no LDAP result');
  const [code] = result.content;
  // RFC 4511 §4.4.1: number 0 is the Notice of Disconnection.
  if (code !== 0) throw refused(`the server refused StartTLS (resultCode ${code})`);
  if (id.length !== 1 || id[0] !== 1) throw misbehaved('an answer has another number than its question');
}
