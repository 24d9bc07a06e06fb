import {
  type Bench,
  type Case,
  check,
  pause,
  type TransportCase,
  type TransportComplianceOptions,
} from './transport-compliance-bench.ts';
import { closingCases, halfCloseCases } from './transport-compliance-closing.ts';
import { readingCases } from './transport-compliance-reading.ts';
import { backPressureCases, writingCases } from './transport-compliance-writing.ts';

export type { TransportCase, TransportComplianceOptions, TransportPair } from './transport-compliance-bench.ts';

/**
 * What a transport must keep to carry TLS: every promise of `ByteDuplex` as a case with a name, to be run by whatever
 * runs the tests. A case opens its own pair, throws an `Error` that says which promise was broken, and closes the pair.
 */
export function transportCompliance(options: TransportComplianceOptions): readonly TransportCase[] {
  const { halfClose = true, backPressure = true } = options;
  const cases = [
    ...readingCases,
    ...writingCases,
    ...(backPressure ? backPressureCases : []),
    ...closingCases,
    ...(halfClose ? halfCloseCases : []),
  ];
  return cases.map(([name, run]) => ({ name, run: () => runCase(options, run) }));
}

async function runCase(options: TransportComplianceOptions, run: Case[1]): Promise<void> {
  const { abortShows = true, bound = 32 * 1024 * 1024, timeout = 10_000 } = options;
  const pair = await options.pair();
  const deadline = Date.now() + timeout;
  const until: Bench['until'] = async (holds, what) => {
    while (!holds()) {
      check(Date.now() < deadline, `never happened within ${timeout} ms: ${what}`);
      await pause(1);
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${timeout} ms`)), timeout + 50);
  });
  try {
    await Promise.race([run({ a: pair.a, b: pair.b, abortShows, bound, until }), late]);
  } finally {
    clearTimeout(timer);
    await pair.close();
  }
}
