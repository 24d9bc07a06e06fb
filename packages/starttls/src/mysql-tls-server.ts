import type { ByteDuplex, DuplexInfo, UpgradeReady } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { OperatorFunction } from 'rxjs';
import { ascii } from './ascii.ts';
import type { Wire } from './dialogue.ts';
import { greetingFlags, mysqlFlag, mysqlPacket, mysqlPacketBytes } from './mysql-packet.ts';
import { misbehaved, refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

export interface MysqlTlsServerOptions extends UpgradeOptions {
  /**
   * The payload of the greeting (HandshakeV10) for one connection, with CLIENT_SSL among its flags and a scramble of its own.
   * `info` is the same object as the connection's. Throwing, or giving anything else, ends the connection.
   */
  readonly greeting: (info: DuplexInfo) => Uint8Array;
}

/**
 * SSLRequest of MySQL and MariaDB, the server's side, for `secureEach({ upgrade })`: the application's greeting, with number 0, and the
 * client's SSLRequest, with number 1. Over TLS comes the client's HandshakeResponse41, with sequence id **2**. A client that
 * answers without TLS gets error 3159. What comes in one piece with SSLRequest is refused unless it begins a TLS handshake.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * const greeting = (): Uint8Array => Uint8Array.of(10); // and the rest of HandshakeV10
 * listen({ port: 3306 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: mysqlTlsServer({ greeting }) }),
 * )
 */
export function mysqlTlsServer(options: MysqlTlsServerOptions): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { own, settings } = resolveUpgradeOptions('mysqlTlsServer', options, ['greeting']);
  if (typeof own.greeting !== 'function')
    throw new ApiMisuseError('mysqlTlsServer: greeting must be a function that gives the payload of HandshakeV10');
  const greeting = own.greeting as MysqlTlsServerOptions['greeting'];
  return startTls('server', 'MySQL', settings, (wire) => dialogue(wire, greeting));
}

function* dialogue(wire: Wire, greeting: MysqlTlsServerOptions['greeting']): Script {
  const payload: unknown = greeting(wire.info);
  if (!(payload instanceof Uint8Array) || ((greetingFlags(payload) ?? 0) & mysqlFlag.ssl) === 0)
    throw new ApiMisuseError('greeting must give the payload of a HandshakeV10 with CLIENT_SSL among its flags');
  wire.answer(mysqlPacketBytes(0, payload));
  const answer = yield* mysqlPacket(1);
  if (answer.length < 4) throw misbehaved('a packet is no answer to the greeting');
  const wantsTls = (answer[1]! & (mysqlFlag.ssl >> 8)) !== 0;
  // A whole HandshakeResponse41 that sets the flag has sent its user's name in the clear.
  if (wantsTls && answer.length === 32) return wire.goAhead();
  wire.answer(mysqlPacketBytes(2, Uint8Array.of(0xff, 0x57, 0x0c, ...ascii('#HY000TLS is required')))); // 3159
  wire.end();
  throw refused('the client wants no TLS');
}
