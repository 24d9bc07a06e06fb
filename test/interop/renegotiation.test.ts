// KeyUpdate and renegotiation begun by either side, in the middle of traffic.
import type { TlsConnection, TlsEvent } from '@rxtls/core';
import t, { type Test } from 'tap';
import {
  clientEngine,
  completed,
  credentials,
  dial,
  hexLines,
  only,
  pki,
  Reading,
  serve,
  serverEngine,
  sleep,
} from './ends.ts';
import { gnutlsCli, gnutlsCliMissing, gnutlsServ, gnutlsServMissing } from './gnutls.ts';
import { opensslMissing, sClient, sServer } from './openssl.ts';
import type { Program } from './program.ts';

t.setTimeout(120_000);
const skipUnless = (missing: string | undefined): { skip?: string } => (missing === undefined ? {} : { skip: missing });
const line = (n: number): string => `line ${String(n).padStart(6, '0')} of what has to stay in order\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => line(from + index)).join('');
/** What a peer's program received, without its own messages. */
const received = (program: Program): string =>
  (program.text.match(/line \d{6} of what has to stay in order\n/g) ?? []).join('');
const renegotiations = (events: readonly TlsEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'renegotiation' ? [`${event.direction} ${event.outcome}`] : []));

const obeyed = (program: Program): number =>
  program.text.match(/SSL_do_handshake|KEYUPDATE|RENEGOTIATING/g)?.length ?? 0;

/** A command goes alone: openssl reads a chunk, looks at its first letter and drops the rest, and says so when it has. */
async function command(program: Program, letter: string): Promise<void> {
  const before = obeyed(program);
  program.type(`${letter}\n`);
  if (letter.startsWith('^')) return sleep(150);
  const late = AbortSignal.timeout(10_000);
  while (obeyed(program) === before && !late.aborted) await sleep(5);
}

/** 200 lines at a pace that leaves something under way for 100 ms. */
async function* paced(from: number): AsyncGenerator<Uint8Array> {
  for (let n = from; n < from + 200; n += 4) {
    yield Buffer.from(lines(n, n + 4));
    await sleep(2);
  }
}

/** Lines of ours all the while, in their midst a command to the peer's program, after it a line of its own. */
async function talk(
  t: Test,
  connection: TlsConnection,
  reading: Reading,
  program: Program,
  round: number,
  letter?: string,
): Promise<void> {
  const from = round * 200;
  const before = reading.length;
  const written = completed(connection.writeFrom(paced(from)));
  if (letter !== undefined) {
    await sleep(30);
    await command(program, letter);
  }
  const word = `peer ${round}\n`;
  program.type(word);
  await reading.until(() => reading.text.slice(before).includes(word));
  t.ok(reading.text.slice(before).includes(word), `round ${round}: the peer's words`);
  t.equal(await written, undefined, `round ${round}: written`);
  await program.says(new RegExp(line(from + 199).trimEnd()));
}

/**
 * A client's own renegotiation, up to its ClientHello at our server: from here on writes are held. Before it nothing of ours
 * may be under way, since s_client (it drives the handshake from SSL_write) and gnutls-cli end at data that crosses their hello.
 */
async function begins(program: Program, letter: string, events: readonly TlsEvent[]): Promise<void> {
  const before = renegotiations(events).length;
  const late = AbortSignal.timeout(15_000);
  program.type(`${letter}\n`);
  while (renegotiations(events).length === before && !late.aborted) await sleep(0);
}

const commands = { k: 'KeyUpdate', K: 'KeyUpdate that asks for ours' } as const;

for (const [letter, what] of Object.entries(commands)) {
  t.test(`s_server, TLSv1.3: ${what} during traffic`, skipUnless(opensslMissing), async (t) => {
    const { program, port } = await sServer(t, { version: 'TLSv1.3', leaf: 'ecdsa', talks: true });
    const { connection, reading, ended } = await dial(t, port, clientEngine(only('TLSv1.3')));
    for (let round = 0; round < 4; round++) {
      await talk(t, connection, reading, program, round, letter);
    }
    t.equal(received(program), lines(0, 800));
    t.equal(await completed(connection.close()), undefined);
    t.equal(await ended, undefined);
  });

  t.test(`s_client, TLSv1.3: ${what} during traffic`, skipUnless(opensslMissing), async (t) => {
    const server = await serve(t, await serverEngine('ecdsa'));
    const program = await sClient(t, server.port, { version: 'TLSv1.3' });
    const connection = await server.next();
    const reading = new Reading(connection);
    await program.says(/Verify return code/);
    for (let round = 0; round < 4; round++) {
      await talk(t, connection, reading, program, round, letter);
      await program.says(/KEYUPDATE/);
    }
    t.equal(received(program), lines(0, 800));
    program.endInput();
    t.equal(await reading.over, 'complete');
    t.same(server.failures, []);
  });
}

