import { engineCompliance, placeboEngine } from '@rxtls/testing';
import t from 'tap';

const defer = (run: () => void) => void setImmediate(run);
const verify = async () => true;
const common = { integrity: false } as const;
const suites = [
  ...(['TLSv1.3', 'TLSv1.2'] as const).flatMap((version) => {
    const offer = { version, alpnProtocols: ['a', 'b'] };
    const expect = { version, alpnProtocol: 'b', serverName: 'a.example' };
    return [
      engineCompliance({
        title: `placebo, ${version}`,
        client: placeboEngine.client({ ...offer, serverName: 'a.example' }),
        server: placeboEngine.server({ version, alpnProtocols: ['b'], tickets: 2 }),
        expect,
        ...common,
      }),
      engineCompliance({
        title: `asynchronous placebo with tasks, ${version}`,
        client: placeboEngine.client({ ...offer, serverName: 'a.example', asynchronous: true, defer, verify }),
        server: placeboEngine.server({
          version,
          alpnProtocols: ['b'],
          roundTrips: 2,
          asynchronous: true,
          defer,
          verify,
        }),
        expect,
        ...common,
      }),
    ];
  }),
  engineCompliance({
    title: 'placebo, mixed',
    client: placeboEngine.client({ maxRecordBytes: 100, keyUpdateResponse: 'with-next-write' }),
    server: placeboEngine.server({ asynchronous: true, defer: (run) => queueMicrotask(run) }),
    ...common,
  }),
];

for (const suite of suites)
  for (const { name, run } of suite) {
    t.test(name, async () => {
      await run();
    });
  }
