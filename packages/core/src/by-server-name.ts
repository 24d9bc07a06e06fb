import { ApiMisuseError, type ClientHello, hostName } from './engine/index.ts';
import { checkServerChoice, served } from './check-server-choice.ts';
import type { EngineChoice, EngineSelector } from './engine-source.ts';

/**
 * Chooses a server's engine by the name that the client asks for (RFC 6066 §3): exact names first, then `*.` and a name for
 * one more label. A client that sends no name, or one that is not served, gets `otherwise`; without it, it is refused with
 * `unrecognized_name`, before any engine exists. For names that change while the server runs, emit selectors:
 * `hosts$.pipe(map((hosts) => byServerName(hosts)))`, or `liveEngine(hosts$, …)`, which keeps the last good ones.
 *
 * @throws ApiMisuseError for no names, for what is no host name, for a name given twice, for what is no server engine
 * @example
 * const shop = nodeEngine.server({ credentials, alpnProtocols: ['h2'] });
 * secureEach(byServerName({ 'shop.example': shop, '*.b.example': byAlpn({ h2: shop }) }), (connection) => connection.close());
 */
export function byServerName(
  hosts: Readonly<Record<string, EngineChoice<'server'>>>,
  otherwise?: EngineChoice<'server'>,
): EngineSelector {
  const exact = new Map<string, EngineChoice<'server'>>();
  const wildcards = new Map<string, EngineChoice<'server'>>();
  if (typeof hosts !== 'object' || hosts === null || Object.keys(hosts).length === 0)
    throw new ApiMisuseError("byServerName(hosts) takes an object such as { 'a.example': engine }");
  for (const [pattern, choice] of Object.entries(hosts)) {
    const isWildcard = pattern.startsWith('*.');
    const name = hostName(isWildcard ? pattern.slice(2) : pattern);
    const where = `byServerName: ${JSON.stringify(pattern.slice(0, 80))}`;
    if (name === undefined)
      throw new ApiMisuseError(`${where} is no host name in ASCII, nor '*.' and one: clients ask for nothing else`);
    const known = isWildcard ? wildcards : exact;
    if (known.has(name)) throw new ApiMisuseError(`${where} is there twice: upper and lower case are the same name`);
    known.set(name, checkServerChoice(choice, where));
  }
  if (otherwise !== undefined) checkServerChoice(otherwise, 'byServerName: otherwise');
  const select = (hello: ClientHello): ReturnType<EngineSelector['select']> => {
    const name = hello.serverName ?? '';
    const dot = name.indexOf('.');
    const choice = exact.get(name) ?? (dot > 0 ? wildcards.get(name.slice(dot + 1)) : undefined) ?? otherwise;
    return choice === undefined ? undefined : served(choice, hello);
  };
  return Object.freeze({ select });
}
