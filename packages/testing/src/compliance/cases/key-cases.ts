import assert from 'node:assert/strict';
import { sampleBytes } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import { sameBytes } from '../same-bytes.ts';

/** New keys in the middle of traffic, and keying material for others. */
export function keyCases(context: CaseContext): ComplianceCase[] {
  const { options, version, chunkings } = context;
  const cases: ComplianceCase[] = [];
  for (const role of ['client', 'server'] as const) {
    const { capabilities } = options[role];
    if (!capabilities.keyUpdate.includes(version)) {
      cases.push({
        name: `${role} updateKeys: not in ${version}, as declared`,
        run: async () => {
          assert.equal(capabilities.keyUpdate.includes(version), false);
        },
      });
      continue;
    }
    const what = version === 'TLSv1.3' ? 'KeyUpdate' : 'renegotiation';
    for (const chunking of chunkings)
      cases.push({
        name: `${role} updateKeys: a ${what} between writes in both directions loses and reorders nothing (${chunking.name})`,
        run: async () => {
          const pair = await context.pair({ chunking, limits: { renegotiation: { max: 8 } } }).open();
          const identity = pair.client.negotiated;
          const part = chunking.slow === true ? 300 : 20_000;
          const parts = [1, 2, 3].map((seed) => sampleBytes(part, seed));
          for (const bytes of parts) {
            pair[role].write(bytes, 7_000);
            pair[role].actions.push('update-keys');
            pair.other(pair[role]).write(bytes, 5_000);
          }
          for (const side of pair.sides) side.write(Uint8Array.of(9));
          const all = new Uint8Array(Buffer.concat([...parts, Uint8Array.of(9)]));
          await pair.until(() => pair.sides.every((side) => side.received.length >= all.length), 'all the plaintext');
          await pair.settle();
          for (const side of pair.sides) {
            sameBytes(side.received, all, `${side.name} received`);
            assert.equal(side.bytes.sealed, side.bytes.sent);
            assert.equal(side.bytes.consumed, side.bytes.given);
            assert.equal(side.failures.length, 0);
            assert.equal(side.maySend, true);
          }
          assert.equal(pair.client.negotiated, identity);
          const kind = version === 'TLSv1.3' ? 'key-update' : 'renegotiation';
          assert.ok(pair[role].events.some((event) => event.type === kind && event.direction === 'sent'));
          await pair.finish();
        },
      });
  }
  cases.push({
    name: 'exportKeyingMaterial, where both have it: equal at both ends, different for another label, context or connection',
    run: async () => {
      const pair = await context.pair().open();
      const [client, server] = pair.sides.map(({ engine }) => engine);
      const byClient = client?.exportKeyingMaterial?.bind(client);
      const byServer = server?.exportKeyingMaterial?.bind(server);
      if (byClient !== undefined && byServer !== undefined) {
        const contexts = [undefined, Uint8Array.of(1), Uint8Array.of(1, 2)];
        const made = ['EXPORTER-rxtls-a', 'EXPORTER-rxtls-b'].flatMap((label) =>
          contexts.map((each) => {
            const material = byClient(label, each, 32);
            assert.deepEqual(new Uint8Array(byServer(label, each, 32)), new Uint8Array(material));
            assert.equal(material.length, 32);
            return Buffer.from(material).toString('hex');
          }),
        );
        assert.equal(new Set(made).size, made.length);
        assert.equal(byClient('EXPORTER-rxtls-a', undefined, 7).length, 7);
      }
      await pair.finish();
    },
  });
  return cases;
}
