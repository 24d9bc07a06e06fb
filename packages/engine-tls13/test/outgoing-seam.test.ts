// The seam through which traces are replayed is out of reach of who has only what the entries export.
import { defaultLimits } from '@rxtls/core/engine';
import t from 'tap';
import * as nobleEntry from '../src/noble.ts';
import * as nodeEntry from '../src/node.ts';
import { clientFactory } from '../src/client-factory.ts';
import { certificates, recorded, recordedSigner } from './rfc8448-replay.ts';
import { ReplayEnd } from './replay-end.ts';

const key = recorded('simple', 'server');
const options = { serverName: 'server', ca: certificates.get('server-certificate') };
const seam = {
  outgoing: (): Uint8Array => {
    throw new Error('the seam was used');
  },
};
const host = { random: (length: number) => new Uint8Array(length).fill(7), now: 0, limits: defaultLimits };

for (const [name, entry] of Object.entries({ node: nodeEntry, noble: nobleEntry }))
  t.test(`${name} neither exports nor takes the seam`, async (t) => {
    t.same(
      Object.keys(entry).filter((each) => /seam|factory/i.test(each)),
      [],
    );
    // As JavaScript would call them.
    const { client, server } = entry.tls13Engine as unknown as {
      readonly client: (...args: readonly unknown[]) => ReturnType<typeof clientFactory>;
      readonly server: (...args: readonly unknown[]) => unknown;
    };
    const end = new ReplayEnd(client(options, seam), host);
    t.equal(end.error, undefined);
    t.ok(end.take().length > 0, 'a second argument is nothing');
    const credentials = { cert: key.certificate, key: recordedSigner(key) };
    t.doesNotThrow(() => server({ credentials }, seam));
    for (const option of ['seam', 'outgoing']) {
      t.throws(() => client({ ...options, [option]: seam }), { name: 'ApiMisuseError' });
      t.throws(() => server({ credentials, [option]: seam }), { name: 'ApiMisuseError' });
    }
  });

t.test('and this seam does throw where it is taken', async (t) => {
  const end = new ReplayEnd(clientFactory(nodeEntry.nodeCrypto, options, seam), host);
  t.match(end.error, { name: 'EngineFailureError' });
});
