import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The traces, and the certificates and keys that stand in them. */
export type TraceName =
  | 'simple'
  | 'resumed-0-rtt'
  | 'hello-retry-request'
  | 'client-authentication'
  | 'middlebox-compatibility'
  | 'external-psk'
  | 'raw-public-key'
  | 'certificates';

/** The values of a trace by their names; asking for one that is not there throws. */
export function trace(name: TraceName): {
  readonly has: (value: string) => boolean;
  readonly get: (value: string) => Uint8Array;
} {
  const lines = readFileSync(join(import.meta.dirname, 'rfc8448', `${name}.txt`), 'utf8').split('\n');
  const values = new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' = ') as [string, string])
      .map(([value, hex]) => {
        if (!/^([0-9a-f]{2})+$/.test(hex)) throw new Error(`${name}: ${value} is not hex`);
        return [value, Uint8Array.from(Buffer.from(hex, 'hex'))] as const;
      }),
  );
  return {
    has: (value) => values.has(value),
    get: (value) => {
      const bytes = values.get(value);
      if (bytes === undefined) throw new Error(`the trace ${name} has no ${value}`);
      return bytes;
    },
  };
}
