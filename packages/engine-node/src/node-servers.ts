import { randomBytes } from 'node:crypto';
import type { Limits } from '@rxtls/core/engine';
import { NodeServer } from './node-server.ts';
import { policyHash } from './policy-hash.ts';
import type { ServerSettings } from './server-options.ts';
import { TicketContexts } from './ticket-contexts.ts';
import type { TicketKey } from './ticket-key.ts';

/** The servers of one factory: one for each virtual host, so that their sessions never meet, and one for all other names. */
export class NodeServers {
  readonly #settings: ServerSettings;
  readonly #secrets: readonly [Uint8Array, ...Uint8Array[]];
  readonly #strict: readonly Entry[];
  /** The same with renegotiation, made when a connection first allows it: OpenSSL keeps that choice per context. */
  #renegotiable: readonly Entry[] | undefined;

  /** @throws ApiMisuseError when OpenSSL refuses the options. */
  constructor(settings: ServerSettings) {
    this.#settings = settings;
    this.#secrets = settings.ticketKeys ?? [randomBytes(48)];
    this.#strict = entries(settings, false, this.#secrets);
  }

  /** Whether a connection needs its client's name before OpenSSL starts. */
  get chooseByName(): boolean {
    return this.#settings.virtualHosts.length > 0;
  }

  /** Whether it needs its client's tickets: there are several keys, or a ticket may bring back a client who cannot be judged. */
  get chooseByTicket(): boolean {
    const { resumption, clientAuth } = this.#settings;
    return resumption && (this.#secrets.length > 1 || clientAuth !== 'none');
  }

  /** The servers for that name; undefined when it is not served. */
  serversFor(name: string | undefined, limits: Limits): TicketContexts | undefined {
    // The patterns have no dot at their end, either.
    const bare = name?.replace(/\.$/, '');
    const named = this.#entries(limits).find(({ pattern }) => bare !== undefined && matchesHost(pattern, bare));
    if (named !== undefined) return named.servers;
    return this.#settings.requireServerName ? undefined : this.#entries(limits).at(-1)?.servers;
  }

  #entries(limits: Limits): readonly Entry[] {
    if (limits.renegotiation === false) return this.#strict;
    this.#renegotiable ??= entries(this.#settings, true, this.#secrets);
    return this.#renegotiable;
  }
}

interface Entry {
  /** Empty for the default, which comes last. */
  readonly pattern: string;
  readonly servers: TicketContexts;
}

/** Whose names these are is the server's to say: unlike in a certificate, `*.example` may stand right above the top. */
const matchesHost = (pattern: string, name: string): boolean =>
  pattern.startsWith('*.')
    ? name.indexOf('.') > 0 && name.slice(name.indexOf('.')) === pattern.slice(1)
    : pattern !== '' && pattern === name;

/** Exact names first, so that none is hidden by a wildcard. */
function entries(
  settings: ServerSettings,
  renegotiation: boolean,
  secrets: readonly [Uint8Array, ...Uint8Array[]],
): readonly Entry[] {
  const entry = (own: ServerSettings, pattern: string): Entry => {
    const policy = sessionPolicy(own, pattern);
    const make = (key: TicketKey): NodeServer => new NodeServer(own, renegotiation, policy, key);
    return { pattern, servers: new TicketContexts(secrets, policy, make, own.clientAuth !== 'none') };
  };
  return [
    ...settings.virtualHosts
      // The staple is about another certificate than theirs.
      .map(({ pattern, credentials }) => entry({ ...settings, credentials, ocspStaple: undefined }, pattern))
      .sort((one, other) => Number(one.pattern.startsWith('*')) - Number(other.pattern.startsWith('*'))),
    entry(settings, ''),
  ];
}

/** What a server's sessions hang on: a ticket made under another policy does not decrypt, and the client proves itself anew. */
const sessionPolicy = (settings: ServerSettings, virtualHost: string): string =>
  policyHash([
    [settings.clientAuth, settings.trust?.hash ?? null, settings.verify !== undefined],
    [virtualHost, settings.credentials.map(({ names }) => names)],
    [settings.alpnProtocols, settings.versions, settings.legacy],
    // OpenSSL takes a session's cipher as it is, whatever the context has.
    [settings.ciphers ?? null, settings.groups ?? null, settings.signatureAlgorithms ?? null],
  ]);