t.test(
  'gnutls-cli, TLSv1.3: rekeying of one side and of both, during traffic',
  skipUnless(gnutlsCliMissing),
  async (t) => {
    const server = await serve(t, await serverEngine('ecdsa'));
    const { program } = await gnutlsCli(t, server.port, { version: 'TLSv1.3' }, ['--inline-commands']);
    const connection = await server.next();
    const reading = new Reading(connection);
    for (let round = 0; round < 4; round++) {
      await talk(t, connection, reading, program, round, round % 2 === 0 ? '^rekey1^' : '^rekey^');
    }
    t.equal(received(program), lines(0, 800));
    program.endInput();
    t.equal(await reading.over, 'complete');
  },
);

t.test(
  'R14 (node): s_client renegotiates where it may not: one no_renegotiation, at which it gives up',
  skipUnless(opensslMissing),
  async (t) => {
    const events: TlsEvent[] = [];
    const server = await serve(t, await serverEngine('ecdsa'), {
      observe: { events: { next: (event) => void events.push(event) } },
    });
    const program = await sClient(t, server.port, { version: 'TLSv1.2' });
    const connection = await server.next();
    const reading = new Reading(connection);
    await program.says(/Verify return code/);
    await talk(t, connection, reading, program, 0);
    await command(program, 'R');
    await program.says(/RENEGOTIATING/);
    // s_client takes no_renegotiation for the end of the connection.
    const outcome = await reading.over;
    t.same(renegotiations(events), ['received refused']);
    t.match(program.text, /no renegotiation/);
    t.not(outcome, undefined);
    t.equal(received(program), lines(0, 200));
  },
);

t.test(
  'R14 (node): s_client may renegotiate as often as it was told, and once more ends the connection',
  skipUnless(opensslMissing),
  async (t) => {
    const events: TlsEvent[] = [];
    const engine = await serverEngine('ecdsa', { clientAuth: 'require', clientCa: pki.authorityPem });
    const server = await serve(t, engine, {
      limits: { renegotiation: { max: 3 } },
      observe: { events: { next: (event) => void events.push(event) } },
    });
    const program = await sClient(t, server.port, { version: 'TLSv1.2', leaf: 'client' });
    const connection = await server.next();
    const reading = new Reading(connection);
    await program.says(/Verify return code/);
    for (let round = 0; round < 3; round++) {
      await begins(program, 'R', events);
      await talk(t, connection, reading, program, round);
    }
    t.equal(received(program), lines(0, 600));
    t.same(renegotiations(events), Array(3).fill('received allowed'));
    t.same(connection.negotiated.peer.chain[0], (await pki.leaf('client')).leafDer);
    await command(program, 'R');
    t.match(await reading.over, { name: 'LimitExceededError', limit: 'renegotiation' });
    t.match((await server.failure()).error, { limit: 'renegotiation' });
  },
);

t.test(
  'R14 (node): s_server asks for renegotiation where our client may not: one no_renegotiation, at which it gives up',
  skipUnless(opensslMissing),
  async (t) => {
    for (const letter of ['r', 'R']) {
      const { program, port } = await sServer(t, { version: 'TLSv1.2', leaf: 'ecdsa', talks: true });
      const { connection, reading, events } = await dial(t, port, clientEngine(only('TLSv1.2')));
      await talk(t, connection, reading, program, 0);
      await command(program, letter);
      await reading.until(() => renegotiations(events).length > 0 || reading.outcome !== undefined);
      await sleep(200);
      t.same(renegotiations(events), ['received refused']);
      t.match(program.text, /no renegotiation/);
      t.match(await reading.over, { name: 'AlertReceivedError' });
      t.equal(received(program), lines(0, 200));
    }
  },
);

