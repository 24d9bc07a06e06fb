import { defaultLimits, type TlsEvent, type TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { RecordLimits } from '../src/record-limits.ts';
import { End, type EndOptions, type Pair, pair, turn } from './harness.ts';
import { credentials, host, root } from './pki.ts';

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const serverOf = (version: TlsVersion) =>
  nodeEngine.server({ credentials: credentials(host), minVersion: version, maxVersion: version });
const server = nodeEngine.server({ credentials: credentials(host) });
const client = nodeEngine.client({ serverName: 'host.test', ca: root.pem });
const both = async (version: TlsVersion, options: { client?: EndOptions; server?: EndOptions } = {}): Promise<Pair> => {
  const connection = pair(client, serverOf(version), options);
  await connection.run();
  return connection;
};
const settle = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await turn();
};
const record = (type: number, payload: Uint8Array, length = payload.length): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 255]), payload]);

t.test('R3 (node): every kind of header, at every stage: data, wait or a typed error, never a crash', async (t) => {
  const lengths = [
    0, 1, 2, 3, 4, 5, 16, 17, 19, 255, 256, 1000, 16_383, 16_384, 16_385, 16_640, 16_641, 18_432, 18_433, 65_535,
  ];
  for (let step = 0; step < 65_536; step += 2039) lengths.push(step);
  const stages: (() => Promise<End[]>)[] = [
    async () => [new End(server), new End(client)],
    async () => {
      const { client: c, server: s } = await both('TLSv1.2');
      return [c, s];
    },
    async () => {
      const { client: c, server: s } = await both('TLSv1.3');
      return [c, s];
    },
  ];
  let errors = 0;
  let waiting = 0;
  for (const [index, stage] of stages.entries())
    for (const type of index === 0 ? [0, 19, 20, 21, 22, 23, 24, 25, 128, 255] : [20, 21, 22, 23, 24])
      for (const length of index === 0 ? lengths : lengths.slice(0, 20))
        for (const end of await stage()) {
          const header = Buffer.from([type, 3, 3, length >> 8, length & 255]);
          end.give(header);
          if (length < 70) end.give(Buffer.alloc(length, 0x41));
          await turn();
          if (end.error === undefined) waiting++;
          else {
            errors++;
            if (
              !/^(NotTls|PeerMisbehaved|PeerIncompatible|LimitExceeded|AlertReceived|EngineFailure)Error$/.test(
                end.error.name,
              )
            )
              t.fail(end.error.name);
          }
          if (end.error?.name === 'EngineFailureError') t.fail(`${type}/${length}: ${end.error.message}`);
          if (!end.keptPromises) t.fail('more consumed than given');
          end.engine.destroy();
        }
  t.ok(errors > 100 && waiting > 100, `${errors} errors, ${waiting} waiting`);
});

t.test('R4 (node): what is not TLS is NotTlsError with at most 32 bytes of it in hexadecimal', async (t) => {
  for (const end of [new End(server), new End(client)]) {
    const before = end.out.length;
    end.give(Buffer.from('GET / HTTP/1.1\r\nHost: secret.example\r\nCookie: secret\r\n\r\n'));
    await settle();
    t.match(end.error, {
      name: 'NotTlsError',
      firstBytes: Buffer.from('GET / HTTP/1.1\r\nHost: secret.exam').subarray(0, 32).toString('hex'),
    });
    t.notMatch(end.error?.message, /secret|GET/);
    t.equal(end.out.length, before, 'nothing is echoed');
  }
  const one = new End(server);
  one.give(Buffer.from('G'));
  await settle();
  t.equal(one.error?.name, 'NotTlsError', 'the first byte is enough');
});

t.test('R5 (node): records longer than the RFC allows are record_overflow, by their header alone', async (t) => {
  const overflow = { name: 'PeerMisbehavedError', alert: 'record_overflow' };
  const fresh = new End(server);
  fresh.give(Buffer.from([22, 3, 1, 0x40, 0x01]));
  await settle();
  t.match(fresh.error, overflow, 'in the clear');
  for (const [version, most] of [
    ['TLSv1.2', 18_432],
    ['TLSv1.3', 16_640],
  ] as const) {
    const fits = await both(version);
    fits.server.give(Buffer.from([23, 3, 3, most >> 8, most & 255]));
    t.equal(fits.server.error, undefined);
    fits.destroy();
    const over = await both(version);
    over.server.give(Buffer.from([23, 3, 3, (most + 1) >> 8, (most + 1) & 255]));
    t.match(over.server.error, overflow, version);
  }
});

t.test('R2 (node): a ClientHello that claims 16 MiB is refused with its first bytes', async (t) => {
  const end = new End(server);
  end.give(record(22, Buffer.from([1, 0xff, 0xff, 0xff, 3, 3])));
  await settle();
  t.equal(end.error?.name, 'PeerMisbehavedError');
});

