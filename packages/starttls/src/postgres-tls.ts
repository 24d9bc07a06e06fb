import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { misbehaved, refused } from './refusal.ts';
import { octets, type Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * SSLRequest of PostgreSQL (its manual, "SSL Session Encryption" in the message flow), the client's side. Over TLS the
 * application begins with its StartupMessage. From server version 17 on TLS may also begin at once, without any of this: that is
 * plain `secure` with an engine whose only `alpnProtocols` is `postgresql`.
 *
 * Errors as {@link smtpStartTls} does. 'N' is a `PeerIncompatibleError`, and a byte behind the one that answers a
 * `PeerMisbehavedError` (CVE-2021-23222).
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 5432 }).pipe(postgresTls(), secure(engine))
 */
export function postgresTls(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('postgresTls', options);
  return startTls('client', 'PostgreSQL', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  wire.ask(Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f)); // length 8, code 80877103
  const [answer] = yield* octets(1);
  if (answer === 0x53) return; // S
  if (answer === 0x4e) throw refused('the server does not do TLS'); // N
  // An ErrorResponse is not read: nobody has proved who wrote it (CVE-2024-10977).
  if (answer === 0x45) throw refused('the server answered SSLRequest with an error'); // E
  throw misbehaved('the answer to SSLRequest is neither S nor N');
}
