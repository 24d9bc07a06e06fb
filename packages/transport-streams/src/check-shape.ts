import { ApiMisuseError } from '@rxtls/core/engine';

/** Throws `ApiMisuseError` unless a value has these methods. */
export function checkShape(caller: string, value: unknown, what: string, methods: readonly string[]): void {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  const missing = methods.find((name) => !isObject || typeof Reflect.get(value, name) !== 'function');
  if (missing !== undefined) throw new ApiMisuseError(`${caller} takes ${what}; this has no ${missing}()`);
}
