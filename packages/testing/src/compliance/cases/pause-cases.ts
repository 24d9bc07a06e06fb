import assert from 'node:assert/strict';
import { sampleBytes } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import { sameBytes } from '../same-bytes.ts';

/** Pause holds plaintext, and holds it unconsumed, so that core's bound on the read side means something. */
export function pauseCases(context: CaseContext): ComplianceCase[] {
  return (['client', 'server'] as const).flatMap((role) => [
    {
      name: `${role} pause: nothing delivered, held bytes stay unconsumed, all of it after resume`,
      run: async () => {
        const pair = await context.pair().open();
        const side = pair[role];
        const sample = sampleBytes(60_000);
        side.engine.pause();
        pair.other(side).write(sample);
        await pair.settle();
        assert.equal(side.plaintext.length, 0, 'no plaintext while paused');
        assert.ok(side.bytes.consumed < side.bytes.given, 'what is held is not consumed');
        side.engine.resume();
        await pair.until(() => side.received.length === sample.length, 'the held plaintext');
        await pair.settle();
        sameBytes(side.received, sample, `${side.name} received`);
        assert.equal(side.bytes.consumed, side.bytes.given);
        await pair.finish();
      },
    },
    {
      name: `${role} pause: close_notify waits behind the held plaintext, and this side may still send`,
      run: async () => {
        const pair = await context.pair().open();
        const side = pair[role];
        const other = pair.other(side);
        side.engine.pause();
        other.write(sampleBytes(20_000));
        other.actions.push('close');
        side.write(sampleBytes(30_000, 2));
        await pair.settle();
        assert.equal(side.closeReceived, false);
        sameBytes(other.received, sampleBytes(30_000, 2), `${other.name} received`);
        side.engine.resume();
        await pair.until(() => side.closeReceived, 'close_notify after resume');
        sameBytes(side.received, sampleBytes(20_000), `${side.name} received`);
        await pair.finish();
      },
    },
  ]);
}
