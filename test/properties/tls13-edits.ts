// What a forger makes of one of its handshake messages before it hashes and sends it.
import fc from 'fast-check';
import { type ByteChange, byteChange, changedBytes, joined, part } from './byte-change.ts';

/** `which`: the one of several that is meant, as a part of their number. */
export type Edit =
  /** `fix`: the header says the new length. */
  | { readonly kind: 'bytes'; readonly change: ByteChange; readonly fix: boolean }
  | { readonly kind: 'drop' | 'double' | 'late' }
  | { readonly kind: 'type'; readonly type: number }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'before' | 'after' | 'instead'; readonly message: Uint8Array }
  /** Every length around it is right again. */
  | {
      readonly kind: 'extension';
      readonly what: 'drop' | 'double' | 'first' | 'last' | 'retype' | 'set' | 'add' | 'change';
      readonly which: number;
      readonly type: number;
      readonly data: Uint8Array;
      readonly change: ByteChange;
    }
  | {
      readonly kind: 'chain';
      readonly what: 'drop' | 'double' | 'last' | 'add' | 'change' | 'many' | 'empty';
      readonly which: number;
      readonly data: Uint8Array;
      readonly change: ByteChange;
    };

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

/** Every type that has a name, and some that have none. */
const messageType = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 22, 24, 67, 203, 254, 255);
/** Of every extension that a TLS 1.3 stack may know; GREASE; none. */
const extensionNumber = fc.oneof(
  fc.constantFrom(0, 1, 5, 10, 13, 15, 16, 18, 19, 20, 21, 22, 23, 27, 28, 35, 41, 42, 43, 44, 45, 47, 48, 49, 50, 51),
  fc.constantFrom(0x0a0a, 0xfafa, 0xff01, 13172, 65_535),
  fc.nat(65_535),
);

export const withHeader = (type: number, body: Uint8Array): Uint8Array =>
  joined([Uint8Array.of(type, body.length >> 16, body.length >> 8, body.length), body]);

/** A message from nowhere. */
export const strayMessage: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(messageType, bytes(40)).map(([type, body]) => withHeader(type, body)),
  fc.constantFrom(0, 1, 2, 255).map((asked) => withHeader(24, Uint8Array.of(asked))),
  fc.tuple(fc.constantFrom(4, 13, 24), bytes(4)).map(([type, body]) => withHeader(type, body)),
  // A ticket that is well made: lifetime, age_add, nonce, ticket, extensions.
  fc
    .tuple(fc.nat(0xff), bytes(20))
    .map(([high, ticket]) =>
      withHeader(
        4,
        joined([Uint8Array.of(0, high, 0, 9, 1, 2, 3, 4, 1, 7, 0, ticket.length + 1), ticket, Uint8Array.of(1, 0, 0)]),
      ),
    ),
  // A length that is only claimed.
  fc
    .tuple(messageType, fc.constantFrom(0xff_ffff, 0x01_0001, 0x01_0000, 0xffff, 300, 5))
    .map(([type, length]) => Uint8Array.of(type, length >> 16, length >> 8, length)),
);

export const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('bytes' as const), change: byteChange, fix: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('drop' as const, 'double' as const, 'late' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('type' as const), type: messageType }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('length' as const), length: fc.oneof(fc.nat(300), fc.nat(0xff_ffff)) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('before' as const, 'after' as const, 'instead' as const),
      message: strayMessage,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('extension' as const),
      what: fc.constantFrom('drop', 'double', 'first', 'last', 'retype', 'set', 'add', 'change'),
      which: part(),
      type: extensionNumber,
      data: bytes(24),
      change: byteChange,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('chain' as const),
      what: fc.constantFrom('drop', 'double', 'last', 'add', 'change', 'many', 'empty'),
      which: part(),
      data: bytes(40),
      change: byteChange,
    }),
  },
);

