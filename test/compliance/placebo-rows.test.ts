// The rows of the checklist that the compliance suite shows, over the placebo engine, under the titles of the checklist.
// D5 does not apply: without cryptography nothing fails to decrypt. A4, A5, A7: it has no certificates. S1 to S3: it resumes nothing.
import { type PeerIdentity, secure, type SecureOptions } from '@rxtls/core';
import { engineCompliance, placeboEngine, placeboRecords } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { concat, NEVER, of } from 'rxjs';
import t from 'tap';

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  const suite = engineCompliance({
    client: placeboEngine.client({ version, serverName: 'a.example' }),
    server: placeboEngine.server({ version }),
    integrity: false,
  });
  const rows = suite.flatMap(({ name, run }) => {
    const [, row, promise] = /^([A-Z]\d+) (.*)$/.exec(name) ?? [];
    return row === undefined ? [] : [{ row, title: `${row} (placebo): ${version}: ${promise}`, run }];
  });
  t.ok(
    ['R3', 'R4', 'R5', 'D1'].every((row) => rows.some((each) => each.row === row)),
    'the suite has these rows',
  );
  for (const { title, run } of rows) t.test(title, () => run());
}

t.test(
  'rule 14 (placebo): null, 0 and the empty string switch nothing off, neither as an option nor as a verdict',
  async (t) => {
    for (const nothing of [null, 0, '', false] as never[]) {
      for (const options of [
        { truncation: nothing },
        { halfOpen: nothing === false ? 0 : nothing },
        { limits: nothing },
        { limits: { closeTimeout: nothing } },
      ])
        t.throws(
          () => secure(placeboEngine.client(), options as SecureOptions),
          { name: 'ApiMisuseError' },
          JSON.stringify(options),
        );
      t.throws(() => secure(nothing), { name: 'ApiMisuseError' });

      const [a, b] = memoryPair();
      b.source.request(Number.POSITIVE_INFINITY);
      b.source.bytes.subscribe({ error: () => undefined });
      const engine = placeboEngine.client({ verification: nothing as PeerIdentity['verification'] });
      const seen: unknown[] = [];
      concat(of(a), NEVER)
        .pipe(secure(engine))
        .subscribe({ next: () => seen.push('a connection'), error: (error: Error) => seen.push(error.name) });
      b.sink.write(placeboRecords.serverFlight(1, true));
      t.same(seen, ['CertificateError'], `an engine's verdict ${JSON.stringify(nothing)}`);
    }
  },
);