t.test('R8 (node): the 33rd empty record in a row is fatal', async (t) => {
  const end = new End(server);
  for (let i = 0; i < 32; i++) {
    end.give(record(22, Buffer.alloc(0)));
    await turn();
  }
  const early = end.error;
  end.give(record(22, Buffer.alloc(0)));
  await settle();
  t.ok(
    early?.name === 'PeerMisbehavedError' || (end.error?.name === 'LimitExceededError' && early === undefined),
    `${(early ?? end.error)?.message}`,
  );
});

t.test('R9 (node): the 5th warning alert in a handshake is fatal', async (t) => {
  const end = new End(client);
  for (let i = 0; i < 5; i++) {
    t.equal(end.error, undefined);
    end.give(record(21, Buffer.from([1, 90])));
    await settle();
  }
  t.ok(end.error, `${end.error?.name}: ${end.error?.message}`);
});

t.test('R6 (node): handshakes in records of one byte work', async (t) => {
  // The client's whole first flight cut into records of one byte each.
  const c = new End(client);
  const s = new End(serverOf('TLSv1.3'));
  await settle();
  const hello = c.take().subarray(5);
  for (const byte of hello) s.give(record(22, Buffer.from([byte])));
  await settle();
  for (let i = 0; i < 60; i++) await turn();
  c.give(s.take());
  await settle();
  s.give(c.take());
  await settle();
  t.equal(s.error, undefined);
  t.equal(s.negotiated?.version, 'TLSv1.3');
  c.engine.destroy();
  s.engine.destroy();
});

for (const version of versions) {
  t.test(
    `R18 (node): ${version}: a handshake longer than maxHandshakeBytes is fatal, and its approach is told`,
    async (t) => {
      const connection = await both(version, { client: { limits: { maxHandshakeBytes: 500 } } });
      t.match(connection.client.error, { name: 'LimitExceededError', limit: 'maxHandshakeBytes' });
      t.equal(connection.client.negotiated, undefined);
      connection.destroy();
    },
  );

  t.test(`R15 (node): ${version}: close_notify right after the ClientHello ends it`, async (t) => {
    const c = new End(client);
    const s = new End(serverOf(version));
    await settle();
    s.give(Buffer.concat([c.take(), record(21, Buffer.from([1, 0])), Buffer.from('more')]));
    await settle();
    t.ok(s.closed || s.error, `${s.log.at(-1)}`);
    t.equal(s.negotiated, undefined);
    c.engine.destroy();
    s.engine.destroy();
  });

  t.test(`C3 (node): ${version}: a close_notify instead of the server's answer`, async (t) => {
    const c = new End(client);
    await settle();
    c.give(record(21, Buffer.from([1, 0])));
    await settle();
    t.ok(c.closed);
    t.equal(c.negotiated, undefined);
    t.equal(c.consumed, 7);
    c.engine.destroy();
  });

  t.test(`${version}: AES-GCM is stopped before the limit, in both directions`, async (t) => {
    const limits = { maxAesGcmRecords: 12 };
    const sending = await both(version, { client: { limits } });
    let sent = 0;
    for (; sent < 40 && sending.client.error === undefined; sent++) {
      sending.client.send('x');
      await sending.run();
    }
    t.match(sending.client.error, { name: 'LimitExceededError', limit: 'maxAesGcmRecords' });
    t.ok(sent <= 12);
    t.ok(sending.client.events.some((event) => event.type === 'limit' && event.limit === 'maxAesGcmRecords'));
    sending.destroy();
    const receiving = await both(version, { server: { limits } });
    for (let i = 0; i < 40 && receiving.server.error === undefined; i++) {
      receiving.client.send('x');
      await receiving.run();
    }
    t.match(receiving.server.error, { name: 'LimitExceededError', limit: 'maxAesGcmRecords' });
    t.ok(receiving.server.text.length < 12);
    receiving.destroy();
  });

  t.test(
    `D5 (node): ${version}: a flipped bit anywhere in a record is one error, and nothing of it comes out`,
    async (t) => {
      for (const at of [5, 6, 12, 20, -1]) {
        const connection = await both(version);
        connection.client.send('a message of some length');
        await settle();
        const wire = connection.client.take();
        const index = at < 0 ? wire.length + at : at;
        wire[index] = (wire[index] ?? 0) ^ 1;
        connection.server.give(wire);
        await settle();
        t.match(connection.server.error, { name: 'PeerMisbehavedError', alert: 'bad_record_mac' });
        t.equal(connection.server.text, '');
        await connection.run();
        t.match(connection.client.error, { name: 'AlertReceivedError', alert: 'bad_record_mac' });
        connection.destroy();
      }
    },
  );

  t.test(`${version}: record events tell both directions, only to observers`, async (t) => {
    const connection = await both(version, { server: { observed: false } });
    t.ok(
      connection.client.events.some(
        (event) => event.type === 'record' && event.direction === 'sent' && event.contentType === 'handshake',
      ),
    );
    t.ok(connection.client.events.some((event) => event.type === 'record' && event.direction === 'received'));
    t.equal(connection.server.events.length, 0);
    connection.destroy();
  });

  t.test(`P6 (node): ${version}: bytes before the handshake's end never come out as plaintext`, async (t) => {
    const end = new End(serverOf(version));
    end.give(record(23, Buffer.from('not encrypted at all')));
    await settle();
    t.equal(end.plaintext.length, 0);
    t.ok(end.error);
  });
}

