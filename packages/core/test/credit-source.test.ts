// An end that mostly nobody hears of.
import { CreditSource } from '@rxtls/core';
import t from 'tap';

t.test(
  'credit-source: an error made when it is told is not made before, comes in its place, and only then',
  async (t) => {
    let made = 0;
    const make = (): Error => new Error(`made ${++made}`);
    const unheard = new CreditSource();
    unheard.push(Uint8Array.of(1));
    unheard.failWith(make, true);
    t.equal(unheard.held, 0);
    t.ok(unheard.finished);
    t.equal(made, 0);
    const seen: string[] = [];
    const observer = {
      next: (bytes: Uint8Array) => seen.push(bytes.toString()),
      error: (error: unknown) => seen.push(String(error)),
    };
    unheard.bytes.subscribe(observer);
    t.same(seen, ['Error: made 1']);

    const heard = new CreditSource();
    seen.length = 0;
    heard.push(Uint8Array.of(1));
    heard.push(Uint8Array.of(2));
    heard.bytes.subscribe(observer);
    heard.failWith(make, false);
    heard.fail(new Error('too late'), false);
    heard.request(1);
    t.same([seen, made], [['1'], 1]);
    heard.request(1);
    t.same(seen, ['1', '2', 'Error: made 2']);
  },
);
