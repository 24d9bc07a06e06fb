// What a server's answers tell about what its key made of a ciphertext: nothing. Time is another matter; the README says so.
import forge from 'node-forge';
import { constants, publicEncrypt } from 'node:crypto';
import t from 'tap';
import { library } from '../src/forge-library.ts';
import {
  End,
  joined,
  message,
  Offender,
  record,
  records,
  seededBytes,
  server,
  toText,
  withOffender,
} from './harness.ts';
import { host } from './rsa-pki.ts';

const keyBytes = 256;
const premaster = (length = 48, minor = 2): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at === 0 ? 3 : at === 1 ? minor : 7));
/** RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1), and then as the test wants it. */
const block = (payload: Uint8Array, changed: Readonly<Record<number, number>> = {}): Uint8Array => {
  const padding = new Uint8Array(keyBytes - 3 - payload.length).fill(0x5a);
  return Object.assign(joined([Uint8Array.of(0, 2), padding, Uint8Array.of(0), payload]), changed);
};
const encrypted = (bytes: Uint8Array): Uint8Array =>
  publicEncrypt({ key: host.publicKey, padding: constants.RSA_NO_PADDING }, bytes);
const keyExchange = (ciphertext: Uint8Array): Uint8Array =>
  record(22, message(16, joined([Uint8Array.of(ciphertext.length >> 8, ciphertext.length & 255), ciphertext])));

t.test('D5 (forge) a premaster secret that cannot be is answered like one that is not known', async (t) => {
  const good = encrypted(block(premaster()));
  const ciphertexts: Record<string, Uint8Array> = {
    good,
    'another version': encrypted(block(premaster(48, 1))),
    '47 bytes': encrypted(block(premaster(47))),
    '49 bytes': encrypted(block(premaster(49))),
    '2 bytes': encrypted(block(premaster(2))),
    'no bytes': encrypted(block(premaster(0))),
    'block type 1': encrypted(block(premaster(), { 1: 1 })),
    'no zero in front': encrypted(block(premaster(), { 0: 1 })),
    'a zero in the padding': encrypted(block(premaster(), { 5: 0 })),
    'no zero behind the padding': encrypted(block(new Uint8Array(0), { 255: 9 })),
    'one byte less': good.subarray(1),
    'one byte more': joined([Uint8Array.of(0), good]),
    'over the modulus': new Uint8Array(keyBytes).fill(255),
    nothing: new Uint8Array(keyBytes),
  };
  const answers = Object.entries(ciphertexts).map(([name, ciphertext]) => {
    const [offender, end] = [new Offender('client'), new End(server())];
    end.give(offender.take()).take();
    end.log.length = 0;
    end.give(keyExchange(ciphertext));
    t.equal(end.error, undefined, `${name}: nothing is said yet`);
    end.give(record(20, '\x01')).give(record(22, seededBytes(4)(64)));
    return { alert: toText(end.take()), log: end.log, error: end.error?.message, events: end.events.length };
  });
  t.equal(answers[0]?.alert, '\x15\x03\x01\x00\x02\x02\x14');
  for (const [at, name] of Object.keys(ciphertexts).entries()) t.same(answers[at], answers[0], name);
});

t.test(
  'D5 (forge) whoever sends a premaster secret of another length does not know the one that is used',
  async (t) => {
    for (const length of [2, 47, 48, 49]) {
      const [offender, end] = [new Offender('client'), new End(server())];
      // node-forge makes its premaster secret of the client's version and 46 bytes of its generator's.
      const { random } = library;
      const { getBytes } = random;
      const minor = 2;
      end.give(offender.take());
      random.getBytes = (count) => (count === 46 ? toText(premaster(length, minor).subarray(2)) : getBytes(count));
      try {
        offender.give(end.take());
      } finally {
        random.getBytes = getBytes;
      }
      end.give(offender.take());
      if (length === 48) t.ok(end.negotiated, String(end.error));
      else t.match(end.error, { alert: 'bad_record_mac' }, `${length} bytes`);
    }
  },
);

t.test('D5 (forge) padding, MAC and lengths that are wrong have one alert and one text', async (t) => {
  const answer = (damage: (sealed: Uint8Array) => Uint8Array): string => {
    const { end, offender } = withOffender('server');
    end.take();
    end.give(damage(offender.seal(23, 'x'.repeat(60))));
    t.equal(end.plaintext.length, 0);
    return `${end.error?.name} ${end.error?.alert} ${end.error?.message} ${records(end.take()).map(({ length }) => length)}`;
  };
  const flipped = (fromEnd: number) => (sealed: Uint8Array) =>
    sealed.map((byte, at) => (at === sealed.length - fromEnd ? byte ^ 1 : byte));
  const answers = [
    flipped(1),
    flipped(17),
    flipped(32),
    flipped(60),
    (sealed: Uint8Array) => record(23, sealed.subarray(5, sealed.length - 16)),
    (sealed: Uint8Array) => record(23, sealed.subarray(5, sealed.length - 1)),
    (sealed: Uint8Array) => record(23, sealed.subarray(5, 5 + 16)),
    () => record(23, ''),
    () => record(23, forge.util.fillString('\0', 320)),
  ].map(answer);
  t.match(answers[0], /^PeerMisbehavedError bad_record_mac a record does not authenticate/);
  for (const each of answers) t.equal(each, answers[0]);
});
