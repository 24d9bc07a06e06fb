import { ApiMisuseError } from '../engine/index.ts';
import type { OptionRules } from './option-rules.ts';

/**
 * Holds options against the rules of their names; `undefined` is as if absent.
 * @throws ApiMisuseError for an unknown name, a value that is not what its rule says, or options that are no object.
 */
export function checkOptions(caller: string, options: object, known: OptionRules<string>): void {
  if (typeof options !== 'object' || options === null) throw new ApiMisuseError(`${caller}: options must be an object`);
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!rule)
      throw new ApiMisuseError(`${caller}: there is no option ${name}; known are ${Object.keys(known).join(', ')}`);
    if (value !== undefined && !rule.holds(value)) throw new ApiMisuseError(`${caller}: ${name} must ${rule.must}`);
  }
}
