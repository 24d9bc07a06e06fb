// What a peer can make us do for little: work that grows faster than its bytes.
import { resolveLimits } from '@rxtls/core/engine';
import { LimitWatch } from '@rxtls/core/engine-parts';
import t from 'tap';
import { HandshakeDeframer } from '../src/record/handshake-deframer.ts';
import { attribute, cnName, issue, judge, seq, tlv, verdict } from './certificate-pki.ts';

/** While `part` runs, each call of a method of a prototype is shown to `seen` first. */
function watching(
  prototype: object,
  name: string,
  seen: (self: unknown, first: unknown) => void,
  part: () => void,
): void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)!;
  const method = original.value as (...given: readonly unknown[]) => unknown;
  const value = function (this: unknown, ...given: readonly unknown[]): unknown {
    seen(this, given[0]);
    return Reflect.apply(method, this, given);
  };
  Object.defineProperty(prototype, name, { ...original, value });
  try {
    part();
  } finally {
    Object.defineProperty(prototype, name, original);
  }
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

t.test('a long message in fragments of one byte is copied a few times, not once for each of them', (t) => {
  const message = Uint8Array.from({ length: 40_004 }, (_, at) => at % 251);
  message.set([11, 0, 156, 64]);
  const deframer = new HandshakeDeframer(
    resolveLimits({}),
    new LimitWatch({ observed: false, event: () => undefined }),
  );
  let got: Uint8Array | undefined;
  let work = 0;
  const count = (_self: unknown, from: unknown): void => void (work += (from as Uint8Array).length);
  watching(typedArray, 'set', count, () => {
    for (const byte of message) {
      deframer.push(Uint8Array.of(byte));
      got = deframer.next()?.bytes;
    }
  });
  t.same(got, message);
  t.ok(work < 4 * message.length, `${work} bytes`);
  t.end();
});

t.test('a message that was handed out is not written to by what comes after it', (t) => {
  const deframer = new HandshakeDeframer(
    resolveLimits({}),
    new LimitWatch({ observed: false, event: () => undefined }),
  );
  const first = [20, 0, 0, 3, 1, 2, 3];
  for (const byte of first) deframer.push(Uint8Array.of(byte));
  deframer.push(Uint8Array.of(24, 0, 0));
  const message = deframer.next();
  t.same([...message!.bytes], first);
  t.equal(deframer.next(), undefined);
  t.equal(deframer.pending, 3);
  deframer.push(Uint8Array.of(1, 7, 20));
  t.same([...deframer.next()!.bytes], [24, 0, 0, 1, 7]);
  deframer.push(Uint8Array.of(0, 0, 0));
  t.same([...deframer.next()!.bytes], [20, 0, 0, 0]);
  t.equal(deframer.pending, 0);
  t.same([...message!.bytes], first);
  t.end();
});

t.test('a long name is made comparable once, and not once for each of a thousand constraints', (t) => {
  const base = (name: number): Buffer => seq(tlv(0xa4, seq(attribute('2.5.4.3', `x${name}`))));
  const constraints = seq(tlv(0xa1, ...Array.from({ length: 1_000 }, (_, name) => base(name))));
  const root = issue({ ca: true });
  const authority = issue({ ca: true, issuer: root, constraints });
  const leaf = issue({ issuer: authority, dns: ['a.test'], subject: cnName('y'.repeat(20_000)) });
  let characters = 0;
  let result: ReturnType<typeof judge> = [];
  const count = (text: unknown): void => void (characters += String(text).length);
  watching(String.prototype, 'normalize', count, () => {
    result = judge([leaf, authority], [root], { name: 'a.test' });
  });
  t.equal(verdict(result), 'ok');
  t.ok(characters > 20_000 && characters < 60_000, `${characters} characters`);
  t.end();
});
