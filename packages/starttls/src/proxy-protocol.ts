import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import { ipv4Bytes, ipv6Bytes, ownOptions, portOption } from '@rxtls/core/engine-parts';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { type ProxyAddress, proxyHeaderBytes } from './proxy-header.ts';
import type { Script } from './script.ts';
import { upgrade } from './upgrade.ts';
import { resolveUpgradeOptions } from './upgrade-options.ts';

/** One end of the connection that is told of. */
export interface ProxyEnd {
  /** An IPv4 or IPv6 address, without brackets. */
  readonly address: string;
  readonly port: number;
}

export interface ProxyProtocolOptions {
  /** 2 is binary (the default), 1 a line of text. */
  readonly version?: 1 | 2;
  /** Who connected; with `destination`. Without both the header tells of nobody: LOCAL, or UNKNOWN in version 1. */
  readonly source?: ProxyEnd;
  /** What it connected to, an address of the same family. */
  readonly destination?: ProxyEnd;
}

/**
 * Begins a connection with a PROXY protocol header (haproxy's doc/proxy-protocol.txt), which tells the server behind a proxy who has
 * connected to that proxy. The transport comes out as it was.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * const source = { address: '192.0.2.7', port: 50_000 };
 * connect({ host, port: 443 }).pipe(
 *   proxyProtocol({ source, destination: { address: '192.0.2.1', port: 443 } }),
 *   secure(engine),
 * )
 */
export function proxyProtocol(options: ProxyProtocolOptions = {}): OperatorFunction<ByteDuplex, ByteDuplex> {
  const { settings } = resolveUpgradeOptions('proxyProtocol');
  const { version = 2, ...ends } = ownOptions(options, ['version', 'source', 'destination'], 'proxyProtocol');
  if (version !== 1 && version !== 2) throw new ApiMisuseError('proxyProtocol: version must be 1 or 2');
  const header = proxyHeaderBytes(version, endsOf(ends.source, ends.destination));
  return upgrade(() => ({
    protocol: 'PROXY protocol',
    settings,
    remainder: 'tunnelled',
    script: (wire) => dialogue(wire, header.slice()),
    result: (duplex) => duplex,
  }));
}

// oxlint-disable-next-line require-yield -- a header is not answered
function* dialogue(wire: Wire, header: Uint8Array): Script {
  wire.ask(header);
}

function endsOf(source: unknown, destination: unknown): readonly [ProxyAddress, ProxyAddress] | undefined {
  if (source === undefined && destination === undefined) return undefined;
  const ends = [endOf('source', source), endOf('destination', destination)] as const;
  if (ends[0].address.length === ends[1].address.length) return ends;
  throw new ApiMisuseError('proxyProtocol: source and destination must be of one family, IPv4 or IPv6');
}

function endOf(option: string, value: unknown): ProxyAddress {
  const { address, port } = ownOptions(value, ['address', 'port'], `proxyProtocol: ${option}`);
  const bytes = typeof address === 'string' ? (ipv4Bytes(address) ?? ipv6Bytes(address)) : undefined;
  if (bytes === undefined) throw new ApiMisuseError(`proxyProtocol: ${option}.address must be an IP address`);
  return { address: bytes, port: portOption(port) };
}