t.test(
  'A3 (node): flipped, cut, doubled and dropped pieces of handshakes end in typed errors or in silence, never in a crash',
  async (t) => {
    let state = 20_261_122;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const names = new Map<string, number>();
    for (let round = 0; round < 150; round++) {
      const connection = pair(client, serverOf(versions[round % 2] ?? 'TLSv1.3'), {
        chunking: (bytes) => {
          if (bytes.length === 0 || random(3) > 0) return [Buffer.from(bytes)];
          const at = random(bytes.length);
          const kind = random(4);
          if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
          if (kind === 1) return [Buffer.from(bytes.subarray(0, at))];
          if (kind === 2) return [Buffer.from(bytes), Buffer.from(bytes.subarray(at))];
          if (kind === 3) return [Buffer.from(bytes.subarray(at))];
          return [Buffer.from(bytes)];
        },
      });
      await connection.run();
      for (const end of [connection.client, connection.server]) {
        if (end.ready?.maySend === true) end.send('some data');
        const name = end.error?.name ?? 'silence';
        names.set(name, (names.get(name) ?? 0) + 1);
        if (end.error?.name === 'EngineFailureError') t.fail(end.error.message);
        if (end.plaintext.length > 0 && end.negotiated === undefined) t.fail('plaintext before negotiated');
        if (!end.keptPromises) t.fail('more consumed than given');
        if ((end.error?.message.length ?? 0) > 200) t.fail('a message over 200 characters');
      }
      await connection.run();
      connection.destroy();
    }
    t.ok(names.size > 2, JSON.stringify([...names]));
  },
);

t.test('R10 (node): TLS 1.3 records without plaintext have a rate, which data in between does not reset', async (t) => {
  // OpenSSL through Node hides which of them are KeyUpdates, and Node can send none: the counter is tested alone.
  let now = 0;
  const events: TlsEvent[] = [];
  const limits = new RecordLimits({ ...defaultLimits, postHandshakeMessages: { burst: 4, perSecond: 2 } }, () => now, {
    observed: true,
    event: (event) => events.push(event),
  });
  for (let i = 0; i < 4; i++) {
    limits.postHandshakeRecord();
    limits.recordWithPlaintext();
  }
  t.throws(() => limits.postHandshakeRecord(), { name: 'LimitExceededError', limit: 'postHandshakeMessages' });
  t.match(events, [{ type: 'limit', limit: 'postHandshakeMessages', used: 3, max: 4 }]);
  now += 10_000;
  for (let i = 0; i < 4; i++) limits.postHandshakeRecord();
  now += 500;
  limits.postHandshakeRecord();
});

t.test(
  'A3 (node): of a hundred handshakes at once, each failure reaches its own engine, and the others go on',
  async (t) => {
    const factory = serverOf('TLSv1.3');
    const ends = Array.from({ length: 100 }, () => [new End(client), new End(factory)] as const);
    await settle();
    for (const [index, [c, s]] of ends.entries()) {
      const hello = c.take();
      if (index % 4 === 1) s.give(record(23, Buffer.from('x')));
      else if (index % 4 === 2) s.give(record(22, Buffer.from([4, 0, 0, 0])));
      else if (index % 4 === 3) s.give(record(22, Buffer.from([1, 0, 0, 0])));
      else s.give(hello);
    }
    for (let i = 0; i < 8; i++) {
      for (const [c, s] of ends) {
        c.give(s.take());
        s.give(c.take());
      }
      await turn();
    }
    for (const [index, [c, s]] of ends.entries()) {
      if (index % 4 === 0) t.equal(s.negotiated?.serverName, 'host.test');
      else {
        const expected = index % 4 === 3 ? /length too short/ : /unexpected message/;
        t.equal(s.error?.name, 'PeerMisbehavedError');
        t.match(s.error?.message, expected);
        t.equal(c.error?.name, 'AlertReceivedError');
      }
      c.engine.destroy();
      s.engine.destroy();
    }
  },
);
