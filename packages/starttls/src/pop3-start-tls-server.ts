import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { command } from './command.ts';
import type { Wire } from './dialogue.ts';
import { refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * STLS in POP3 (RFC 2595 §4), the server's side, for `secureEach({ upgrade })`. Before TLS it takes CAPA, QUIT and STLS; everything
 * else is answered with -ERR. What comes in one piece with STLS is refused unless it begins a TLS handshake. A client that
 * quits is a `PeerIncompatibleError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 110 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: pop3StartTlsServer() }),
 * )
 */
export function pop3StartTlsServer(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('pop3StartTlsServer', options);
  return startTls('server', 'POP3', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  wire.answer('+OK ready\r\n');
  for (;;) {
    const { verb, rest } = yield* command();
    if (verb === 'STLS' && rest === '') return wire.goAhead('+OK begin TLS negotiation now\r\n');
    if (verb === 'CAPA') wire.answer('+OK\r\nSTLS\r\n.\r\n');
    else if (verb === 'QUIT') {
      wire.answer('+OK bye\r\n');
      wire.end();
      throw refused('the client quit before TLS');
    } else wire.answer('-ERR STLS first\r\n');
  }
}
