// The proxy's side of each tunnel, which the package does not have: an application decides who may go where. These lead to themselves.
import type { ByteDuplex } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from '../../packages/starttls/src/dialogue.ts';
import { line, octets, type Script } from '../../packages/starttls/src/script.ts';
import { upgrade } from '../../packages/starttls/src/upgrade.ts';
import { resolveUpgradeOptions } from '../../packages/starttls/src/upgrade-options.ts';

const proxy = (protocol: string, script: (wire: Wire) => Script): OperatorFunction<ByteDuplex, ByteDuplex> =>
  upgrade(() => ({
    protocol,
    settings: resolveUpgradeOptions(protocol).settings,
    remainder: 'tunnelled',
    script,
    result: (duplex) => duplex,
  }));

export const connectProxy = (): OperatorFunction<ByteDuplex, ByteDuplex> =>
  proxy('CONNECT', function* (wire) {
    while ((yield* line()) !== '');
    wire.answer('HTTP/1.1 200 ok\r\n\r\n');
  });

export const socksProxy = (): OperatorFunction<ByteDuplex, ByteDuplex> =>
  proxy('SOCKS5', function* (wire) {
    const [, methods] = yield* octets(2);
    yield* octets(methods!);
    wire.answer(Uint8Array.of(5, 0));
    const [, , , , length] = yield* octets(5); // a name
    yield* octets(length! + 2);
    wire.answer(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
  });
