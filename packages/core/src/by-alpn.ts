import { ApiMisuseError, type ClientHello, PeerIncompatibleError } from './engine/index.ts';
import type { EngineChoice, EngineSelector } from './engine-source.ts';
import { checkServerChoice, served } from './check-server-choice.ts';

/**
 * Chooses a server's engine by the application protocols that the client offers (RFC 7301): the first of ours that is among
 * them. A client that offers protocols and none of ours is refused with `no_application_protocol`, whatever `otherwise` is:
 * one protocol must not be taken for another (ALPACA). A client that offers none at all gets `otherwise`, or is refused too.
 * Each engine has to speak its protocol (`alpnProtocols`) itself: what it negotiates is checked against the ClientHello.
 *
 * @throws ApiMisuseError for no protocols, for what is no protocol's name, for what is no server engine
 * @example
 * const [h2, http1] = ['h2', 'http/1.1'].map((name) => nodeEngine.server({ credentials, alpnProtocols: [name] }));
 * byAlpn({ h2: h2!, 'http/1.1': http1! }, http1);
 */
export function byAlpn(
  protocols: Readonly<Record<string, EngineChoice<'server'>>>,
  otherwise?: EngineChoice<'server'>,
): EngineSelector {
  if (typeof protocols !== 'object' || protocols === null || Object.keys(protocols).length === 0)
    throw new ApiMisuseError("byAlpn(protocols) takes an object such as { 'h2': engine }");
  const ours = Object.entries(protocols).map(([name, choice]) => {
    const where = `byAlpn: ${JSON.stringify(name.slice(0, 80))}`;
    // RFC 7301 §3.1: "opaque ProtocolName<1..2^8-1>"
    if (!/^[\x20-\x7e]{1,255}$/.test(name)) throw new ApiMisuseError(`${where} must be 1 to 255 ASCII characters`);
    return [name, checkServerChoice(choice, where)] as const;
  });
  if (otherwise !== undefined) checkServerChoice(otherwise, 'byAlpn: otherwise');
  const select = (hello: ClientHello): ReturnType<EngineSelector['select']> => {
    const offered = hello.alpnProtocols;
    const found = ours.find(([name]) => offered.includes(name))?.[1];
    const choice = offered.length === 0 ? otherwise : found;
    if (choice !== undefined) return served(choice, hello);
    const what = offered.length === 0 ? 'no application protocol' : 'no application protocol that is served here';
    throw new PeerIncompatibleError(`the client offers ${what}`, { alert: 'no_application_protocol' });
  };
  return Object.freeze({ select });
}
