import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { OperatorFunction } from 'rxjs';
import { ascii } from './ascii.ts';
import type { Wire } from './dialogue.ts';
import { misbehaved, refused } from './refusal.ts';
import { octets, type Script } from './script.ts';
import { type Target, targetOption } from './target.ts';
import { upgrade } from './upgrade.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

export interface Socks5Options extends UpgradeOptions {
  /** With `password`, for proxies that ask (RFC 1929): at most 255 bytes of UTF-8 each, sent in the clear, never in an error. */
  readonly username?: string;
  readonly password?: string;
}

/** RFC 1928 §3 and §6. */
const method = { none: 0, password: 2, refused: 255 } as const;
const addressLengths: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

/**
 * A tunnel through a SOCKS5 proxy (RFC 1928, CONNECT): what comes out is the transport to the target. A name is resolved by the
 * proxy. What the target has sent right behind the answer comes first from the tunnel.
 *
 * Errors as {@link smtpStartTls} does; a refusal is told by its code.
 *
 * @param target `host:port`, an IPv6 address in brackets
 * @throws ApiMisuseError for a target or options that cannot be
 * @example connect(proxy).pipe(socks5('inner.example:443', { username: 'me', password: 'secret' }), secure(engine))
 */
export function socks5(target: string, options: Socks5Options = {}): OperatorFunction<ByteDuplex, ByteDuplex> {
  const where = targetOption('socks5', target);
  const { own, settings } = resolveUpgradeOptions('socks5', options, ['username', 'password']);
  const { username, password } = own;
  if ((username === undefined) !== (password === undefined))
    throw new ApiMisuseError('socks5: username and password go together');
  const login = username === undefined ? undefined : [counted('username', username), counted('password', password)];
  const credentials = login?.flat();
  const request = [5, 1, 0, ...addressOf(where), where.port >> 8, where.port & 255];
  return upgrade(() => ({
    protocol: 'SOCKS5',
    settings,
    remainder: 'tunnelled',
    script: (wire) => dialogue(wire, Uint8Array.from(request), credentials),
    result: (duplex) => duplex,
  }));
}

function* dialogue(wire: Wire, request: Uint8Array, credentials: readonly number[] | undefined): Script {
  wire.ask(credentials === undefined ? Uint8Array.of(5, 1, 0) : Uint8Array.of(5, 2, 0, 2));
  const [version, chosen] = yield* octets(2);
  if (version !== 5) throw misbehaved('the proxy does not speak SOCKS5');
  if (chosen === method.refused) throw refused('the proxy takes none of the ways to authenticate that were offered');
  if (chosen === method.password && credentials !== undefined) {
    wire.ask(Uint8Array.of(1, ...credentials));
    const [subversion, status] = yield* octets(2);
    if (subversion !== 1) throw misbehaved('an answer is none to username and password');
    if (status !== 0) throw refused('the proxy refused username and password');
  } else if (chosen !== method.none) throw misbehaved('the proxy chose a way to authenticate that was not offered');
  wire.ask(request);
  const [replyVersion, reply, reserved, type] = yield* octets(4);
  if (replyVersion !== 5 || reserved !== 0) throw misbehaved('an answer is none of SOCKS5');
  if (reply !== 0) throw refused(`the proxy opened no tunnel (reply ${reply})`);
  const length = type === 3 ? (yield* octets(1))[0] : addressLengths[type!];
  if (length === undefined) throw misbehaved('an answer has an address of no known type');
  yield* octets(length + 2); // the address and port it is bound to
}

/** RFC 1928 §5. */
const addressOf = ({ address, host }: Target): readonly number[] =>
  address === undefined ? [3, host.length, ...ascii(host)] : [address.length === 4 ? 1 : 4, ...address];

function counted(option: string, value: unknown): readonly number[] {
  const bytes = typeof value === 'string' ? utf8(value) : undefined;
  if (bytes === undefined || bytes.length === 0 || bytes.length > 255)
    throw new ApiMisuseError(`socks5: ${option} must be a string of 1 to 255 bytes in UTF-8`);
  return [bytes.length, ...bytes];
}

/** Undefined for what has no UTF-8: half a surrogate pair. */
function utf8(text: string): Uint8Array | undefined {
  if (/\p{Surrogate}/u.test(text)) return undefined;
  return ascii(
    encodeURIComponent(text).replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}
