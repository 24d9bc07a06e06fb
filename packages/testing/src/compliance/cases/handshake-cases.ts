import assert from 'node:assert/strict';
import { seededRandom } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import { sameBytes } from '../same-bytes.ts';

/** The handshake: once, before plaintext, agreed on by both ends, whatever the chunks. */
export function handshakeCases(context: CaseContext): ComplianceCase[] {
  const { options, version, chunkings, synchronous } = context;
  const { client, server, expect = {} } = options;
  const cases = chunkings.map((chunking) => ({
    name: `handshake: negotiated once, the same at both ends, then ready (${chunking.name})`,
    run: async () => {
      const pair = await context.pair({ chunking }).open();
      const [atClient, atServer] = pair.sides.map((side) => side.negotiated);
      assert.ok(atClient !== undefined && atServer !== undefined);
      for (const negotiated of [atClient, atServer]) {
        assert.equal(negotiated.version, version);
        if ('alpnProtocol' in expect) assert.equal(negotiated.alpnProtocol, expect.alpnProtocol);
        if ('serverName' in expect) assert.equal(negotiated.serverName, expect.serverName);
        assert.ok(['passed', 'not-requested'].includes(negotiated.peer.verification), negotiated.peer.verification);
      }
      assert.equal(atClient.cipherSuite, atServer.cipherSuite);
      assert.equal(atClient.resumed, atServer.resumed);
      assert.equal(atClient.alpnProtocol, atServer.alpnProtocol);
      if (!client.capabilities.alpn || !server.capabilities.alpn) assert.equal(atClient.alpnProtocol, undefined);
      assert.equal(atClient.serverName, atServer.serverName);
      for (const side of pair.sides) {
        assert.equal(side.bytes.consumed, side.bytes.given, `${side.name} is through with the whole handshake`);
        assert.equal(side.plaintext.length, 0);
        assert.equal(side.readiness[0]?.maySend, false, `${side.name} says what it wants before it is ready`);
      }
      await pair.finish();
    },
  }));
  cases.push({
    name: 'capabilities: role, versions and keyUpdate are what the engine has',
    run: async () => {
      assert.equal(client.role, 'client');
      assert.equal(server.role, 'server');
      const pair = context.pair();
      for (const [side, { capabilities }] of [
        [pair.client, client],
        [pair.server, server],
      ] as const) {
        assert.ok(capabilities.name.length > 0);
        assert.ok(capabilities.versions.includes(version));
        for (const each of [...capabilities.halfClose, ...capabilities.keyUpdate])
          assert.ok(capabilities.versions.includes(each), `${each} is a declared version`);
        if (capabilities.keyUpdate.length > 0) assert.equal(typeof side.engine.updateKeys, 'function');
      }
      await pair.finish();
    },
  });
  cases.push({
    name: synchronous ? 'synchronous, as declared: every answer comes inside the call' : 'not synchronous, as declared',
    run: async () => {
      const pair = context.pair();
      if (synchronous) {
        pair.move();
        for (const side of pair.sides) side.write(Uint8Array.of(1));
        pair.move();
        for (const side of pair.sides) sameBytes(side.received, Uint8Array.of(1), `${side.name} received`);
      } else await pair.open();
      await pair.finish();
    },
  });
  for (const factory of [client, server]) {
    const { role, capabilities } = factory;
    cases.push({
      name: `${role} events: records in both directions when observed, none when not`,
      run: async () => {
        for (const observed of [true, false]) {
          const pair = await context.pair({ observed }).open();
          pair[role].write(Uint8Array.of(1));
          await pair.settle();
          const records = pair[role].events.flatMap((event) => (event.type === 'record' ? [event] : []));
          for (const direction of ['received', 'sent'] as const)
            assert.equal(
              records.some((record) => record.direction === direction),
              observed,
              direction,
            );
          if (observed)
            assert.equal(
              records.some(({ inner }) => inner !== undefined),
              capabilities.innerRecordTypes,
              'inner record types as declared',
            );
          await pair.finish();
        }
      },
    });
  }
  if (client.capabilities.injectedEntropy)
    cases.push({
      name: 'injected entropy, as declared: the same host gives the same ClientHello',
      run: async () => {
        const flights = [1, 1].map((seed) => {
          const random = seededRandom(seed);
          const pair = context.pair({
            host: (limits) => ({
              wallClock: () => 1_700_000_000_000,
              monotonicClock: () => 0,
              random: (length) => Uint8Array.from({ length }, () => random() * 256),
              limits,
            }),
          });
          pair.held = true;
          return pair;
        });
        const hellos: Uint8Array[] = [];
        for (const pair of flights) {
          await pair.settle();
          hellos.push(pair.intercept(pair.client));
          await pair.finish();
        }
        assert.deepEqual(hellos[0], hellos[1]);
      },
    });
  cases.push({
    name: 'destroy right after the engine was made is silent',
    run: async () => {
      const pair = context.pair();
      for (const side of pair.sides) side.destroy();
      await pair.settle();
      for (const side of pair.sides) {
        side.engine.destroy();
        side.assertKept();
      }
    },
  });
  return cases;
}
