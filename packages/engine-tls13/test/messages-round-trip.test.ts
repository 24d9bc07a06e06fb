// Every struct there and back; and whatever arrives, a struct or a typed error.
import { isDeepStrictEqual } from 'node:util';
import { ApiMisuseError, PeerMisbehavedError } from '@rxtls/core/engine';
import * as fc from 'fast-check';
import t from 'tap';
import { asciiBytes, asciiText } from '../src/presentation/ascii.ts';
import { Reader } from '../src/presentation/reader.ts';
import { Writer } from '../src/presentation/writer.ts';
import { bindersLength, encodePreSharedKeyClient } from '../src/handshake/extensions/offered-psks.ts';
import { isGrease } from '../src/handshake/extensions/grease.ts';
import { encodeFinished } from '../src/handshake/messages/finished.ts';
import { handshakeType, handshakeTypeName } from '../src/handshake/messages/handshake-type.ts';
import { bytes, type Codec, extensions, messages } from './messages-codecs.ts';

const codecs: readonly Codec[] = [...messages, ...extensions];

/** The alert of what `run` throws, 'none' when it throws nothing; anything but a PeerMisbehavedError is thrown on. */
const alertOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    if (!(error instanceof PeerMisbehavedError)) throw error;
    return error.alert ?? 'no alert';
  }
};

t.test('round trip: every struct is what it was', async (t) => {
  for (const { name, values, encode, decode } of codecs) {
    let runs = 0;
    fc.assert(
      fc.property(values, (value) => {
        runs++;
        const encoded = encode(value);
        const decoded = decode(encoded);
        return isDeepStrictEqual(decoded, value) && Buffer.compare(encode(decoded), encoded) === 0;
      }),
      { numRuns: 100, seed: 1 },
    );
    t.equal(runs, 100, name);
  }
});

t.test('round trip: cut anywhere, or with one byte more, it is a decode_error', async (t) => {
  for (const { name, values, encode, decode, mayEndAt } of codecs) {
    let cuts = 0;
    for (const value of fc.sample(values, { numRuns: 12, seed: 2 })) {
      const whole = encode(value);
      const mayEnd = mayEndAt?.(value) ?? [];
      for (let length = 0; length < whole.length; length++) {
        if (mayEnd.includes(length)) continue;
        const alert = alertOf(() => decode(whole.subarray(0, length)));
        if (alert !== 'decode_error') t.fail(`${name} cut at ${length} of ${whole.length}: ${alert}`);
        cuts++;
      }
      t.equal(
        alertOf(() => decode(Uint8Array.of(...whole, 0))),
        'decode_error',
        `${name}: one byte too many`,
      );
    }
    t.ok(cuts > 0 || name === 'an empty one', `${name}: ${cuts} cuts`);
  }
});

t.test('round trip: mutated, it is a struct that stands for its bytes, or a PeerMisbehavedError', async (t) => {
  const alerts = new Set<string>();
  let accepted = 0;
  for (const { name, values, encode, decode, isForeign } of codecs) {
    const mutated = fc
      .tuple(
        values,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.nat()),
        fc.oneof({ weight: 4, arbitrary: bytes(0, 0) }, bytes(1, 3)),
      )
      .map(([value, changes, cut, more]) => {
        const encoded = Uint8Array.from(encode(value));
        for (const [at, byte] of changes) if (encoded.length > 0) encoded[at % encoded.length] = byte;
        return Uint8Array.of(
          ...encoded.subarray(0, cut === undefined ? undefined : cut % (encoded.length + 1)),
          ...more,
        );
      });
    fc.assert(
      fc.property(fc.oneof(mutated, mutated, mutated, bytes(0, 80)), (garbled) => {
        let value: unknown;
        const before = Uint8Array.from(garbled);
        const alert = alertOf(() => {
          value = decode(garbled);
        });
        alerts.add(alert);
        if (Buffer.compare(before, garbled) !== 0) return false;
        if (alert !== 'none' || isForeign?.(value) === true) return true;
        accepted++;
        return isDeepStrictEqual(decode(encode(value)), value);
      }),
      { numRuns: 500, seed: 3 },
    );
    t.pass(name);
  }
  t.same(
    Array.from(alerts).sort(),
    ['decode_error', 'illegal_parameter', 'missing_extension', 'none', 'protocol_version', 'unsupported_extension'],
    'these alerts, and no other',
  );
  t.ok(accepted > 1_000, `${accepted} were something after all`);
});

