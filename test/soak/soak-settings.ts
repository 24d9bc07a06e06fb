export const parts = ['memory', 'connections', 'rotation', 'forged'] as const;
export type Part = (typeof parts)[number];

/** What is to be done, and how much of it. */
export interface SoakSettings {
  readonly parts: ReadonlySet<Part>;
  readonly seconds: number;
  readonly short: number;
  readonly long: number;
  readonly plans: number;
}

/** What somebody who called for the soak can put right. */
export class SoakUsageError extends Error {}

/** @throws SoakUsageError in one line */
export function soakSettings(names: readonly string[], environment: NodeJS.ProcessEnv): SoakSettings {
  for (const name of names)
    if (!parts.some((part) => part === name))
      throw new SoakUsageError(`there is no part '${name}': there are ${parts.join(', ')}`);
  const whole = (name: string, absent: number, most: number): number => {
    const text = environment[name];
    if (text === undefined || text === '') return absent;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
    throw new SoakUsageError(`${name} must be a whole number from 1 to ${most}, and it is '${text.slice(0, 40)}'`);
  };
  return {
    parts: new Set(names.length === 0 ? parts : (names as readonly Part[])),
    seconds: whole('RXTLS_SOAK_SECONDS', 60, 86_400),
    short: whole('RXTLS_SOAK_SHORT', 10_000, 10_000_000),
    long: whole('RXTLS_SOAK_LONG', 1_000, 100_000),
    plans: whole('RXTLS_SOAK_PLANS', 200_000, 1_000_000_000),
  };
}
