import { mebibyte } from '../interop/ends.ts';

/** One thing that must not grow, and whether it did. */
export type Judge = (what: string, grown: number, most: number, unit?: (value: number) => string) => void;

export const mebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`;

/** Says each judgement as it falls, and counts those that went against us. */
export class Verdicts {
  failures = 0;

  readonly judge: Judge = (what, grown, most, unit = String) => {
    this.say(`${what}: grew by ${unit(grown)}, may grow by ${unit(most)}`, grown <= most);
  };

  say(what: string, ok: boolean): void {
    if (!ok) this.failures++;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
  }
}
