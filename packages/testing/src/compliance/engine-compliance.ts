import { webcrypto } from 'node:crypto';
import type { Limits, NegotiatedParameters, TlsEngineFactory, TlsHost, TlsVersion } from '@rxtls/core/engine';
import { closeCases } from './cases/close-cases.ts';
import { dataCases } from './cases/data-cases.ts';
import { destroyCases } from './cases/destroy-cases.ts';
import { handshakeCases } from './cases/handshake-cases.ts';
import { hostileCases } from './cases/hostile-cases.ts';
import { keyCases } from './cases/key-cases.ts';
import { pauseCases } from './cases/pause-cases.ts';
import { allChunkings, type Chunking, wholeFlights } from './chunking.ts';
import type { ComplianceCase } from './compliance-case.ts';
import { EnginePair, type EnginePairOptions } from './engine-pair.ts';

/** What is to be checked, and what is known about it. */
export interface EngineComplianceOptions {
  /** Factories that trust each other; made anew for nothing: each case makes its own engines from them. */
  readonly client: TlsEngineFactory<'client'>;
  readonly server: TlsEngineFactory<'server'>;
  /** In front of every case's name: `node, TLSv1.3`. */
  readonly title?: string;
  /** What the pair is to agree on. The version defaults to the newest that both declare. */
  readonly expect?: Partial<Pick<NegotiatedParameters, 'version' | 'alpnProtocol' | 'serverName'>>;
  /** Default: whole flights, single bytes, header splits, prime sizes, random sizes. */
  readonly chunkings?: readonly Chunking[];
  /** Clocks and entropy. Default: the runtime's. */
  readonly host?: (limits: Limits) => TlsHost;
  /** The most plaintext of one case, each way. Default 200 KiB. */
  readonly maxBytes?: number;
  /** A flipped bit must be noticed. Only an engine without cryptography says `false`. Default `true`. */
  readonly integrity?: boolean;
  /** Turns of the event loop without activity that count as rest. Default 1 when both are synchronous, else 24. */
  readonly quietTurns?: number;
  /** Milliseconds until a wait is given up. Default 10 000. */
  readonly patience?: number;
}

/** What the cases see of the options. */
export interface CaseContext {
  readonly options: EngineComplianceOptions;
  readonly version: TlsVersion;
  readonly chunkings: readonly Chunking[];
  readonly maxBytes: number;
  readonly integrity: boolean;
  readonly synchronous: boolean;
  pair(overrides?: Partial<EnginePairOptions>): EnginePair;
}

/**
 * Everything the engine contract promises, as cases to be run by any test framework: over one engine in both roles or a
 * mixed pair, by what the factories declare. What an engine declares that it cannot do has a case that says so.
 */
export function engineCompliance(options: EngineComplianceOptions): readonly ComplianceCase[] {
  const context = contextOf(options);
  const groups = [handshakeCases, dataCases, pauseCases, closeCases, keyCases, hostileCases, destroyCases];
  const prefix = options.title === undefined ? '' : `${options.title}: `;
  return groups.flatMap((group) => group(context).map(({ name, run }) => ({ name: `${prefix}${name}`, run })));
}

function contextOf(options: EngineComplianceOptions): CaseContext {
  const { client, server, host = runtimeHost, patience = 10_000 } = options;
  const synchronous = client.capabilities.synchronous && server.capabilities.synchronous;
  const version =
    options.expect?.version ?? client.capabilities.versions.find((each) => server.capabilities.versions.includes(each));
  if (version === undefined) throw new Error('the two factories declare no version in common');
  return {
    options,
    version,
    chunkings: options.chunkings ?? allChunkings,
    maxBytes: options.maxBytes ?? 204_800,
    integrity: options.integrity ?? true,
    synchronous,
    pair: (overrides = {}) =>
      new EnginePair({
        client,
        server,
        host,
        patience,
        chunking: wholeFlights,
        quietTurns: options.quietTurns ?? (synchronous ? 1 : 24),
        ...overrides,
      }),
  };
}

const runtimeHost = (limits: Limits): TlsHost => ({
  wallClock: () => Date.now(),
  monotonicClock: () => performance.now(),
  random: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
  limits,
});
