import { byAlpn, byServerName, type EngineSelector, type NegotiatedParameters, type TicketKeys } from '@rxtls/core';
import type { TcpConnectOptions } from '@rxtls/transport-tcp';
import type { Credentials } from './certificates.ts';
import type { engines } from './engines.ts';

export type Backend = Pick<TcpConnectOptions, 'host' | 'port'>;

/** Who asks for this name, and speaks this protocol, is passed on to that backend. */
export interface Route {
  /** A host's name, or `*.` and one. */
  readonly name: string;
  /** Absent: for clients that offer no protocol. */
  readonly alpn?: string;
  readonly backend: Backend;
}

/** What a connection needs that begins now. */
export interface Configuration {
  readonly credentials: Readonly<Record<string, Credentials>>;
  readonly ticketKeys: TicketKeys;
}

/** Of the patterns the one that is for this name: itself before `*.` and the rest, as `byServerName` has it. */
export const patternFor = (name: string, patterns: readonly string[]): string | undefined =>
  [name, name.replace(/^[^.]+/, '*')].find((pattern) => patterns.includes(pattern));

/** An engine for each route, chosen by what the ClientHello asks for. */
export function routed(
  routes: readonly Route[],
  engine: (typeof engines)[keyof typeof engines],
  { credentials, ticketKeys }: Configuration,
): EngineSelector {
  const host = (name: string): ReturnType<typeof engine> | EngineSelector => {
    const pattern = patternFor(name, Object.keys(credentials)) ?? '';
    const own = { credentials: credentials[pattern]!, ticketKeys };
    const here = routes.filter((route) => route.name === name);
    const plain = here.some(({ alpn }) => alpn === undefined) ? engine(own) : undefined;
    const protocols = here.flatMap(({ alpn }) => (alpn === undefined ? [] : [alpn]));
    if (plain !== undefined && protocols.length === 0) return plain;
    return byAlpn(
      Object.fromEntries(protocols.map((alpn) => [alpn, engine({ ...own, alpnProtocols: [alpn] })])),
      plain,
    );
  };
  return byServerName(Object.fromEntries(routes.map(({ name }) => [name, host(name)])));
}

/** Where a connection that was made by {@link routed} goes on to. */
export function backendOf(routes: readonly Route[], { serverName = '', alpnProtocol }: NegotiatedParameters): Backend {
  const names = routes.map(({ name }) => name);
  const pattern = patternFor(serverName.toLowerCase(), names);
  const found = routes.find(({ name, alpn }) => name === pattern && alpn === alpnProtocol);
  if (found === undefined) throw new Error('a connection was made that no route is for');
  return found.backend;
}
