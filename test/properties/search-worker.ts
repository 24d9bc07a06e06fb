// One search in a thread of its own: tap follows every promise of the main thread, and these are many.
import { parentPort, workerData } from 'node:worker_threads';
import { placeboGround } from './placebo-ground.ts';
import { scripts, type ScriptKind } from './script.ts';
import { type Search, search } from './search.ts';

Error.stackTraceLimit = 3; // an error for every end that is not clean, and nobody reads where it was made
const { kind, runs } = workerData as { readonly kind: ScriptKind; readonly runs: number };
const result: Search = await search(scripts(kind), placeboGround, runs);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
parentPort?.postMessage(result);
