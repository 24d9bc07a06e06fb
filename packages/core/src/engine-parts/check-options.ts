import { ApiMisuseError } from '../engine/index.ts';
import type { OptionRules } from './option-rules.ts';
import { ownOptions } from './own-options.ts';

/**
 * Reads options as {@link ownOptions} does and holds each against the rule of its name.
 * @throws ApiMisuseError as {@link ownOptions}, and for a value that is not what its rule says.
 */
export function checkOptions<O extends object>(caller: string, options: O, known: OptionRules<string>): O {
  const own = ownOptions(options, Object.keys(known), caller);
  for (const [name, value] of Object.entries(own))
    if (!known[name]?.holds(value)) throw new ApiMisuseError(`${caller}: ${name} must ${known[name]?.must}`);
  return own as O;
}
