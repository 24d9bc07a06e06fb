// Rows K4, D1, D5 and D6 of the checklist over tls13Engine.
import { inspect } from 'node:util';
import { type CryptoProvider, memorySessions, nodeCrypto, tls13EngineOn } from '@rxtls/engine-tls13/node';
import t from 'tap';
import {
  both,
  carry,
  client,
  clientLeaf,
  credentials,
  End,
  hostLeaf,
  joined,
  root,
  server,
} from '../../packages/engine-tls13/test/ends.ts';
import { RawPeer, type } from '../../packages/engine-tls13/test/raw-peer.ts';
import { clientAndPeer, serverAndPeer, type WithPeer } from '../../packages/engine-tls13/test/with-peer.ts';

t.setTimeout(60_000);

const asking = { clientAuth: 'require', clientCa: root.pem } as const;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Everything the key schedule makes, by the array that holds it; and every key that protects records. */
function watched(): {
  readonly crypto: CryptoProvider;
  readonly made: Uint8Array[];
  readonly copies: string[];
  readonly open: Set<object>;
} {
  const made: Uint8Array[] = [];
  const copies: string[] = [];
  const open = new Set<object>();
  const keep = (bytes: Uint8Array): Uint8Array => {
    made.push(bytes);
    copies.push(hex(bytes));
    return bytes;
  };
  const crypto: CryptoProvider = {
    ...nodeCrypto,
    hmac: (...parameters) => keep(nodeCrypto.hmac(...parameters)),
    keyShare: (...parameters) => {
      const share = nodeCrypto.keyShare(...parameters);
      return { ...share, agree: (peer) => keep(share.agree(peer)!) };
    },
    keyAgreement: (...parameters) => {
      const agreement = nodeCrypto.keyAgreement(...parameters)!;
      return { ...agreement, secret: keep(agreement.secret) };
    },
    recordKey: (...parameters) => {
      const key = nodeCrypto.recordKey(...parameters);
      open.add(key);
      return {
        ...key,
        wipe: () => {
          open.delete(key);
          key.wipe();
        },
      };
    },
  };
  return { crypto, made, copies, open };
}

t.test('K4 (tls13) every secret is zeros when a connection is over, however it ends', async (t) => {
  const ends: Record<string, (end: End, peer: RawPeer) => unknown> = {
    destroy: (end) => end.engine.destroy(),
    abort: (end) => end.engine.abort('internal_error'),
    'a bad record': (end) => end.give(Uint8Array.of(23, 3, 3, 0, 20, ...new Uint8Array(20))),
    'an alert': (_, peer) => peer.alert(2, 80),
    'after key updates': (end, peer) => {
      peer.keyUpdate(true).keyUpdate(true);
      carry(end, peer);
      end.engine.updateKeys?.({ requestPeer: true });
      end.send('x');
      carry(end, peer);
      end.engine.destroy();
    },
  };
  const failing = ['ServerHello', 'EncryptedExtensions', 'Certificate', 'CertificateVerify', 'Finished'] as const;
  for (const role of ['client', 'server'] as const) {
    const met = (raw: object, act: (end: End, peer: RawPeer) => unknown, held = false, name = ''): void => {
      const { crypto, made, copies, open } = watched();
      const engine = tls13EngineOn(crypto);
      const more = held ? { verify: () => true } : {};
      const factory =
        role === 'client'
          ? engine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none', ...more })
          : engine.server({ credentials: credentials(hostLeaf), ...asking, ...more, sessions: 'none' });
      const end = new End(factory, { holdTasks: true });
      const peer = new RawPeer(role === 'client' ? 'server' : 'client', {
        issued: role === 'client' ? hostLeaf : clientLeaf,
        ...raw,
      });
      if (role === 'server') peer.start();
      carry(end, peer);
      act(end, peer);
      carry(end, peer);
      // What both sides send or could compute from what is sent is no secret: verify_data.
      const open1 = new Set(
        [...peer.messages, ...peer.transcript].filter(([kind]) => kind === 20).map((m) => hex(m.subarray(4))),
      );
      const left = made.flatMap((bytes, at) =>
        bytes.every((byte) => byte === 0) || open1.has(copies[at]!) ? [] : [`${at}: ${copies[at]}`],
      );
      t.same(left, [], `${role}: ${name}: of ${made.length} secrets`);
      t.equal(open.size, 0, `${role}: ${name}: no record key is left`);
      t.ok(made.length > 0 || name === 'a wrong ServerHello');
    };
    for (const [name, act] of Object.entries(ends)) met({}, act, false, name);
    met({}, (end) => end.engine.destroy(), true, 'destroyed while verify runs');
    met({}, (end) => end.tasks[0]!.resolve(false), true, 'refused by verify');
    for (const step of failing) {
      const wrong = {
        alter: (each: string, m: Uint8Array) =>
          each === step ? [m.slice(0, 3), m.slice(3, 4), new Uint8Array(400)] : m,
      };
      met(wrong, (end) => end.engine.destroy(), false, `a wrong ${step}`);
    }
    met(
      { alter: (each: string) => (each === 'Finished' ? [] : undefined) },
      (end) => end.engine.destroy(),
      false,
      'destroyed before the last Finished',
    );
  }
});

