import type { Limits } from '@rxtls/core/engine';
import { NodeServer } from './node-server.ts';
import type { ServerSettings } from './server-options.ts';

/** The servers of one factory: one for each virtual host, so that their sessions never meet, and one for all other names. */
export class NodeServers {
  readonly #settings: ServerSettings;
  readonly #strict: readonly Entry[];
  /** The same with renegotiation, made when a connection first allows it: OpenSSL keeps that choice per context. */
  #renegotiable: readonly Entry[] | undefined;

  /** @throws ApiMisuseError when OpenSSL refuses the options. */
  constructor(settings: ServerSettings) {
    this.#settings = settings;
    this.#strict = entries(settings, false);
  }

  /** Whether a connection needs its client's name before OpenSSL starts. */
  get chooseByName(): boolean {
    return this.#settings.virtualHosts.length > 0;
  }

  /** The server for that name; undefined when it is not served. */
  serverFor(name: string | undefined, limits: Limits): NodeServer | undefined {
    const named = this.#entries(limits).find(({ pattern }) => name !== undefined && matchesHost(pattern, name));
    if (named !== undefined) return named.server;
    return this.#settings.requireServerName ? undefined : this.#entries(limits).at(-1)?.server;
  }

  #entries(limits: Limits): readonly Entry[] {
    if (limits.renegotiation === false) return this.#strict;
    this.#renegotiable ??= entries(this.#settings, true);
    return this.#renegotiable;
  }
}

interface Entry {
  /** Empty for the default, which comes last. */
  readonly pattern: string;
  readonly server: NodeServer;
}

/** Whose names these are is the server's to say: unlike in a certificate, `*.example` may stand right above the top. */
const matchesHost = (pattern: string, name: string): boolean =>
  pattern.startsWith('*.')
    ? name.indexOf('.') > 0 && name.slice(name.indexOf('.')) === pattern.slice(1)
    : pattern !== '' && pattern === name;

/** Exact names first, so that none is hidden by a wildcard. */
const entries = (settings: ServerSettings, renegotiation: boolean): readonly Entry[] => [
  ...settings.virtualHosts
    .map(({ pattern, credentials }) => ({
      pattern,
      server: new NodeServer({ ...settings, credentials }, renegotiation, pattern),
    }))
    .sort((one, other) => Number(one.pattern.startsWith('*')) - Number(other.pattern.startsWith('*'))),
  { pattern: '', server: new NodeServer(settings, renegotiation) },
];
