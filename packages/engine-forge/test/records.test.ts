// What stands in front of node-forge: sizes, floods, order, renegotiation, the end. Rows of the checklist by their ids.
import { LimitExceededError, NotTlsError, PeerMisbehavedError, TlsError } from '@rxtls/core/engine';
import t from 'tap';
import { both, carry, client, End, joined, message, record, records, server, toText, withOffender } from './harness.ts';

const roles = ['client', 'server'] as const;
const [clientFactory, serverFactory] = [client(), server()];
const factory = { client: () => clientFactory, server: () => serverFactory };

t.test('R4 (forge) a first byte that starts no record is NotTlsError with at most 32 bytes, none echoed', async (t) => {
  for (const role of roles)
    for (const text of ['GET / HTTP/1.1\r\nHost: secret.example\r\n\r\n', 'SSH-2.0-x', '\x80\x2e\x01\x03\x01']) {
      const end = new End(factory[role]());
      end.take();
      end.give(Buffer.from(text, 'latin1'));
      if (!(end.error instanceof NotTlsError)) return t.fail(String(end.error));
      t.ok(end.error.firstBytes.length <= 64);
      t.notMatch(end.error.message, /secret|GET|SSH/);
      t.notMatch(toText(end.take()), /secret|GET|SSH/);
    }
  return undefined;
});

t.test('R5 (forge) 2^14+2049 bytes of ciphertext and 2^14+1 of plaintext are record_overflow', async (t) => {
  for (const role of roles) {
    const outer = withOffender(role);
    outer.end.give(Uint8Array.of(23, 3, 1, 0x48, 0x01));
    t.match(outer.end.error, { name: 'PeerMisbehavedError', alert: 'record_overflow' }, `${role}: by the header alone`);
    const clear = new End(factory[role]()).give(Uint8Array.of(22, 3, 1, 0x40, 0x01));
    t.match(clear.error, { alert: 'record_overflow' });
    const inner = withOffender(role);
    inner.end.give(inner.offender.seal(23, 'x'.repeat(16_385)));
    t.match(inner.end.error, { name: 'PeerMisbehavedError', alert: 'record_overflow' }, `${role}: by what is inside`);
    t.equal(inner.end.plaintext.length, 0);
    const most = withOffender(role);
    most.end.give(most.offender.seal(23, 'x'.repeat(16_384)));
    t.equal(most.end.text.length, 16_384, 'one byte less is data');
  }
});

t.test('R6 (forge) handshake fragments of one byte work, in the clear and protected', async (t) => {
  const ends = { client: new End(client(), { seed: 1 }), server: new End(server(), { seed: 2 }) };
  const split = (flight: Uint8Array): Uint8Array =>
    joined(
      records(flight).flatMap((each) =>
        each[0] === 22 && each[5]! < 21 && each.length !== 53
          ? [...each.subarray(5)].map((byte) => record(22, Uint8Array.of(byte), each[2]))
          : [each],
      ),
    );
  for (let turn = 0; turn < 4; turn++) {
    const [up, down] = [split(ends.client.take()), split(ends.server.take())];
    if (up.length > 0) ends.server.give(up);
    if (down.length > 0) ends.client.give(down);
  }
  t.ok(ends.client.negotiated && ends.server.negotiated, String(ends.client.error ?? ends.server.error));
  const { end, offender } = withOffender('client');
  for (const byte of message(0)) end.give(offender.seal(22, Uint8Array.of(byte)));
  t.ok(
    end.events.some(({ type }) => type === 'renegotiation'),
    'a HelloRequest in four records',
  );
});

