// What `npm run soak` does with ten thousand connections, by the same code with a few: it is the soak that proves it.
import t from 'tap';
import { type RotationPlan, rotation } from '../soak/rotation.ts';
import { type RotationKit, rotationKits } from '../soak/rotation-kits.ts';

t.setTimeout(120_000);

const plans: Readonly<Record<RotationKit['name'], RotationPlan>> = {
  node: { short: 200, long: 50, every: 20 },
  tls13: { short: 100, long: 25, every: 20 },
  // A handshake of node-forge takes fifty milliseconds, and a key of RSA longer.
  forge: { short: 10, long: 4, every: 50, pool: 4 },
};

for (const kit of rotationKits) {
  const plan = plans[kit.name];
  t.test(
    `soak (${kit.name}): certificates that rotate every ${plan.every} ms fail no handshake and lose no byte; nothing is left in the end`,
    async (t) => {
      const { faults, before, idle, after, drained, engines, connections, tally, rotations, fromFiles } =
        await rotation(kit, plan);
      t.same(faults, []);
      t.equal(tally.short, plan.short);
      t.ok(tally.long > plan.long, 'the long ones, and those that the server brought to their end');
      t.ok(tally.laps >= 2, 'each of the long ones was heard again and again');
      t.ok(rotations > 10 && fromFiles > 0, `${rotations} certificates, ${fromFiles} of them from files`);
      t.ok(tally.generations.size > 5, `${tally.generations.size} of them served`);
      t.ok(tally.straddled > 0, `${tally.straddled} were replaced within a handshake`);
      t.ok(after.descriptors <= idle.descriptors, 'no descriptor more than before the connections');
      t.ok(after.resources <= idle.resources, 'nor a timer or socket');
      t.ok(drained.descriptors <= before.descriptors, 'and the server’s own are gone');
      t.ok(drained.resources <= before.resources);
      t.same([engines, connections], [0, 0], 'no engine and no connection is held by anything');
    },
  );
}
