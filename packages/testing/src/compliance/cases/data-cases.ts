import assert from 'node:assert/strict';
import { sampleBytes } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import { sameBytes } from '../same-bytes.ts';

const sizes = [0, 1, 2, 15, 1_000, 16_383, 16_384, 16_385, 65_536, 204_800];

/** Plaintext both ways at once: equal, in order, and every byte accounted for. */
export function dataCases(context: CaseContext): ComplianceCase[] {
  const { chunkings, maxBytes, options } = context;
  const cases: ComplianceCase[] = chunkings.map((chunking) => ({
    name: `W4 data: both ways at once, any size, from an array that is reused at once (${chunking.name})`,
    run: async () => {
      const pair = context.pair({ chunking });
      const most = chunking.slow === true ? Math.min(maxBytes, 3_000) : maxBytes;
      const wanted = sizes.filter((size) => size <= most).map((size, index) => sampleBytes(size, index));
      // Queued before the handshake: each side sends in the very moment it becomes ready.
      for (const bytes of wanted) {
        pair.client.write(bytes);
        pair.server.write(backwards(bytes));
      }
      const total = wanted.reduce((sum, { length }) => sum + length, 0);
      await pair.until(() => pair.sides.every((side) => side.received.length >= total), 'all the plaintext');
      await pair.settle();
      sameBytes(pair.server.received, joined(wanted), 'server received');
      sameBytes(pair.client.received, joined(wanted.map(backwards)), 'client received');
      for (const side of pair.sides) {
        assert.equal(side.bytes.sealed, side.bytes.sent, `${side.name} sealed what was sent`);
        assert.equal(side.bytes.consumed, side.bytes.given, `${side.name} consumed what was given`);
        assert.equal(side.failures.length, 0);
      }
      await pair.finish();
    },
  }));
  for (const { role, capabilities } of [options.client, options.server]) {
    cases.push({
      name: `${role} sealed: ${capabilities.recordNumbers ? 'record numbers without a gap' : 'no record numbers'}, as declared`,
      run: async () => {
        const pair = await context.pair().open();
        const side = pair[role];
        for (let size = 1; size < 40_000; size *= 3) side.write(sampleBytes(size));
        await pair.settle();
        assert.equal(side.bytes.sealed, side.bytes.sent);
        let next: bigint | undefined;
        let epoch = -1;
        for (const { records } of side.sealings) {
          assert.equal(records !== undefined, capabilities.recordNumbers);
          if (records === undefined) continue;
          assert.ok(records.last >= records.first);
          // Where a record holds parts of two sealings, the first one repeats.
          if (records.epoch === epoch && next !== undefined)
            assert.ok(records.first === next || records.first === next - 1n, `record ${records.first} follows`);
          next = records.last + 1n;
          epoch = records.epoch;
        }
        await pair.finish();
      },
    });
  }
  return cases;
}

const backwards = (bytes: Uint8Array): Uint8Array => bytes.map((_, index) => bytes[bytes.length - 1 - index] ?? 0);

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
