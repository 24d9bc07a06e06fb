// Memory by counters: what rxtls holds while one side stands still. By heap: npm run soak.
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { defaultLimits, type Ledger, open, secure, type WriteAck } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import t from 'tap';
import { clientEngine, completed, host, mebibyte, only, sleep, versions } from './ends.ts';
import { Meter, metered } from './metered.ts';
import { pour, quietPeer } from './silent-peer.ts';

const total = 100 * mebibyte;
const chunk = Buffer.alloc(65_536, 'x');
/** What TLS adds to 16 KiB, and a record that may go past demand. */
const overhead = 1.02;
const record = 16_384 + 256;

t.test(
  'W1 (node): 100 MiB at a peer that never answers the handshake: what does not fit is refused, visibly',
  async (t) => {
    const server = net.createServer((socket) => socket.on('error', () => undefined));
    server.listen(0, host);
    await once(server, 'listening');
    const acks: WriteAck[] = [];
    let ledger: Ledger | undefined;
    const meter = new Meter();
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        pulled++;
        yield chunk;
      }
    }
    let pulled = 0;
    const subscription = connect({ host, port: (server.address() as AddressInfo).port })
      .pipe(
        metered(meter),
        secure(clientEngine(), {
          writes: endless(),
          observe: {
            acks: { next: (ack) => void acks.push(ack) },
            ledger: {
              next: (now) => {
                ledger = now;
              },
            },
          },
        }),
      )
      .subscribe({ error: () => undefined });
    await sleep(500);
    t.ok(pulled <= 2, `pulled ${pulled} chunks of 64 KiB`);
    t.ok(ledger!.accepted <= defaultLimits.maxQueuedBytesBeforeHandshake);
    t.equal(ledger!.sealed, 0);
    t.ok(meter.given < 2_000, 'a ClientHello, and nothing else');
    subscription.unsubscribe();
    t.equal(ledger!.outstanding, 0);
    t.equal(ledger!.lost, ledger!.accepted);
    t.ok(acks.every(({ type }) => type === 'queued' || type === 'lost'));
    server.close();
  },
);

for (const version of versions) {
  t.test(`W1/W2 (node): ${version}: 100 MiB of writes at a peer that stops reading`, async (t) => {
    const peer = await quietPeer(version);
    t.teardown(peer.stop);
    const meter = new Meter();
    let ledger: Ledger | undefined;
    const connection = await open(
      connect({ host, port: peer.port }).pipe(metered(meter), secure(clientEngine(only(version)))),
    );
    connection.ledger.subscribe((now) => {
      ledger = now;
    });
    const counted = { queued: 0, refused: 0 };
    connection.acks.subscribe((ack) => {
      if (ack.type === 'queued' || ack.type === 'refused') counted[ack.type] += ack.bytes;
    });
    for (let at = 0; at < total; at += chunk.length) {
      connection.write(chunk).subscribe({ error: () => undefined });
      if (at % (4 * mebibyte) === 0) await sleep(1);
    }
    await sleep(300);
    t.equal(counted.queued + counted.refused, total, 'every byte was answered for');
    t.equal(ledger!.refused, counted.refused);
    t.ok(counted.refused > total / 2, `${counted.refused} bytes refused`);
    const waiting = ledger!.accepted - ledger!.sealed;
    t.ok(waiting <= defaultLimits.maxQueuedBytes, `${waiting} bytes in the queue`);
    t.ok(
      meter.mostWaiting <= 262_144 * overhead + 2 * record,
      `${meter.mostWaiting} bytes of ciphertext before the system`,
    );
    (await peer.socket).resume();
    t.equal(await completed(connection.closeWrite()), undefined);
    await sleep(300);
    t.equal(peer.received(), counted.queued, 'what was accepted has arrived');
    t.match(ledger, { outstanding: 0, lost: 0, flushed: counted.queued });
  });

  t.test(
    `W1/W2 (node): ${version}: 100 MiB by writeFrom at a peer that stops reading: no more is pulled`,
    async (t) => {
      const peer = await quietPeer(version);
      t.teardown(peer.stop);
      const meter = new Meter();
      const connection = await open(
        connect({ host, port: peer.port }).pipe(metered(meter), secure(clientEngine(only(version)))),
      );
      let pulled = 0;
      function* source(): Generator<Uint8Array> {
        for (let at = 0; at < total; at += chunk.length) {
          pulled += chunk.length;
          yield chunk;
        }
      }
      const written = completed(connection.writeFrom(source()));
      let before = -1;
      while (pulled !== before) {
        before = pulled;
        await sleep(300);
      }
      t.ok(pulled < total / 4, `pulled ${pulled} bytes`);
      const held = pulled - meter.taken / overhead;
      t.ok(
        held <= defaultLimits.writeHighWater + 262_144 + 2 * chunk.length,
        `${held} bytes between the source and the system`,
      );
      t.ok(
        meter.mostWaiting <= 262_144 * overhead + 2 * record,
        `${meter.mostWaiting} bytes of ciphertext before the system`,
      );
      (await peer.socket).resume();
      t.equal(await written, undefined);
      t.equal(await completed(connection.close()), undefined);
      t.equal(peer.received(), total);
    },
  );

  t.test(`R1 (node): ${version}: 100 MiB sent to a paused reader: no more is taken than the window`, async (t) => {
    const peer = await quietPeer(version, (socket) => pour(socket, 100));
    t.teardown(peer.stop);
    const meter = new Meter();
    const connection = await open(
      connect({ host, port: peer.port }).pipe(metered(meter), secure(clientEngine(only(version)))),
    );
    let received = 0;
    const over = new Promise<unknown>((resolve) => {
      connection.source.bytes.subscribe({
        next: (bytes) => {
          received += bytes.length;
        },
        error: resolve,
        complete: () => resolve('complete'),
      });
    });
    await sleep(500);
    t.equal(received, 0);
    const bound = defaultLimits.readHighWater + 65_536 + 8_192;
    t.ok(meter.received <= bound, `${meter.received} bytes taken`);
    for (let round = 1; round <= 10; round++) {
      connection.source.request(mebibyte);
      await sleep(50);
      t.ok(received <= round * (mebibyte + 65_536), `round ${round}: ${received} bytes read`);
      t.ok(
        meter.received - received <= bound + received * 0.02,
        `round ${round}: ${meter.received - received} bytes held`,
      );
    }
    connection.source.request(Number.POSITIVE_INFINITY);
    t.equal(await over, 'complete');
    t.equal(received, total);
  });
}