t.test('round trip: an error says where it is and repeats nothing of the peer', async (t) => {
  for (const { name, values, encode, decode } of codecs) {
    const whole = encode(fc.sample(values, { numRuns: 1, seed: 4 })[0]);
    try {
      decode(Uint8Array.of(...whole, 0));
      t.fail(name);
    } catch (error) {
      t.match((error as Error).message, /^[\w.]+: 1 bytes too many$/, name);
    }
  }
  t.throws(() => new Reader(Uint8Array.of(0, 2), 'A').inside(1, 0, 255, 'b').uint8('c'), {
    message: 'A.b: c is cut short',
  });
});

t.test('binders: what the transcript leaves out ends the hello', async (t) => {
  const psks = messagesOf('pre_shared_key (client)');
  for (const value of fc.sample(psks.values, { numRuns: 50, seed: 5 })) {
    const whole = encodePreSharedKeyClient(value);
    const list = whole.subarray(whole.length - bindersLength(value));
    t.equal((list[0]! << 8) | list[1]!, list.length - 2);
    t.equal(list[2], value.binders[0].length);
  }
});

const messagesOf = (name: string): Codec => codecs.find((each) => each.name === name)!;

t.test('reader: numbers, views and the end', async (t) => {
  const all = Uint8Array.of(0xff, 0xff, 0xfe, 0xff, 0xff, 0xfd, 0xff, 0xff, 0xff, 0xfc, 1, 7);
  const reader = new Reader(all, 'all');
  t.same(
    [reader.uint8('a'), reader.uint16('b'), reader.uint24('c'), reader.uint32('d'), reader.remaining],
    [0xff, 0xfffe, 0xfffffd, 0xfffffffc, 2],
  );
  const view = reader.vector(1, 0, 1, 'e');
  t.equal(view.buffer, all.buffer, 'a view, no copy');
  t.same(view, [7]);
  t.ok(reader.isAtEnd);
  reader.end();
  t.throws(() => reader.uint8('f'), { alert: 'decode_error', message: 'all: f is cut short' });
  t.throws(() => new Reader(Uint8Array.of(0xff, 0xff, 0xff, 0), 'far').vector(3, 0, 0xffffff, 'list'), {
    message: 'far: list is cut short',
  });
  t.throws(() => new Reader(Uint8Array.of(3, 0, 0, 0), 'long').vector(1, 0, 2, 'list'), {
    message: 'long: list is 3 bytes long, 0 to 2 are possible',
  });
});

t.test('writer: grows, nests, and refuses what does not fit', async (t) => {
  const writer = new Writer();
  writer.uint8(1);
  writer.uint16(0x0203);
  writer.uint24(0x040506);
  writer.uint32(0xfffffffe);
  writer.vector(2, () => writer.vector(1, () => writer.bytes(Uint8Array.of(9, 8))));
  t.same(writer.finish(), [1, 2, 3, 4, 5, 6, 0xff, 0xff, 0xff, 0xfe, 0, 3, 2, 9, 8]);
  t.same(writer.finish(), [], 'what was handed over is not handed over again');
  const large = encodeFinished({ verifyData: new Uint8Array(100_000).fill(5) });
  t.equal(large.length, 100_004);
  t.equal(large.buffer.byteLength, 100_004, 'exactly its own bytes');
  for (const run of [
    () => writer.uint8(256),
    () => writer.uint16(-1),
    () => writer.uint24(2 ** 24),
    () => writer.uint32(2 ** 32),
    () => writer.uint8(0.5),
    () => writer.vector(1, () => writer.bytes(new Uint8Array(256))),
    () => asciiBytes('€'),
  ])
    t.throws(run, ApiMisuseError);
});

t.test('ascii: every byte has its letter', async (t) => {
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  t.same(asciiBytes(asciiText(every)), every);
  t.equal(asciiText(Uint8Array.of(0x68, 0x32)), 'h2');
});

t.test('numbers: types of handshake messages, and GREASE', async (t) => {
  for (const [name, number] of Object.entries(handshakeType)) t.equal(handshakeTypeName(number), name);
  t.equal(handshakeTypeName(3), undefined);
  const grease = Array.from({ length: 0x1_0000 }, (_, value) => value).filter(isGrease);
  t.equal(grease.length, 16);
  t.same([grease[0], grease[1], grease[15]], [0x0a0a, 0x1a1a, 0xfafa]);
});