/** What leaves instead of the message. */
export function edited(message: Uint8Array, edit: Edit): readonly Uint8Array[] {
  switch (edit.kind) {
    case 'bytes': {
      const changed = changedBytes(message, edit.change);
      return [edit.fix ? withHeader(changed[0] ?? 0, changed.subarray(4)) : changed];
    }
    case 'drop':
      return [];
    case 'double':
      return [message, message.slice()];
    case 'type':
      return [joined([Uint8Array.of(edit.type), message.subarray(1)])];
    case 'length': {
      const { length } = edit;
      return [joined([Uint8Array.of(message[0] ?? 0, length >> 16, length >> 8, length), message.subarray(4)])];
    }
    case 'before':
      return [edit.message, message];
    case 'after':
      return [message, edit.message];
    case 'instead':
      return [edit.message];
    case 'extension':
      return [withExtensions(message, edit)];
    case 'chain':
      return [withChain(message, edit)];
    default:
      return [message]; // it comes late
  }
}

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Where the length of a message's extensions stands. */
function extensionsAt(message: Uint8Array): number | undefined {
  const after8 = (at: number): number => at + 1 + (message[at] ?? 0);
  const after16 = (at: number): number => at + 2 + uint16(message, at);
  switch (message[0]) {
    case 1:
      return after8(after16(after8(38)));
    case 2:
      return after8(38) + 3;
    case 4:
      return after16(after8(12));
    case 8:
      return 4;
    case 13:
      return after8(4);
    default:
      return undefined;
  }
}

function withExtensions(message: Uint8Array, edit: Extract<Edit, { kind: 'extension' }>): Uint8Array {
  const at = extensionsAt(message);
  if (at === undefined) return message;
  const list: { type: number; data: Uint8Array }[] = [];
  for (let from = at + 2; from < message.length; ) {
    const length = uint16(message, from + 2);
    list.push({ type: uint16(message, from), data: message.subarray(from + 4, from + 4 + length) });
    from += 4 + length;
  }
  const { what, which, type, data, change } = edit;
  const index = Math.min(list.length - 1, Math.floor(which * list.length));
  const one = list[index];
  if (what === 'add' || one === undefined) list.splice(index, 0, { type, data });
  else if (what === 'double') list.push(one);
  else if (what === 'retype') one.type = type;
  else if (what === 'set') one.data = data;
  else if (what === 'change') one.data = changedBytes(one.data, change);
  else {
    list.splice(index, 1);
    if (what === 'first') list.unshift(one);
    if (what === 'last') list.push(one);
  }
  const block = joined(
    list.flatMap(({ type, data }) => [Uint8Array.of(type >> 8, type, data.length >> 8, data.length), data]),
  );
  const body = joined([message.subarray(4, at), Uint8Array.of(block.length >> 8, block.length), block]);
  return withHeader(message[0] ?? 0, body);
}

function withChain(message: Uint8Array, edit: Extract<Edit, { kind: 'chain' }>): Uint8Array {
  if (message[0] !== 11) return message;
  const uint24 = (at: number): number => ((message[at] ?? 0) << 16) | uint16(message, at + 1);
  const start = 4 + 1 + (message[4] ?? 0) + 3;
  const list: { certificate: Uint8Array; extensions: Uint8Array }[] = [];
  for (let from = start; from < message.length; ) {
    const end = from + 3 + uint24(from);
    const last = end + 2 + uint16(message, end);
    list.push({ certificate: message.subarray(from + 3, end), extensions: message.subarray(end, last) });
    from = last;
  }
  const { what, which, data, change } = edit;
  const index = Math.min(list.length - 1, Math.floor(which * list.length));
  const one = list[index];
  if (one === undefined || what === 'add') list.push({ certificate: data, extensions: Uint8Array.of(0, 0) });
  else if (what === 'empty') list.length = 0;
  else if (what === 'many') for (let n = 0; n < 12; n++) list.push(one);
  else if (what === 'double') list.splice(index, 0, one);
  else if (what === 'change') one.certificate = changedBytes(one.certificate, change);
  else {
    list.splice(index, 1);
    if (what === 'last') list.push(one);
  }
  const block = joined(
    list.flatMap(({ certificate: { length }, certificate, extensions }) => [
      Uint8Array.of(length >> 16, length >> 8, length),
      certificate,
      extensions,
    ]),
  );
  const { length } = block;
  return withHeader(
    11,
    joined([message.subarray(4, start - 3), Uint8Array.of(length >> 16, length >> 8, length), block]),
  );
}
