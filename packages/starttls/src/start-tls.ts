import { type ByteDuplex, type UpgradeReady, upgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import type { Script } from './script.ts';
import { upgrade } from './upgrade.ts';
import type { UpgradeSettings } from './upgrade-options.ts';

/**
 * A dialogue after which TLS begins, by either side. To the client nothing may come before TLS; what the server has received
 * may begin the ClientHello already.
 */
export function startTls(
  side: 'client' | 'server',
  protocol: string,
  settings: UpgradeSettings,
  script: (wire: Wire) => Script,
): OperatorFunction<ByteDuplex, UpgradeReady> {
  const remainder = side === 'client' ? 'none' : 'client-hello';
  return upgrade(() => ({ protocol, settings, remainder, script, result: upgradeReady }));
}
