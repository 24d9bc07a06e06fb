import type { ByteDuplex, DuplexInfo } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { proxyHeader, proxyHeaderFrame } from './proxy-header.ts';
import type { Script } from './script.ts';
import { upgrade } from './upgrade.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/**
 * Reads the PROXY protocol header, of version 1 or 2, that a proxy in front of this server begins each connection with: `info` of what
 * comes out has the ends that it tells of, in `remote` who connected. LOCAL, UNKNOWN and addresses that are not of TCP leave
 * `info` as it was; TLVs are passed over. What follows the header is the connection's. A connection without a header is a
 * `PeerMisbehavedError`. **Whoever can connect here can claim to be anybody**: only the proxy must be able to.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 8443, host: '127.0.0.1' }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: proxyProtocolServer() }),
 * )
 */
export function proxyProtocolServer(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, ByteDuplex> {
  const { settings } = resolveUpgradeOptions('proxyProtocolServer', options);
  return upgrade(() => {
    let told: DuplexInfo | undefined;
    return {
      protocol: 'PROXY protocol',
      settings,
      remainder: 'tunnelled',
      *script(): Script {
        told = proxyHeader(yield proxyHeaderFrame);
      },
      result: (duplex) => (told === undefined ? duplex : withInfo(duplex, told)),
    };
  });
}

const withInfo = (duplex: ByteDuplex, info: DuplexInfo): ByteDuplex => ({
  source: duplex.source,
  sink: duplex.sink,
  unread: (bytes) => duplex.unread(bytes),
  info,
});
