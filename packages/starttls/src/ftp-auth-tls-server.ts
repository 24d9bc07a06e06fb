import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { command } from './command.ts';
import type { Wire } from './dialogue.ts';
import { refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * AUTH TLS on FTP's control connection (RFC 4217 §4), the server's side, for `secureEach({ upgrade })`. Before TLS it takes FEAT,
 * NOOP, QUIT and AUTH; everything else is answered with 530. What comes in one piece with AUTH TLS is refused unless it
 * begins a TLS handshake. A client that quits is a `PeerIncompatibleError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 21 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: ftpAuthTlsServer() }),
 * )
 */
export function ftpAuthTlsServer(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('ftpAuthTlsServer', options);
  return startTls('server', 'FTP', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  wire.answer('220 ready\r\n');
  for (;;) {
    const { verb, rest } = yield* command();
    if (verb === 'AUTH' && /^TLS(-C)?$/i.test(rest)) return wire.goAhead('234 begin TLS negotiation now\r\n');
    if (verb === 'AUTH') wire.answer('504 AUTH TLS only\r\n');
    else if (verb === 'FEAT') wire.answer('211-features\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n211 end\r\n');
    else if (verb === 'NOOP') wire.answer('200 ok\r\n');
    else if (verb === 'QUIT') {
      wire.answer('221 bye\r\n');
      wire.end();
      throw refused('the client quit before TLS');
    } else wire.answer('530 AUTH TLS first\r\n');
  }
}