t.test('R6 (forge) any other record between fragments, and an empty one, is fatal', async (t) => {
  for (const role of roles) {
    const whole = recorded().flights[role === 'client' ? 'server' : 'client'][0]![0]!.subarray(5);
    const others = [
      record(21, '\x01\x5a'),
      record(20, '\x01'),
      record(23, 'x'.repeat(32)),
      record(24, '\x01'),
      record(22, ''),
    ];
    for (const other of others)
      for (let at = 1; at < whole.length; at++) {
        const end = new End(factory[role](), { observed: false });
        end.give(record(22, whole.subarray(0, at))).give(other);
        if (!(end.error instanceof PeerMisbehavedError) || end.error.alert !== 'unexpected_message')
          t.fail(`${role}, ${at} bytes and then ${other[0]}: ${end.error}`);
      }
    for (const type of [21, 23]) {
      const { end, offender } = withOffender(role);
      end.give(offender.seal(22, '\x00'));
      end.give(offender.seal(type, '\x01\x5a'));
      t.match(end.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' }, `${role}, protected`);
      t.equal(end.plaintext.length, 0);
    }
  }
});

t.test('R8 (forge) the 33rd empty record in a row is fatal, and data in between begins the count anew', async (t) => {
  for (const role of roles) {
    const { end, offender } = withOffender(role);
    for (let n = 0; n < 32; n++) end.give(offender.seal(23, ''));
    end.give(offender.seal(23, 'x'));
    for (let n = 0; n < 32; n++) end.give(offender.seal(23, ''));
    t.equal(end.error, undefined);
    end.give(offender.seal(23, ''));
    t.ok(end.error instanceof LimitExceededError && end.error.limit === 'maxEmptyRecords');
    t.ok(
      end.events.some((event) => event.type === 'limit' && event.limit === 'maxEmptyRecords'),
      'seen coming',
    );
  }
});

t.test(
  'R9 (forge) the 5th warning alert is fatal, in the clear and protected; a malformed alert at once',
  async (t) => {
    for (const role of roles) {
      const clear = new End(factory[role]());
      const { end, offender } = withOffender(role);
      for (let n = 0; n < 4; n++) {
        clear.give(record(21, '\x01\x70'));
        end.give(offender.seal(21, '\x01\x64'));
      }
      t.equal(clear.error ?? end.error, undefined);
      clear.give(record(21, '\x01\x70'));
      end.give(offender.seal(21, '\x01\x64'));
      for (const each of [clear, end]) t.match(each.error, { name: 'LimitExceededError', limit: 'maxWarningAlerts' });
      for (const body of ['', '\x01', '\x01\x5a\x01', '\x03\x5a', '\x00\x00']) {
        const broken = withOffender(role);
        broken.end.give(broken.offender.seal(21, body));
        t.ok(broken.end.error instanceof PeerMisbehavedError, JSON.stringify(body));
      }
    }
  },
);

t.test('R14 (forge) a renegotiation is answered with one no_renegotiation, then fatal; identities stay', async (t) => {
  for (const role of roles) {
    const { end, offender } = withOffender(role);
    end.take();
    const before = end.negotiated;
    const again = message(role === 'client' ? 0 : 1, role === 'client' ? '' : 'x'.repeat(60));
    end.give(offender.seal(22, again));
    t.equal(end.error, undefined);
    t.equal(records(end.take()).length, 1, 'one record, an alert');
    t.match(
      end.events.filter(({ type }) => type === 'alert' || type === 'renegotiation'),
      [
        { type: 'renegotiation', outcome: 'refused' },
        { type: 'alert', direction: 'sent', level: 'warning', description: 'no_renegotiation' },
      ],
    );
    end.give(offender.seal(23, 'still here'));
    t.equal(end.text, 'still here');
    end.give(offender.seal(22, again));
    t.match(end.error, { name: 'LimitExceededError', limit: 'renegotiation' });
    t.equal(end.negotiated, before);
    const flood = withOffender(role);
    flood.end.take();
    flood.end.give(flood.offender.seal(22, joined([again, again, again, again])));
    t.match(flood.end.error, { limit: 'renegotiation' }, 'several in one record');
    t.ok(flood.end.take().length < 100);
  }
});

t.test(
  'R16 (forge) no handshake message can be left out, doubled or brought forward; nor ChangeCipherSpec',
  async (t) => {
    const { flights } = recorded();
    for (const role of roles) {
      const units = flights[role === 'client' ? 'server' : 'client'];
      const run = (order: readonly Uint8Array[][]): End => {
        const end = new End(factory[role](), { seed: role === 'client' ? 1 : 2 });
        for (const flight of order) for (const unit of flight) if (end.error === undefined) end.give(unit);
        return end;
      };
      t.ok(run(units).negotiated, `${role}: the recorded flights are a handshake`);
      for (const [at, flight] of units.entries())
        for (const [index, unit] of flight.entries()) {
          const others = (changed: Uint8Array[]): Uint8Array[][] => units.map((each, n) => (n === at ? changed : each));
          const without = run(others(flight.filter((_, n) => n !== index)));
          t.notOk(without.negotiated, `${role}: without ${unit[0]}/${unit[5]}`);
          const twice = run(others(flight.flatMap((each, n) => (n === index ? [each, each] : [each]))));
          // What is doubled behind the last message comes when the handshake is over.
          if (at < units.length - 1 || index < flight.length - 1)
            t.notOk(twice.negotiated, `${role}: twice ${unit[0]}/${unit[5]}`);
          t.ok(twice.error instanceof TlsError);
          for (let to = 0; to < flight.length; to++) {
            if (to === index) continue;
            const moved = flight.filter((_, n) => n !== index);
            moved.splice(to, 0, unit);
            t.notOk(run(others(moved)).negotiated, `${role}: ${unit[0]}/${unit[5]} at ${to}`);
          }
        }
      for (const body of ['', '\x02', '\x01\x01']) {
        const end = new End(factory[role]());
        t.ok(end.give(record(20, body)).error instanceof PeerMisbehavedError);
      }
      const late = withOffender(role);
      t.ok(late.end.give(late.offender.seal(20, '\x01')).error instanceof PeerMisbehavedError, 'in an open connection');
      const heartbeat = withOffender(role);
      heartbeat.end.take();
      t.ok(heartbeat.end.give(heartbeat.offender.seal(24, '\x01\x00\x02hi')).error instanceof PeerMisbehavedError);
    }
  },
);

/** A seeded handshake, cut into handshake messages and other records, by who sent them. */
function recorded(): { flights: Record<'client' | 'server', Uint8Array[][]> } {
  const ends = { client: new End(client(), { seed: 1 }), server: new End(server(), { seed: 2 }) };
  const flights: Record<'client' | 'server', Uint8Array[][]> = { client: [], server: [] };
  for (let moved = true; moved; ) {
    const [up, down] = [ends.client.take(), ends.server.take()];
    if (up.length > 0) flights.client.push(records(up));
    if (down.length > 0) flights.server.push(records(down));
    if (up.length > 0) ends.server.give(up);
    if (down.length > 0) ends.client.give(down);
    moved = up.length + down.length > 0;
  }
  return { flights };
}

t.test('R18 (forge) handshake messages and the handshake as a whole are bounded', async (t) => {
  const big = new End(client());
  big.give(record(22, '\x02\x01\x00\x01'));
  t.match(big.error, { name: 'LimitExceededError', limit: 'maxHandshakeMessageBytes' }, 'refused by what it claims');
  const many = new End(client(), { limits: { maxHandshakeBytes: 1_000 } });
  many.give(record(22, joined([message(2, 'x'.repeat(3)).subarray(0, 3)])));
  many.give(record(22, 'x'.repeat(1_200)));
  t.match(many.error, { name: 'LimitExceededError', limit: 'maxHandshakeBytes' });
  const hello = new End(server(), { limits: { maxClientHelloBytes: 40 } });
  hello.give(new End(client()).take());
  t.match(hello.error, { name: 'LimitExceededError', limit: 'maxClientHelloBytes' });
});

t.test('C1, C2 (forge) a cut never looks like a close, and what follows a close_notify is not consumed', async (t) => {
  for (const role of roles) {
    const { client, server } = both();
    const [end, other] = role === 'client' ? [client, server] : [server, client];
    other.send('whole');
    other.engine?.sendCloseNotify();
    const wire = other.take();
    const cut = { ...both() };
    const cutEnd = role === 'client' ? cut.client : cut.server;
    cutEnd.give(wire.subarray(0, wire.length - 1));
    cutEnd.engine?.receiveEnd();
    t.equal(cutEnd.closed, false, 'one byte short of close_notify');
    t.equal(cutEnd.consumed, cutEnd.given, 'the rest is consumed after the end');
    const before = end.given;
    end.give(joined([wire, new Uint8Array(30).fill(1)]));
    t.equal(end.text, 'whole');
    t.equal(end.closed, true);
    t.equal(end.consumed, before + wire.length, 'exactly to the end of close_notify');
    end.engine?.receiveCiphertext(Uint8Array.of(1, 2, 3));
    t.equal(end.consumed, before + wire.length);
    end.engine?.sendCloseNotify();
    t.equal(end.log.at(-2), 'sealed');
    carry(client, server);
    t.equal(other.closed, true, 'and the answer arrives');
  }
});

t.test('C3 (forge) close_notify and fatal alerts in the handshake end it with AlertReceivedError', async (t) => {
  for (const role of roles)
    for (const [body, alert] of [
      ['\x01\x00', 'close_notify'],
      ['\x02\x00', 'close_notify'],
      ['\x02\x28', 'handshake_failure'],
      ['\x02\xfe', undefined],
    ] as const) {
      const end = new End(factory[role]());
      end.take();
      end.give(record(21, body));
      t.match(end.error, { name: 'AlertReceivedError', phase: 'handshake' });
      t.equal(end.error?.alert, alert);
      t.equal(end.take().length, 0, 'an alert is not answered with an alert');
      t.equal(end.closed, false);
    }
});

t.test('P6 (forge) nothing fed before the handshake is over becomes plaintext', async (t) => {
  const { flights } = recorded();
  for (const role of roles) {
    const units = flights[role === 'client' ? 'server' : 'client'].flat();
    for (let at = 0; at <= units.length - 1; at++) {
      const end = new End(factory[role](), { seed: role === 'client' ? 1 : 2 });
      for (const unit of units.slice(0, at)) end.give(unit);
      if (end.negotiated) continue;
      end.give(record(23, 'injected in clear text, 48 bytes of it, as blocks.'.slice(0, 48)));
      t.ok(end.error instanceof TlsError, `${role} before unit ${at}`);
      t.equal(end.plaintext.length, 0);
    }
  }
});

t.test('abort sends that alert, whatever it is; a pause holds records of data and handles the rest', async (t) => {
  for (const alert of ['access_denied', 'inappropriate_fallback', 'no_application_protocol'] as const) {
    const { client, server } = both();
    client.engine?.abort(alert);
    server.give(client.take());
    t.match(server.error, { name: 'AlertReceivedError', alert });
  }
  const { end, offender } = withOffender('client');
  end.engine?.pause();
  end.take();
  const hello = offender.seal(22, message(0));
  const data = offender.seal(23, 'held');
  const before = end.consumed;
  end.give(joined([hello, data]));
  t.equal(end.consumed - before, hello.length, 'the HelloRequest in front of the data is handled');
  t.ok(end.take().length > 0);
  end.engine?.receiveEnd();
  t.equal(end.plaintext.length, 0);
  end.engine?.resume();
  t.equal(end.text, 'held');
  t.equal(end.consumed, end.given);
});
