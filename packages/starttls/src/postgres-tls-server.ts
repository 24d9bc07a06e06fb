import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { ascii } from './ascii.ts';
import type { Wire } from './dialogue.ts';
import { misbehaved, refused } from './refusal.ts';
import type { Frame, Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/** "Message Formats" in PostgreSQL's manual: the codes where a version would stand. */
const requestCode = { cancel: 80_877_102, ssl: 80_877_103, gssenc: 80_877_104 } as const;

/**
 * SSLRequest of PostgreSQL, the server's side, for `secureEach({ upgrade })`. A request for GSSAPI encryption is answered with 'N', a
 * StartupMessage in the clear with an error. What comes in one piece with SSLRequest is refused (CVE-2021-23214) unless it
 * begins a TLS handshake. Direct TLS is a listener without this.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 5432 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: postgresTlsServer() }),
 * )
 */
export function postgresTlsServer(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('postgresTlsServer', options);
  return startTls('server', 'PostgreSQL', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  for (;;) {
    const packet = yield startupPacket;
    const code = uint32(packet, 4);
    if (code === requestCode.ssl && packet.length === 8) return wire.goAhead('S');
    if (code === requestCode.gssenc && packet.length === 8) wire.answer('N');
    else if (code === requestCode.cancel) throw refused('the client asks to cancel without TLS');
    else {
      wire.answer(errorResponse());
      wire.end();
      throw refused('the client wants no TLS');
    }
  }
}

/** Int32 length, which counts itself, and Int32 code at least. */
const startupPacket: Frame = (held) => {
  if (held[0] === 22) throw misbehaved('TLS came without SSLRequest: direct TLS is a listener without this upgrade');
  if (held.length < 4) return -1;
  const length = uint32(held, 0);
  if (length < 8) throw misbehaved('a startup packet is too short');
  return length;
};

const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

function errorResponse(): Uint8Array {
  const fields = ascii('SFATAL\0VFATAL\0C28000\0MTLS is required\0\0');
  return Uint8Array.of(0x45, 0, 0, 0, 4 + fields.length, ...fields);
}