t.test(
  's_server renegotiates with our client where it may: order, certificate and limit hold',
  skipUnless(opensslMissing),
  async (t) => {
    const { program, port } = await sServer(t, { version: 'TLSv1.2', leaf: 'ecdsa', talks: true });
    const engine = clientEngine({ ...only('TLSv1.2'), credentials: credentials(await pki.leaf('client')) });
    const { connection, reading, events } = await dial(t, port, engine, { limits: { renegotiation: { max: 3 } } });
    for (const [round, letter] of ['r', 'R', 'r'].entries()) {
      await talk(t, connection, reading, program, round, letter);
    }
    t.equal(received(program), lines(0, 600));
    t.same(renegotiations(events), Array(3).fill('received allowed'));
    t.same(connection.negotiated.peer.chain[0], (await pki.leaf('ecdsa')).leafDer);
  },
);

t.test(
  'updateKeys of our client at TLS 1.2 in the middle of writes: s_server receives every line in order',
  skipUnless(opensslMissing),
  async (t) => {
    const setup = { version: 'TLSv1.2', leaf: 'ecdsa', talks: true } as const;
    const { program, port } = await sServer(t, setup, ['-client_renegotiation']);
    const { connection, reading, events, ended } = await dial(t, port, clientEngine(only('TLSv1.2')), {
      limits: { renegotiation: { max: 4 } },
    });
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 50; n++) connection.write(Buffer.from(line(round * 50 + n)));
      connection.updateKeys();
    }
    await completed(connection.writeFrom([Buffer.from(lines(200, 400))]));
    await program.says(/line 000399/);
    t.equal(received(program), lines(0, 400));
    t.same(renegotiations(events), Array(4).fill('sent allowed'));
    t.equal(reading.outcome, undefined);
    t.equal(await completed(connection.close()), undefined);
    t.equal(await ended, undefined);
  },
);

t.test(
  'updateKeys against a server that refuses (RFC 5746 §4.5): what is held is never sent out of order',
  skipUnless(opensslMissing),
  async (t) => {
    const { program, port } = await sServer(t, { version: 'TLSv1.2', leaf: 'ecdsa', talks: true });
    const { connection, reading, ended } = await dial(t, port, clientEngine(only('TLSv1.2')), {
      limits: { renegotiation: { max: 4 }, handshakeTimeout: 2_000 },
    });
    connection.write(Buffer.from(lines(0, 50)));
    connection.updateKeys();
    const held = completed(connection.write(Buffer.from(lines(50, 100))));
    const outcome = await reading.over;
    t.match(outcome, { name: 'PeerIncompatibleError' });
    t.match(await held, { name: 'WriteLostError' });
    t.equal(await ended, outcome);
    t.equal(received(program), lines(0, 50));
  },
);

t.test(
  'R14 (node): gnutls-serv asks for renegotiation where our client may not: one no_renegotiation, at which it gives up',
  skipUnless(gnutlsServMissing),
  async (t) => {
    const { program, port } = await gnutlsServ(t, { version: 'TLSv1.2', leaf: 'ecdsa' });
    const { connection, reading, events } = await dial(t, port, clientEngine(only('TLSv1.2')));
    connection.write(hexLines(64));
    await reading.atLeast(64);
    connection.write(Buffer.from('**REHANDSHAKE**\n'));
    await program.says(/Sending rehandshake request/);
    await sleep(300);
    t.same(renegotiations(events), ['received refused']);
    t.match(program.text, /A TLS warning alert has been received/);
    t.match(await reading.over, { name: 'TruncationError' });
  },
);

t.test('gnutls-cli renegotiates where it may', skipUnless(gnutlsCliMissing), async (t) => {
  const events: TlsEvent[] = [];
  const server = await serve(t, await serverEngine('ecdsa'), {
    limits: { renegotiation: { max: 2 } },
    observe: { events: { next: (event) => void events.push(event) } },
  });
  const { program } = await gnutlsCli(t, server.port, { version: 'TLSv1.2' }, ['--inline-commands']);
  const connection = await server.next();
  const reading = new Reading(connection);
  for (let round = 0; round < 2; round++) {
    await begins(program, '^renegotiate^', events);
    await talk(t, connection, reading, program, round);
  }
  t.equal(received(program), lines(0, 400));
});