t.test(
  'K4 (tls13) no secret in what errors, factories and engines show; keylog only where it is asked for',
  async (t) => {
    const { crypto, copies } = watched();
    const engine = tls13EngineOn(crypto);
    const { key } = credentials(hostLeaf);
    const lines = String(key)
      .split('\n')
      .filter((line) => line.length > 30 && !line.startsWith('-'));
    const factories = {
      client: engine.client({ serverName: 'host.test', ca: root.pem, sessions: memorySessions() }),
      server: engine.server({ credentials: credentials(hostLeaf) }),
    };
    const shown: string[] = [];
    const show = (what: unknown): void => {
      shown.push(inspect(what, { depth: 12, showHidden: true, maxArrayLength: 1_000, maxStringLength: 100_000 }));
      shown.push(
        JSON.stringify(what, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? '',
      );
      if (what instanceof Error) shown.push(String(what), what.stack ?? '');
    };
    const { client: c, server: s } = both(factories);
    s.send('the plaintext nobody may show');
    carry(c, s);
    c.give(Uint8Array.of(23, 3, 3, 0, 20, ...new Uint8Array(20)));
    carry(c, s);
    for (const end of [c, s]) {
      show(end.engine);
      show(end.negotiated);
      show(end.events);
      show(end.error);
    }
    show(factories);
    for (const wrong of [
      () => server({ credentials: { cert: clientLeaf.der, key } }),
      () => server({ credentials: { cert: hostLeaf.der, key: String(key).slice(0, 90) } }),
      () =>
        client({ externalPsks: { identity: new Uint8Array(0), key: new Uint8Array(32).fill(0xab), hash: 'sha256' } }),
    ])
      try {
        wrong();
        t.fail('that was to be refused');
      } catch (error) {
        show(error);
      }
    const all = shown.join('\n');
    const compact = all.replaceAll(/[^0-9a-f]/g, '');
    t.ok(copies.length > 20);
    t.same(
      copies.filter((secret) => compact.includes(secret)),
      [],
    );
    t.notOk(all.includes('nobody may show'));
    t.same(
      lines.filter((line) => all.includes(line)),
      [],
    );
    t.notOk(
      [c, s].some(({ events }) => events.some((event) => event.type === 'keylog')),
      'no keylog unasked',
    );
    const asked = both({ client: client({ keylog: true }), server: server({ keylog: true }) });
    for (const end of [asked.client, asked.server])
      t.equal(
        end.events.filter((event) => event.type === 'keylog').length,
        5,
        'five lines of NSS key log format where it is on',
      );
    const unseen = both({ client: client({ keylog: true }) }, { client: { observed: false } });
    t.same(unseen.client.events, [], 'and none where nobody listens');
  },
);

t.test(
  'D1 (tls13) destroyed from inside any callback: nothing follows, and every later call does nothing',
  async (t) => {
    const scenarios: Record<string, (end: End, peer: RawPeer, run: () => void) => void> = {
      'a whole connection': (end, peer, run) => {
        if (end.negotiated) end.engine.sendPlaintext(Buffer.from('ours'));
        if (peer.connected) peer.data('theirs').keyUpdate(true).data('more');
        run();
        if (end.ready?.maySend) end.engine.updateKeys?.({ requestPeer: true });
        if (peer.connected && peer.role === 'server') peer.ticket();
        run();
        if (end.ready?.maySend) end.engine.sendCloseNotify();
        if (peer.connected) peer.alert(1, 0);
        run();
      },
      'one that fails': (_, peer, run) => {
        if (peer.connected) peer.data('a').alert(2, 80);
        run();
      },
    };
    for (const role of ['client', 'server'] as const)
      for (const [name, play] of Object.entries(scenarios)) {
        let callbacks = 1;
        for (let at = 1; at <= callbacks; at++) {
          let seen = 0;
          let destroyed = 0;
          let inside: End | undefined;
          const early: (() => void)[] = [];
          const callback = (_: string, end: End): void => {
            inside = end;
            if (++seen !== at) return;
            // In the constructor the engine is not there yet: as in core, which then destroys it at once.
            if ((end as Partial<End>).engine === undefined) early.push(() => end.engine.destroy());
            else end.engine.destroy();
            destroyed = end.log.length;
          };
          let made: WithPeer | undefined;
          try {
            made = role === 'client' ? clientAndPeer({}, {}, { callback }) : serverAndPeer({}, asking, { callback });
            for (const act of early) act();
            const length = made.end.log.length;
            const { end, peer, run } = made;
            play(end, peer, run);
            if (early.length > 0) t.ok(end.log.length >= length);
            else if (destroyed > 0)
              t.equal(
                end.log.length,
                destroyed,
                `${role}, ${name}: nothing after callback ${at}: ${end.log.slice(destroyed - 1).join()}`,
              );
            else callbacks = seen;
            if (destroyed === 0) break;
            end.engine.receiveCiphertext(new Uint8Array(100));
            end.engine.receiveEnd();
            end.engine.sendPlaintext(new Uint8Array(10));
            end.engine.sendCloseNotify();
            end.engine.updateKeys?.({ requestPeer: true });
            end.engine.pause();
            end.engine.resume();
            end.engine.abort('internal_error');
            end.engine.destroy();
            if (early.length === 0) t.equal(end.log.length, destroyed, `${role}, ${name}: later calls do nothing`);
            callbacks = Math.max(callbacks, at + 1);
          } catch (error) {
            t.fail(`${role}, ${name}: callback ${at} (${inside?.log.at(-1)}): ${(error as Error).stack}`);
            callbacks = Math.max(callbacks, at + 1);
          }
        }
        t.ok(callbacks > 20, `${role}, ${name}: ${callbacks} callbacks, each once`);
      }
  },
);

t.test('D5 (tls13) whatever it is that does not open, the answer is the same', async (t) => {
  for (const role of ['client', 'server'] as const) {
    const answers = new Map<string, string[]>();
    const wrongs: Record<string, (peer: RawPeer) => Uint8Array> = {
      'an empty record': () => Uint8Array.of(23, 3, 3, 0, 0),
      'less than a tag': () => Uint8Array.of(23, 3, 3, 0, 15, ...new Uint8Array(15)),
      'a tag alone': () => Uint8Array.of(23, 3, 3, 0, 16, ...new Uint8Array(16)),
      'a record number too high': (peer) => {
        peer.seal(type.applicationData, new Uint8Array(10));
        return peer.seal(type.applicationData, new Uint8Array(10));
      },
      'an unknown type inside a wrong one': (peer) => flipped(peer.seal(99, new Uint8Array(10)), -1),
      'padding alone': (peer) => flipped(peer.seal(0, new Uint8Array(10)), -1),
      'the longest': (peer) => flipped(peer.seal(type.applicationData, new Uint8Array(16_384)), 500),
      'one too long inside': (peer) => flipped(peer.seal(type.applicationData, new Uint8Array(16_400)), 500),
      'another version in the header': (peer) => {
        const record = peer.seal(type.applicationData, new Uint8Array(10));
        record[2] = 1;
        return record;
      },
    };
    for (let at = 5; at < 5 + 11 + 16; at++)
      wrongs[`byte ${at}`] = (peer) => flipped(peer.seal(type.applicationData, new Uint8Array(10)), at);
    for (const [name, make] of Object.entries(wrongs)) {
      const { end, peer, run } = role === 'client' ? clientAndPeer() : serverAndPeer();
      const from = end.log.length;
      const sent = peer.records.length;
      peer.out.push(make(peer));
      run();
      const { error } = end;
      const answer = JSON.stringify([
        error?.name,
        error?.message,
        error?.alert,
        error?.phase,
        end.log.slice(from),
        peer.records.slice(sent),
      ]);
      answers.set(answer, [...(answers.get(answer) ?? []), name]);
    }
    t.equal(answers.size, 1, `${role}: ${[...answers.keys()].join(' | ')}`);
    t.match([...answers.keys()][0], /bad_record_mac/);
  }
});

const flipped = (record: Uint8Array, at: number): Uint8Array => {
  const index = at < 0 ? record.length + at : at;
  record[index]! ^= 0x40;
  return record;
};

t.test('D6 (tls13) padding hides lengths, and an ack depends on nothing but the length', async (t) => {
  const padding = (_: string, length: number): number => 255 - (length % 256);
  for (const role of ['client', 'server'] as const) {
    const made =
      role === 'client' ? clientAndPeer({ requestCertificate: true }, { padding }) : serverAndPeer({}, { padding });
    const { end, peer, run } = made;
    for (const length of [1, 2, 100, 255, 256, 1_000]) end.engine.sendPlaintext(new Uint8Array(length).fill(1));
    end.engine.updateKeys?.({ requestPeer: false });
    end.engine.sendCloseNotify();
    run();
    const wire = peer.records.filter(({ outer }) => outer === 23).map(({ wire: bytes }) => bytes - 5 - 16 - 1);
    t.ok(wire.length > 8);
    t.same(
      wire.filter((bytes) => bytes % 256 !== 255),
      [],
      'handshake, data, key update and alert alike',
    );
    t.equal(joined(peer.plaintext).length, 1 + 2 + 100 + 255 + 256 + 1_000);
  }
  // Within the call, after its ciphertext, whatever is written: there is no moment at which content could show.
  const steps = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const { end } = clientAndPeer();
    const from = end.log.length;
    end.engine.sendPlaintext(new Uint8Array(500).fill(seed));
    steps.add(end.log.slice(from).join());
    t.equal(end.sealed, 500);
  }
  t.same([...steps], ['ciphertext,event,sealed']);
});
