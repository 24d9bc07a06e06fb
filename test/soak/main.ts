// `npm run soak`: long checks of what must not grow, and of rare events; exits with 1 when something grows or goes wrong.
// Arguments name parts to be run alone; each part's size is an environment variable.
import { pki } from '../interop/ends.ts';
import { checkMachine } from './check-machine.ts';
import { forgedFlights } from './forged-flights.ts';
import { Verdicts } from './verdicts.ts';
import { manyConnections } from './many-connections.ts';
import { concurrency, rotations } from './rotations.ts';
import { silentPeers } from './silent-peers.ts';
import { type Part, parts, type SoakSettings, SoakUsageError, soakSettings } from './soak-settings.ts';

const settings = readSettings();
const verdicts = new Verdicts();

const work: Readonly<Record<Part, () => Promise<void>>> = {
  /** Bytes that nobody reads, by the heap. */
  memory: () => silentPeers(verdicts.judge),
  /** RXTLS_SOAK_SECONDS (60) of connections one after the other. */
  connections: () => manyConnections(settings.seconds, verdicts.judge),
  /** RXTLS_SOAK_SHORT (10 000) and RXTLS_SOAK_LONG (1 000) connections to each engine, whose certificates rotate. */
  rotation: () => rotations(settings.short, settings.long, verdicts),
  /** RXTLS_SOAK_PLANS (200 000) plans of a forger against our TLS 1.3. */
  forged: async () => {
    if (!(await forgedFlights(pki, settings.plans, console.log))) verdicts.failures++;
  },
};

const started = Date.now();
for (const part of parts) if (settings.parts.has(part)) await work[part]();
console.log(`${verdicts.failures === 0 ? 'passed' : 'FAILED'} in ${Math.round((Date.now() - started) / 1_000)} s`);
process.exit(verdicts.failures === 0 ? 0 : 1);

function readSettings(): SoakSettings {
  try {
    const read = soakSettings(process.argv.slice(2), process.env);
    if (read.parts.has('rotation')) checkMachine(read.short, read.long, concurrency);
    return read;
  } catch (error) {
    if (!(error instanceof SoakUsageError)) throw error;
    console.error(`error: ${error.message}`);
    return process.exit(2);
  }
}
