import assert from 'node:assert/strict';
import { maxCiphertextRecordBytes, NotTlsError, PeerMisbehavedError } from '@rxtls/core/engine';
import { sampleBytes } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import type { EnginePair } from '../engine-pair.ts';

const types = [0, 1, 19, 20, 21, 22, 23, 24, 25, 0x47, 0x80, 0xff];
const versions = [0x0303, 0x0301, 0x0300, 0x0000, 0x0505];
const lengths = [0, 1, 2, 4, 0x0100, 0x3fff, 0x4000, 0x4001, 0x4100, 0x4101, 0x4800, 0x4801, 0xffff];

/** A peer that is none: garbage, sizes over the limit, flipped bits. A typed error or nothing; never a throw, never plaintext. */
export function hostileCases(context: CaseContext): ComplianceCase[] {
  const { version, integrity } = context;
  const most = version === 'TLSv1.3' ? maxCiphertextRecordBytes[version] : maxCiphertextRecordBytes.older;
  return (['client', 'server'] as const).flatMap((role) => {
    const cases: ComplianceCase[] = [
      {
        name: `R3 ${role}: every kind of header before the handshake gives a typed error or nothing`,
        run: async () => {
          const pairs: EnginePair[] = [];
          types.forEach((type, row) =>
            lengths.forEach((length, column) => {
              const pair = context.pair();
              const number = versions[(row + column) % versions.length] ?? 0;
              const body = sampleBytes(Math.min(length, 64), row * 100 + column);
              pair.held = true;
              pair[role].give(Uint8Array.from([type, number >> 8, number & 0xff, length >> 8, length & 0xff, ...body]));
              pairs.push(pair);
            }),
          );
          for (const pair of pairs) await pair.settle();
          for (const pair of pairs) {
            pair[role].end();
            await pair.settle();
            assert.equal(pair[role].negotiated, undefined);
            assert.equal(pair[role].closeReceived, false);
            await pair.finish();
          }
        },
      },
      {
        name: `R3 ${role}: every kind of header in an open connection gives a typed error or nothing`,
        run: async () => {
          for (const type of types) {
            for (const length of [0, 2, 0x4001, 0xffff]) {
              const pair = await context.pair().open();
              pair.held = true;
              const body = integrity ? sampleBytes(Math.min(length, 64)) : [];
              pair[role].give(Uint8Array.from([type, 3, 3, length >> 8, length & 0xff, ...body]));
              await pair.settle();
              pair[role].end();
              await pair.settle();
              assert.equal(pair[role].plaintext.length, 0);
              assert.equal(pair[role].closeReceived, false);
              await pair.finish();
            }
          }
        },
      },
      {
        name: `R4 ${role}: plain HTTP is NotTlsError with at most 32 bytes of it`,
        run: async () => {
          const pair = context.pair();
          pair.held = true;
          await pair.settle();
          const text =
            role === 'server' ? 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n' : 'HTTP/1.1 400 Bad Request\r\n\r\n';
          pair[role].give(new TextEncoder().encode(text));
          await pair.settle();
          const [error] = pair[role].failures;
          assert.ok(error instanceof NotTlsError, String(error));
          assert.ok(error.firstBytes.length <= 64);
          assert.equal(error.message.includes('GET'), false, 'no echo of the peer');
          await pair.finish();
        },
      },
      {
        name: `R5 ${role}: a record over ${most} bytes is refused`,
        run: async () => {
          const length = most + 1;
          const pair = await context.pair().open();
          pair.held = true;
          const record = new Uint8Array(5 + length).fill(7);
          record.set([23, 3, 3, length >> 8, length & 0xff]);
          pair[role].give(record);
          await pair.settle();
          const [error] = pair[role].failures;
          assert.ok(error instanceof PeerMisbehavedError, String(error));
          assert.equal(pair[role].plaintext.length, 0);
          await pair.finish();
        },
      },
      {
        name: `${role}: application data before the handshake never becomes plaintext`,
        run: async () => {
          const pair = context.pair();
          pair.held = true;
          await pair.settle();
          pair[role].give(Uint8Array.from([23, 3, 3, 0, 3, 1, 2, 3]));
          await pair.settle();
          pair[role].end();
          await pair.settle();
          assert.equal(pair[role].plaintext.length, 0);
          assert.equal(pair[role].negotiated, undefined);
          await pair.finish();
        },
      },
      {
        name: integrity
          ? `${role}: a flipped bit in application data is an error, not plaintext`
          : `${role}: a flipped bit goes unnoticed, as declared (no integrity)`,
        run: async () => {
          for (const at of [5, 20, 1_000]) {
            const pair = await context.pair().open();
            const side = pair[role];
            const other = pair.other(side);
            pair.held = true;
            other.write(sampleBytes(1_200));
            await pair.settle();
            const wire = pair.intercept(other);
            wire[at] = (wire[at] ?? 0) ^ 1;
            pair.inject(other, wire);
            pair.held = false;
            await pair.settle();
            assert.equal(side.failures.length, integrity ? 1 : 0);
            if (integrity) assert.equal(side.plaintext.length, 0);
            await pair.finish();
          }
        },
      },
    ];
    return cases;
  });
}
