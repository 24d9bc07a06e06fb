// Random options of a client and a server, and what must come of them.
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { nodeEngine } from '@rxtls/engine-node';
import {
  type CipherSuiteName,
  type GroupName,
  memorySessions,
  type Tls13ClientOptions,
  tls13Engine,
  type Tls13ServerOptions,
} from '@rxtls/engine-tls13/node';
import type { TestLeafName, TestPki } from '@rxtls/testing';
import fc from 'fast-check';

const suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const;
const groups = ['x25519', 'secp256r1', 'secp384r1'] as const;
const protocols = ['a', 'b', 'c'] as const;
const serverLeaves = ['ecdsa', 'rsa', 'ed25519', 'wrong-name', 'expired', 'untrusted'] as const;
const clientLeaves = ['client', 'client-rsa', 'client-ed25519', 'client-untrusted', 'client-expired'] as const;
const hashes = ['sha256', 'sha384'] as const;

/** What an option says; undefined: it is left out. */
type Maybe<T> = T | undefined;

interface Common {
  readonly cipherSuites: Maybe<readonly CipherSuiteName[]>;
  readonly groups: Maybe<readonly GroupName[]>;
  readonly alpnProtocols: Maybe<readonly string[]>;
  readonly recordSizeLimit: Maybe<number>;
  readonly padding: Maybe<number>;
  /** Numbers of keys that both sides know by the same number. */
  readonly psks: readonly number[];
  readonly sessions: boolean;
  readonly verify: Maybe<boolean>;
}

export interface ClientChoice extends Common {
  readonly serverName: 'localhost' | 'server.test' | '127.0.0.1';
  readonly leaf: Maybe<TestLeafName>;
  readonly middleboxCompatibility: boolean;
}

export interface ServerChoice extends Common {
  readonly leaf: TestLeafName;
  readonly clientAuth: 'none' | 'request' | 'require';
  /** Names with credentials of their own. */
  readonly serverNames: Maybe<'localhost' | 'server.test'>;
  readonly requireServerName: boolean;
}

export type Who = 'tls13' | 'openssl';

const maybe = <T>(one: fc.Arbitrary<T>, freq = 1): fc.Arbitrary<T | undefined> =>
  fc.option(one, { nil: undefined, freq });
const some = <T>(of: readonly T[]): fc.Arbitrary<T[]> => fc.shuffledSubarray([...of], { minLength: 1 });
const mostly = <T>(usual: readonly T[], seldom: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...seldom) });

// Not four keys: a ticket stands behind them, and past `maxPskIdentities` (4) a server looks at none.
const common = {
  cipherSuites: maybe(some<CipherSuiteName>(suites)),
  groups: maybe(some<GroupName>(groups)),
  alpnProtocols: maybe(some(protocols)),
  recordSizeLimit: maybe(fc.constantFrom(64, 65, 500, 16_384, 16_385)),
  padding: maybe(fc.constantFrom(0, 1, 100, 20_000)),
  psks: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1, maxLength: 3 }) },
  ),
  sessions: fc.boolean(),
  verify: fc.constantFrom(undefined, undefined, undefined, true, true, false),
};
export const clientChoice: fc.Arbitrary<ClientChoice> = fc.record({
  ...common,
  serverName: mostly(['localhost', 'server.test'] as const, ['127.0.0.1'] as const),
  leaf: maybe(mostly<TestLeafName>(clientLeaves.slice(0, 3), clientLeaves.slice(3))),
  middleboxCompatibility: fc.boolean(),
});
export const serverChoice: fc.Arbitrary<ServerChoice> = fc
  .record({
    ...common,
    leaf: mostly<TestLeafName>(serverLeaves.slice(0, 3), serverLeaves.slice(3)),
    clientAuth: fc.constantFrom('none', 'request', 'require'),
    serverNames: maybe(fc.constantFrom('localhost', 'server.test')),
    requireServerName: fc.boolean(),
  })
  // These two are refused by the options.
  .map((choice) => (choice.clientAuth === 'require' ? { ...choice, psks: [] } : choice));

const keyOf = (number: number) => ({
  identity: Uint8Array.of(7, number),
  key: Uint8Array.from({ length: 32 }, (_, at) => (at * 31 + number * 17) & 255),
  hash: hashes[number % 2]!,
});

type Leaves = ReadonlyMap<TestLeafName, { readonly cert: string; readonly key: string }>;

export async function optionLeaves(pki: TestPki): Promise<Leaves> {
  const leaves = new Map<TestLeafName, { cert: string; key: string }>();
  for (const name of [...serverLeaves, ...clientLeaves]) {
    const { certificatePem, keyPem } = await pki.leaf(name);
    leaves.set(name, { cert: certificatePem, key: keyPem });
  }
  return leaves;
}

/** Only what is said: an option that is `undefined` counts as left out, but the types want it so. */
function said<T extends object>(options: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

export function clientOf(who: Who, choice: ClientChoice, ca: string, leaves: Leaves): TlsEngineFactory<'client'> {
  const { serverName, alpnProtocols, groups, cipherSuites, verify, leaf } = choice;
  const shared = {
    serverName,
    ca,
    alpnProtocols,
    groups,
    verify: verify === undefined ? undefined : () => verify,
    credentials: leaf === undefined ? undefined : leaves.get(leaf),
  };
  if (who === 'openssl')
    return nodeEngine.client(
      said({
        ...shared,
        minVersion: 'TLSv1.3' as const,
        ciphers: cipherSuites,
        sessions: choice.sessions ? undefined : ('none' as const),
      }),
    );
  const { padding } = choice;
  return tls13Engine.client(
    said<Tls13ClientOptions>({
      ...shared,
      cipherSuites,
      sessions: choice.sessions ? memorySessions() : ('none' as const),
      recordSizeLimit: choice.recordSizeLimit,
      padding: padding === undefined ? undefined : () => padding,
      externalPsks: choice.psks.length === 0 ? undefined : choice.psks.map(keyOf),
      middleboxCompatibility: choice.middleboxCompatibility,
    }),
  );
}

export function serverOf(who: Who, choice: ServerChoice, ca: string, leaves: Leaves): TlsEngineFactory<'server'> {
  const { alpnProtocols, groups, cipherSuites, verify, clientAuth, serverNames } = choice;
  const own = leaves.get(choice.leaf)!;
  const shared = {
    credentials: own,
    alpnProtocols,
    groups,
    verify: verify === undefined ? undefined : () => verify,
    clientAuth,
    clientCa: clientAuth === 'none' ? undefined : ca,
    serverNames: serverNames === undefined ? undefined : { [serverNames]: own },
    requireServerName: serverNames === undefined ? undefined : choice.requireServerName,
    sessions: choice.sessions ? undefined : ('none' as const),
  };
  if (who === 'openssl')
    return nodeEngine.server(said({ ...shared, minVersion: 'TLSv1.3' as const, ciphers: cipherSuites }));
  const { padding } = choice;
  return tls13Engine.server(
    said<Tls13ServerOptions>({
      ...shared,
      cipherSuites,
      recordSizeLimit: choice.recordSizeLimit,
      padding: padding === undefined ? undefined : () => padding,
      externalPsks: choice.psks.length === 0 ? undefined : choice.psks.map(keyOf),
    }),
  );
}
