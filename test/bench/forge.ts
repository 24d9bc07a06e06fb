// What the engine costs beside node-forge driven by hand, on the same work in the same process, and what binary strings cost.
// node --conditions=rxtls:source --import @oxc-node/core/register test/bench/forge.ts [rounds]
import { both, Offender } from '../../packages/engine-forge/test/harness.ts';
import { fromBinaryString, toBinaryString } from '../../packages/engine-forge/src/binary-string.ts';

const rounds = Number(process.argv[2] ?? 9);
const slices = 128;
const plaintext = new Uint8Array(65_536).map((_, at) => (at * 7) & 0xff);

const cpuOf = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};

/** Two bare connections, joined by Buffers as one does it in Node. */
function byHand(): () => void {
  const [client, server] = [new Offender('client'), new Offender('server')];
  for (let moved = true; moved; ) {
    const [up, down] = [client.take(), server.take()];
    if (up.length > 0) server.give(up);
    if (down.length > 0) client.give(down);
    moved = up.length + down.length > 0;
  }
  let received = 0;
  const [from, to] = [client.forge, server.forge];
  Object.assign(from, {
    tlsDataReady: () => {
      const wire = Buffer.from(from.tlsData.getBytes(), 'latin1');
      to.process(wire.toString('latin1'));
    },
  });
  Object.assign(to, { dataReady: () => (received += Buffer.from(to.data.getBytes(), 'latin1').length) });
  return () => {
    received = 0;
    for (let n = 0; n < slices; n++) from.prepare(Buffer.from(plaintext).toString('latin1'));
    if (received !== slices * plaintext.length) throw new Error(`by hand: ${received} bytes arrived`);
  };
}

function byEngine(): () => void {
  let received = 0;
  const { client, server } = both(
    {},
    {
      client: { observed: false },
      server: {
        observed: false,
        callback: (name, end) => {
          if (name === 'plaintext') received += end.plaintext.pop()?.length ?? 0;
        },
      },
    },
  );
  return () => {
    received = 0;
    for (let n = 0; n < slices; n++) {
      client.engine?.sendPlaintext(plaintext);
      for (const bytes of client.out.splice(0))
        for (let at = 0; at < bytes.length; at += 65_536)
          server.engine?.receiveCiphertext(bytes.slice(at, at + 65_536));
    }
    if (received !== slices * plaintext.length) throw new Error(`by engine: ${received} bytes arrived`);
    client.log.length = 0;
    server.log.length = 0;
    client.randoms.length = 0;
    server.randoms.length = 0;
  };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
const [hand, engine] = [byHand(), byEngine()];
for (const warm of [hand, engine]) warm();
const times: { hand: number[]; engine: number[] } = { hand: [], engine: [] };
for (let round = 0; round < rounds; round++) {
  // One after the other, and the other way round the next time: what the machine does meanwhile hits both.
  const pair = round % 2 === 0 ? (['hand', 'engine'] as const) : (['engine', 'hand'] as const);
  for (const name of pair) times[name].push(cpuOf(name === 'hand' ? hand : engine));
}
const mebibytes = (slices * plaintext.length) / 1_048_576;
const [ofHand, ofEngine] = [median(times.hand), median(times.engine)];
const strings = median(
  Array.from({ length: rounds }, () =>
    cpuOf(() => {
      for (let n = 0; n < slices * 4; n++) fromBinaryString(toBinaryString(plaintext.subarray(0, 16_384)));
    }),
  ),
);
const line = (name: string, cpu: number): string =>
  `${name.padEnd(24)} ${cpu.toFixed(0).padStart(6)} ms CPU for ${mebibytes} MiB  ${(mebibytes / (cpu / 1_000)).toFixed(1).padStart(6)} MiB/s`;
process.stdout.write(`${line('node-forge by hand', ofHand)}\n${line('forgeEngine', ofEngine)}\n`);
process.stdout.write(`${line('to strings and back', strings)}\nratio ${(ofEngine / ofHand).toFixed(3)}\n`);
