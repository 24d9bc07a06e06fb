import assert from 'node:assert/strict';
import { sampleBytes, wholeFlights } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import { sameBytes } from '../same-bytes.ts';

/** close_notify, half-close, truncation, abort: each is told from the others. */
export function closeCases(context: CaseContext): ComplianceCase[] {
  const { options, version, chunkings } = context;
  const cases: ComplianceCase[] = [];
  for (const role of ['client', 'server'] as const) {
    const { capabilities } = options[role === 'client' ? 'server' : 'client'];
    for (const chunking of chunkings) {
      cases.push({
        name: `${role} closes: close_notify after all plaintext, consumed to its record's end and no further (${chunking.name})`,
        run: async () => {
          const pair = await context.pair({ chunking }).open();
          const side = pair[role];
          const other = pair.other(side);
          const before = side.bytes.made;
          pair.held = true;
          side.write(sampleBytes(2_000));
          side.actions.push('close');
          await pair.settle();
          const tls = other.bytes.given + side.bytes.made - before;
          // What follows the close_notify on the wire is not TLS's any more: `unwrap` gives it back.
          pair.inject(side, sampleBytes(77, 3));
          pair.held = false;
          await pair.until(() => other.closeReceived, 'closeNotify');
          await pair.settle();
          sameBytes(other.received, sampleBytes(2_000), `${other.name} received`);
          assert.equal(other.bytes.consumed, tls, 'consumed exactly to the end of close_notify');
          assert.equal(other.failures.length, 0);
          await pair.finish();
        },
      });
    }
    const halfClose = capabilities.halfClose.includes(version);
    cases.push({
      name: halfClose
        ? `C5 ${role} closes first: the other side goes on writing, then closes (half-close, as declared)`
        : `C5 ${role} closes first: the other side answers with close_notify (no half-close in ${version}, as declared)`,
      run: async () => {
        const pair = await context.pair().open();
        const side = pair[role];
        const other = pair.other(side);
        side.actions.push('close');
        await pair.until(() => other.closeReceived, 'closeNotify');
        await pair.settle();
        assert.equal(side.maySend, false, 'nothing may be sent after close_notify');
        if (halfClose) {
          assert.equal(other.maySend, true);
          other.write(sampleBytes(50_000));
        }
        other.actions.push('close');
        await pair.until(() => side.closeReceived, 'the answer');
        sameBytes(side.received, halfClose ? sampleBytes(50_000) : new Uint8Array(0), `${side.name} received`);
        for (const each of pair.sides) assert.equal(each.failures.length, 0);
        await pair.finish();
      },
    });
    cases.push({
      name: `C1 ${role} is cut off: every cut of the wire ends without closeNotify`,
      run: async () => {
        for (const cut of [1, 4, 5, 6, 100]) {
          const pair = await context.pair().open();
          const side = pair[role];
          const other = pair.other(side);
          pair.held = true;
          other.write(sampleBytes(3_000));
          await pair.settle();
          other.write(sampleBytes(3_000, 2));
          other.actions.push('close');
          const first = pair.intercept(other);
          await pair.settle();
          const second = pair.intercept(other);
          pair.inject(other, new Uint8Array(Buffer.concat([first, second.subarray(0, second.length - cut)])));
          pair.held = false;
          await pair.settle();
          side.end();
          await pair.settle();
          assert.equal(side.closeReceived, false, `cut ${cut} bytes before the end`);
          if (side.failures.length === 0)
            assert.equal(side.bytes.consumed, side.bytes.given, 'after receiveEnd a partial record is consumed too');
          sameBytes(side.received.subarray(0, 3_000), sampleBytes(3_000), `${side.name} received`);
          await pair.finish();
        }
      },
    });
    cases.push({
      name: `${role} aborts: it falls silent, the other side sees ${options[role].capabilities.alerts === 'any' ? 'the alert' : 'no clean end'}`,
      run: async () => {
        const pair = await context.pair().open();
        const side = pair[role];
        const other = pair.other(side);
        side.engine.abort('access_denied');
        side.destroyed = true;
        await pair.settle();
        other.end();
        await pair.settle();
        assert.equal(other.closeReceived, false);
        if (options[role].capabilities.alerts === 'any') {
          assert.equal(other.failures[0]?.name, 'AlertReceivedError');
          assert.equal(other.failures[0]?.alert, 'access_denied');
        }
        await pair.finish();
      },
    });
  }
  cases.push({
    name: 'both close at once: each gets closeNotify once, and all plaintext before it',
    run: async () => {
      const pair = await context.pair({ chunking: wholeFlights }).open();
      for (const side of pair.sides) {
        side.write(sampleBytes(30_000));
        side.actions.push('close');
      }
      await pair.until(() => pair.sides.every((side) => side.closeReceived), 'closeNotify at both ends');
      await pair.settle();
      for (const side of pair.sides) {
        sameBytes(side.received, sampleBytes(30_000), `${side.name} received`);
        const made = side.bytes.made;
        await pair.settle();
        assert.equal(side.bytes.made, made, 'nothing is sent after close_notify');
      }
      await pair.finish();
    },
  });
  cases.push({
    name: 'C1 the wire ends in the handshake: neither negotiated nor closeNotify, and nothing thrown',
    run: async () => {
      for (const role of ['client', 'server'] as const) {
        for (const cut of [0, 1, 5, 6, -1]) {
          const pair = context.pair();
          pair.held = true;
          await pair.until(() => pair.client.bytes.made > 0, 'the ClientHello');
          await pair.settle();
          const hello = pair.intercept(pair.client);
          if (role === 'server') pair.server.give(hello.slice(0, cut));
          else {
            pair.server.give(hello);
            await pair.until(() => pair.server.bytes.made > 0, "the server's flight");
            await pair.settle();
            pair.client.give(pair.intercept(pair.server).slice(0, cut));
          }
          await pair.settle();
          pair[role].end();
          await pair.settle();
          assert.equal(pair[role].negotiated, undefined);
          assert.equal(pair[role].closeReceived, false);
          const { bytes, failures } = pair[role];
          if (failures.length === 0)
            assert.equal(bytes.consumed, bytes.given, 'after receiveEnd everything is consumed');
          await pair.finish();
        }
      }
    },
  });
  return cases;
}
