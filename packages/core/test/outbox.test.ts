// The arrays of a connection that are emptied and filled again and again.
import t from 'tap';
import { FlushMarks } from '../src/flush-marks.ts';
import { Outbox, type OutboxReader } from '../src/outbox.ts';

t.test('outbox: answers come in order, once, however many wait and whenever they are read', async (t) => {
  const outbox = new Outbox();
  const got: number[] = [];
  const unused = (): void => void t.fail('not said');
  const reader: OutboxReader = {
    ciphertext: (bytes) => got.push(bytes[0]!),
    sealed: (bytes, records) => got.push(bytes, Number(records!.first)),
    plaintext: (bytes) => got.push(bytes[0]!),
    closeNotify: () => got.push(-1),
    task: unused,
    negotiated: unused,
    event: unused,
    failed: unused,
  };
  const expected: number[] = [];
  let said = 0;
  const say = (): void => {
    said = (said + 1) % 251;
    if (said % 4 === 0) outbox.sealed(said, { epoch: 0, first: BigInt(said), last: BigInt(said) });
    else if (said % 7 === 0) outbox.closeNotify();
    else if (said % 2 === 0) outbox.plaintext(Uint8Array.of(said));
    else outbox.ciphertext(Uint8Array.of(said));
    expected.push(...(said % 4 === 0 ? [said, said] : [said % 7 === 0 ? -1 : said]));
  };
  for (const many of [1, 2, 3, 70, 1, 500, 5, 1]) {
    for (let n = 0; n < many; n++) say();
    for (let n = 0; n < many >> 1; n++) outbox.deliver(reader);
    say();
    while (outbox.deliver(reader) >= 0);
    t.ok(outbox.isEmpty);
    t.same(got, expected);
  }
  say();
  outbox.event({ type: 'ignored', bytes: 3 });
  t.same(outbox.drain({ ciphertext: () => undefined }), [{ type: 'ignored', bytes: 3 }]);
  t.ok(outbox.isEmpty);
  t.equal(outbox.deliver(reader), -1);
});

t.test(
  'outbox: short ciphertexts that follow one another are one write, up to a record, and nothing between is passed',
  async (t) => {
    const outbox = new Outbox();
    const got: string[] = [];
    const reader = {
      ciphertext: (bytes: Uint8Array) => got.push([...new Set(bytes)].join(' ') + ` (${bytes.length})`),
      sealed: (bytes: number) => got.push(`sealed ${bytes}`),
      plaintext: (bytes: Uint8Array) => got.push(`plaintext ${bytes.length}`),
    } as unknown as OutboxReader;
    const ciphertext = (length: number, value: number): void => outbox.ciphertext(new Uint8Array(length).fill(value));
    for (const value of [1, 2, 3]) ciphertext(100, value);
    outbox.sealed(5, undefined);
    ciphertext(7, 4);
    outbox.plaintext(new Uint8Array(9));
    for (const [at, length] of [16_000, 384, 1, 16_406, 16_406, 2].entries()) ciphertext(length, 5 + at);
    const sizes: number[] = [];
    for (let size = outbox.deliver(reader); size >= 0; size = outbox.deliver(reader)) sizes.push(size);
    t.same(got, [
      '1 2 3 (300)',
      'sealed 5',
      '4 (7)',
      'plaintext 9',
      '5 6 (16384)',
      '7 (1)',
      '8 (16406)',
      '9 (16406)',
      '10 (2)',
    ]);
    t.same(sizes, [300, 0, 7, 9, 16_384, 1, 16_406, 16_406, 2]);
    t.ok(outbox.isEmpty);
    ciphertext(3, 1);
    t.equal(outbox.deliver(reader), 3, 'what is left in the slots behind it is not taken for more');
    t.equal(got.at(-1), '1 (3)');
  },
);

t.test('flush-marks: every byte is reported once, with thousands of marks under way', async (t) => {
  const marks = new FlushMarks();
  let [end, given, reported] = [0, 0, 0];
  for (let round = 0; round < 5_000; round++) {
    end += round % 3; // some share an end
    given += 10;
    marks.push(end, 10);
    if (round % 2 === 0 && round > 2_500) reported += marks.take(end - 1_500);
    if (round % 1_000 === 0) reported += marks.take(end);
    if (reported > given) t.fail('more than was given');
  }
  t.equal(reported + marks.take(end), given);
  t.equal(marks.take(end), 0);
});
