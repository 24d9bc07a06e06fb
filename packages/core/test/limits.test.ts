import { ApiMisuseError, defaultLimits, resolveLimits } from '@rxtls/core/engine';
import t from 'tap';

t.test('limits: own values go over the defaults', async (t) => {
  t.equal(resolveLimits(undefined), defaultLimits);
  t.same(resolveLimits({ taskTimeout: 7 }), { ...defaultLimits, taskTimeout: 7 });
  t.same(resolveLimits({ renegotiation: { max: 2 } }).renegotiation, { max: 2 });
});

t.test('limits: a value that would switch a limit off is refused', async (t) => {
  const names = Object.keys(defaultLimits) as (keyof typeof defaultLimits)[];
  for (const name of names)
    for (const value of [null, '', '5', -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, {}])
      t.throws(() => resolveLimits({ [name]: value } as never), ApiMisuseError, `${name}: ${String(value)}`);
  t.throws(() => resolveLimits({ handshakeTimeout: 0 }), /handshakeTimeout/);
  t.throws(() => resolveLimits({ readLowWater: 262_144 }), /readLowWater/);
  t.throws(() => resolveLimits({ maxAesGcmRecords: 2 ** 25 }), /RFC 8446/);
  t.throws(() => resolveLimits({ nothing: 1 } as never), /limits.nothing/);
});
