import { ApiMisuseError, type ClientHello, type TlsEngineFactory } from './engine/index.ts';
import { type EngineChoice, type EngineSelector, isFactory, isSelector } from './engine-source.ts';

/** What a selector may choose: an engine, or another selector, which reads the same ClientHello. @throws ApiMisuseError for all else */
export function checkServerChoice(choice: unknown, where: string): EngineChoice<'server'> {
  if (isFactory(choice) && choice.role === 'server') return choice as TlsEngineFactory<'server'>;
  if (isSelector(choice)) return choice;
  throw new ApiMisuseError(`${where} must be a server engine, such as nodeEngine.server({ … }), or a selector`);
}

export const served = (choice: EngineChoice<'server'>, hello: ClientHello): ReturnType<EngineSelector['select']> =>
  isSelector(choice) ? choice.select(hello) : choice;
