import type { ByteDuplex, DuplexInfo, UpgradeReady } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { greetingFlags, mysqlFlag, mysqlPacket, mysqlPacketBytes } from './mysql-packet.ts';
import { misbehaved, refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

export interface MysqlTlsOptions extends UpgradeOptions {
  /**
   * Given the payload of the server's greeting (HandshakeV10), which comes once and in the clear: the application needs its
   * scramble, and answers it over TLS. `info` is the same object as the connection's. Throwing ends the connection.
   */
  readonly greeting?: (payload: Uint8Array, info: DuplexInfo) => void;
  /**
   * Capability flags, to be repeated over TLS; CLIENT_SSL and CLIENT_PROTOCOL_41 are always set. Default 0x0008a205: long password,
   * long flag, protocol 4.1, transactions, secure connection, plugin authentication.
   */
  readonly capabilities?: number;
  /** Bytes; default 16 MiB. */
  readonly maxPacketSize?: number;
  /** The number of a collation; default 255, utf8mb4_0900_ai_ci. */
  readonly characterSet?: number;
}

/**
 * SSLRequest of MySQL and MariaDB (MySQL's manual, "Connection Phase"), the client's side: the server's greeting, with number 0,
 * and SSLRequest, with number 1. Over TLS the application goes on with its HandshakeResponse41, with sequence id **2**.
 *
 * Errors as {@link smtpStartTls} does. A greeting without CLIENT_SSL is a `PeerIncompatibleError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 3306 }).pipe(mysqlTls({ greeting: (payload) => payload.length }), secure(engine))
 */
export function mysqlTls(options: MysqlTlsOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const names = ['greeting', 'capabilities', 'maxPacketSize', 'characterSet'] as const;
  const { own, settings } = resolveUpgradeOptions('mysqlTls', options, names);
  const { greeting } = own;
  if (greeting !== undefined && typeof greeting !== 'function')
    throw new ApiMisuseError('mysqlTls: greeting must be a function');
  const request = new Uint8Array(32);
  const view = new DataView(request.buffer);
  const always = mysqlFlag.ssl | mysqlFlag.protocol41;
  view.setUint32(0, whole(own, 'capabilities', 0x0008_a205, 0xffff_ffff) | always, true);
  view.setUint32(4, whole(own, 'maxPacketSize', 1 << 24, 0xffff_ffff), true);
  view.setUint8(8, whole(own, 'characterSet', 255, 255));
  const tell = (greeting ?? (() => undefined)) as NonNullable<MysqlTlsOptions['greeting']>;
  return startTls('client', 'MySQL', settings, (wire) => dialogue(wire, request, tell));
}

function* dialogue(wire: Wire, request: Uint8Array, tell: NonNullable<MysqlTlsOptions['greeting']>): Script {
  const payload = yield* mysqlPacket(0);
  if (payload[0] === 0xff) throw refused('the server greets with an error');
  const flags = greetingFlags(payload);
  if (flags === undefined) throw misbehaved('the first packet is no greeting of protocol 10');
  if ((flags & mysqlFlag.ssl) === 0) throw refused('the server does not do TLS');
  if ((flags & mysqlFlag.protocol41) === 0) throw refused('the server does not speak protocol 4.1');
  tell(payload.slice(), wire.info);
  // The server answers this with nothing: it waits for the ClientHello.
  wire.ask(mysqlPacketBytes(1, request));
}

function whole(own: Readonly<Record<string, unknown>>, name: string, absent: number, most: number): number {
  const value = own[name] ?? absent;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new ApiMisuseError(`mysqlTls: ${name} must be a whole number from 0 to ${most}`);
}
