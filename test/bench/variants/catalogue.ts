// Every variant, what makes it, and what it cannot do. Makers are loaded in the process that needs them.
import type { Pki } from '../pki.ts';
import type { Engines } from './engines.ts';
import type { MakeVariant } from './variant.ts';

export interface VariantEntry {
  readonly name: string;
  load(): Promise<MakeVariant>;
  /** Workloads it has none of, by the beginning of their names, and why, in a few words. */
  readonly cannot?: Readonly<Record<string, string>>;
}

/** What a user would pick instead: every ratio is to it, where nothing else is said. */
export const baseline = 'node:tls over tcp';

type LoadEngines = () => Promise<(pki: Pki) => Engines>;

const overTcp = (name: string, load: LoadEngines): VariantEntry => ({
  name: `${name} over tcp`,
  load: async () => {
    const [engines, { overTcp }] = await Promise.all([load(), import('./over-tcp.ts')]);
    return (pki) => overTcp(engines(pki));
  },
});

const overMemory = (name: string, load: LoadEngines): VariantEntry => ({
  name: `${name} over memory`,
  load: async () => {
    const [engines, { overMemory }] = await Promise.all([load(), import('./over-memory.ts')]);
    return (pki) => overMemory(engines(pki));
  },
});

const nodeEngines: LoadEngines = async () => (await import('./node-engine.ts')).nodeEngines;
const tls13NodeEngines: LoadEngines = async () => (await import('./tls13-node.ts')).tls13NodeEngines;
const tls13NobleEngines: LoadEngines = async () => (await import('./tls13-noble.ts')).tls13NobleEngines;
const forgeEngines: LoadEngines = async () => (await import('./forge-engine.ts')).forgeEngines;

export const catalogue: readonly VariantEntry[] = [
  { name: baseline, load: async () => (await import('./node-tls.ts')).nodeTls },
  { name: 'node:tls over duplex relay', load: async () => (await import('./node-tls-relay.ts')).nodeTlsRelay },
  { name: 'floor over tcp', load: async () => (await import('./floor.ts')).floor },
  { name: 'tls13Engine/node by hand over tcp', load: async () => (await import('./tls13-by-hand.ts')).tls13ByHand },
  overTcp('nodeEngine', nodeEngines),
  overMemory('nodeEngine', nodeEngines),
  overTcp('tls13Engine/node', tls13NodeEngines),
  overMemory('tls13Engine/node', tls13NodeEngines),
  overTcp('tls13Engine/noble', tls13NobleEngines),
  overMemory('tls13Engine/noble', tls13NobleEngines),
  overTcp('forgeEngine', forgeEngines),
  overMemory('forgeEngine', forgeEngines),
  {
    name: 'node-forge by hand over tcp',
    load: async () => (await import('./node-forge-tcp.ts')).nodeForgeTcp,
  },
  {
    name: 'node-forge by hand over memory',
    load: async () => (await import('./node-forge-memory.ts')).nodeForgeMemory,
  },
  { name: 'lemon-tls over tcp', load: async () => (await import('./lemon-tls.ts')).lemonTls },
  {
    name: 'subtls (client) over memory',
    load: async () => (await import('./subtls.ts')).subtls,
    cannot: { 'handshake-resumed': 'it ignores session tickets' },
  },
  {
    name: '@reclaimprotocol/tls webcrypto (client) over memory',
    load: async () => {
      const [{ reclaim }, { webcryptoCrypto }] = await Promise.all([
        import('./reclaim.ts'),
        import('@reclaimprotocol/tls/webcrypto'),
      ]);
      return reclaim(webcryptoCrypto);
    },
  },
  {
    name: '@reclaimprotocol/tls pure-js (client) over memory',
    load: async () => {
      const [{ reclaim }, { pureJsCrypto }] = await Promise.all([
        import('./reclaim.ts'),
        import('@reclaimprotocol/tls/purejs-crypto'),
      ]);
      return reclaim(pureJsCrypto);
    },
  },
  {
    name: 'tls13Engine/noble (client) over memory',
    load: async () => {
      const [{ tls13NobleEngines }, { tls13NodeEngines }, { overMemory }] = await Promise.all([
        import('./tls13-noble.ts'),
        import('./tls13-node.ts'),
        import('./over-memory.ts'),
      ]);
      return (pki) => overMemory({ ...tls13NobleEngines(pki), server: tls13NodeEngines(pki).server });
    },
  },
];
