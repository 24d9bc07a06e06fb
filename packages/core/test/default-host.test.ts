// What a connection's host gives where none is injected.
import { resolveLimits } from '@rxtls/core/engine';
import { asyncScheduler } from 'rxjs';
import t from 'tap';
import { defaultHost } from '../src/default-host.ts';

t.test('entropy: no bytes are given twice, small draws and large ones, from one host and from two', async (t) => {
  const hosts = [1, 2].map(() => defaultHost(asyncScheduler, resolveLimits(undefined)));
  const seen = new Set<string>();
  const draws: Uint8Array[] = [];
  for (const host of hosts)
    for (let draw = 0; draw < 500; draw++) {
      const length = [16, 32, 64, 65, 48, 1_000][draw % 6]!;
      const bytes = host.random(length, 'test');
      t.equal(bytes.length, length);
      draws.push(bytes);
    }
  for (const bytes of draws)
    for (let at = 0; at + 16 <= bytes.length; at += 16)
      seen.add(Buffer.from(bytes.subarray(at, at + 16)).toString('hex'));
  t.equal(
    seen.size,
    draws.reduce((sum, { length }) => sum + (length >> 4), 0),
  );
});

t.test('entropy: what is given is nobody else’s, and any length is given', async (t) => {
  const host = defaultHost(asyncScheduler, resolveLimits(undefined));
  const [first, second] = [host.random(32, 'a'), host.random(32, 'b')];
  t.equal(first.buffer.byteLength, 32, 'not a view of more');
  const before = Uint8Array.from(second);
  first.fill(0);
  t.same(second, before);
  t.equal(host.random(0, 'none').length, 0);
  for (const none of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => host.random(none, 'none'), { name: 'ApiMisuseError' });
  t.ok(host.random(32, 'after').some((byte) => byte !== 0));
  const large = host.random(200_000, 'large');
  for (let at = 0; at < large.length; at += 20_000) t.ok(large.subarray(at, at + 20_000).some((byte) => byte !== 0));
});
