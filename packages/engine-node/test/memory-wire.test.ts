// The duplex under OpenSSL: when it says that what is fed goes in at once.
import t from 'tap';
import { MemoryWire } from '../src/memory-wire.ts';
import { turn } from './harness.ts';

t.test(
  'reading is told when Node begins, and again only when something has waited; what is fed goes in inside the call',
  async (t) => {
    let told = 0;
    const seen: number[] = [];
    const wire = new MemoryWire({ written: () => undefined, reading: () => told++ });
    t.notOk(wire.isReading);
    wire.on('data', (bytes: Buffer) => seen.push(bytes.length));
    await turn();
    t.ok(wire.isReading);
    t.equal(told, 1);
    for (const length of [1, 100, 16_406, 20_000]) {
      t.ok(wire.feed(new Uint8Array(length)));
      t.equal(seen.at(-1), length);
      await turn();
    }
    t.equal(told, 1);
    wire.pause();
    t.notOk(wire.feed(new Uint8Array(7)), 'it waits');
    t.equal(seen.length, 4);
    await turn();
    t.equal(told, 1);
    wire.resume();
    await turn();
    t.equal(seen.at(-1), 7);
    t.equal(told, 2);
    t.ok(wire.feed(new Uint8Array(8)));
    t.equal(seen.at(-1), 8);
  },
);
