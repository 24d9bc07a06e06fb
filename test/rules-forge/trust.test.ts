// Rows A3, A4, D1 and K4 over forgeEngine and core: users' functions, certificates, ends in the middle, secrets.
// At the engine alone: packages/engine-forge/test/verification.test.ts.
import { inspect } from 'node:util';
import { byHello, type SecureOptions, type TlsEngineFactory } from '@rxtls/core';
import type { ForgeClientOptions, ForgeServerOptions } from '@rxtls/engine-forge';
import { EMPTY, type ObservableInput, of, throwError } from 'rxjs';
import t from 'tap';
import { credentials, otherRoot, short } from '../../packages/engine-forge/test/rsa-pki.ts';
import { type Duo, type DuoOptions, badlySettled, turns, until } from '../rules-node/bench.ts';
import { client, clientLeaf, forge, hostLeaf, root, server } from './bench.ts';

const fails = (): never => {
  throw new Error('of the user');
};
/** Ways to fail, at once and later. */
const failing: Readonly<Record<string, () => unknown>> = {
  throws: fails,
  errors: () => throwError(() => new Error('of the user')),
  rejects: () => Promise.reject(new Error('of the user')),
  'rejects later': () => new Promise((_, reject) => void setImmediate(() => reject(new Error('of the user')))),
  'is empty': () => EMPTY,
  'gives two': () => of(true, true),
  'never answers': () => new Promise(() => undefined),
};
type Verify = NonNullable<ForgeClientOptions['verify']>;
/** Memory takes no time at all: without a delay the wire is gone before an alert is heard. */
const link = { aToB: { delay: 1 }, bToA: { delay: 1 } };
const timed: SecureOptions = { limits: { taskTimeout: 50 } };

t.test('A3 (forge) a user function that fails, in any way, ends its own connection and no other', async (t) => {
  const bystander = await forge().open();
  bystander.server.read();
  const places: Readonly<Record<string, (run: () => unknown) => DuoOptions>> = {
    "a client's verify": (run) => ({ client: client({ verify: run as Verify }) }),
    dangerouslyReplaceVerification: (run) => ({ client: client({ dangerouslyReplaceVerification: run as Verify }) }),
    "a server's verify": (run) => ({
      client: client({ credentials: credentials(clientLeaf) }),
      server: server({ verify: run as Verify, clientAuth: 'require', clientCa: root.pem }),
    }),
    byHello: (run) => ({ server: byHello(run as () => ObservableInput<TlsEngineFactory<'server'>>) }),
  };
  for (const [place, options] of Object.entries(places))
    for (const [way, run] of Object.entries(failing)) {
      const both = forge({ ...options(run), link, clientOptions: timed, serverOptions: timed });
      const asked = place.includes('server') || place === 'byHello' ? both.server : both.client;
      const other = asked === both.client ? both.server : both.client;
      await until(() => asked.isOver && other.isOver, `${place} ${way}`);
      t.equal(asked.connections.length, 0, `${place} ${way}: ${asked.error?.name}`);
      t.match(other.error ?? other.plaintextEnd, { name: 'AlertReceivedError' }, 'and the alert arrives');
      t.ok(asked.wire.aborts === 1, 'its transport is closed');
    }
  const hosts: Readonly<Record<string, NonNullable<SecureOptions['dangerouslyHost']>>> = {
    random: { random: fails },
    wallClock: { wallClock: fails },
  };
  for (const [name, dangerouslyHost] of Object.entries(hosts)) {
    const both = forge({ link, clientOptions: { dangerouslyHost } });
    await until(() => both.client.isOver, name);
    t.match(both.client.error, { name: 'EngineFailureError' }, name);
    t.equal(both.client.wire.aborts, 1);
    both.destroy();
  }
  bystander.client.write('unaffected');
  await until(() => bystander.server.text === 'unaffected', 'the bystander');
  bystander.destroy();
});

t.test('A4 (forge) a server with require has no TlsConnection without a good certificate', async (t) => {
  const day = 24 * 3600 * 1000;
  const requiring = server({ clientAuth: 'require', clientCa: root.pem });
  const tried = async (options: Partial<ForgeClientOptions>): Promise<Duo> => {
    const both = forge({ client: client(options), server: requiring, link });
    await until(() => both.server.isOver || both.server.connections.length > 0, 'an outcome');
    return both;
  };
  const shown = {
    untrusted: short({ issuer: otherRoot, usage: 'clientAuth' }),
    expired: short({ issuer: root, usage: 'clientAuth', to: Date.now() - day }),
    'not yet valid': short({ issuer: root, usage: 'clientAuth', from: Date.now() + day }),
    'wrong EKU': short({ issuer: root, usage: 'serverAuth' }),
    'signed by another key of that name': short({ issuer: { ...otherRoot, cn: root.cn }, usage: 'clientAuth' }),
  };
  for (const [name, leaf] of [...Object.entries(shown), ['missing', undefined] as const]) {
    const both = await tried(leaf === undefined ? {} : { credentials: credentials(leaf) });
    t.match(both.server.error, { name: 'CertificateError', phase: 'verification' }, name);
    t.equal(both.server.connections.length, 0);
    await until(() => both.client.isOver, 'the alert');
    t.match(both.client.error, { name: 'AlertReceivedError' });
    t.equal(both.client.connections.length, 0, 'nor has the client one');
  }
  const good = await tried({ credentials: credentials(clientLeaf) });
  t.equal(good.server.connection.negotiated.peer.verification, 'passed');
  good.destroy();
});

t.test(
  'D1 (forge) unsubscribed from inside every emission: the transport is closed once, nothing is told later',
  async (t) => {
    const places = ['connection', 'plaintext', 'acks', 'readiness', 'ledger', 'events', 'verify'] as const;
    let thorough = 0;
    for (const role of ['client', 'server'] as const)
      for (const place of places)
        for (let nth = 1; nth <= 24; nth++) {
          let calls = 0;
          let seen = -1;
          let made: Duo | undefined;
          const side = (): Duo['client'] => (role === 'client' ? made!.client : made!.server);
          const total = (): number => {
            const { acks, readiness, ledgers, events, connections, bytes } = side();
            return acks.length + readiness.length + ledgers.length + events.length + connections.length + bytes.length;
          };
          const leave = (): void => {
            // What is told inside `subscribe` itself comes before there is a subscription to end.
            if (made === undefined || ++calls !== nth) return;
            thorough++;
            side().subscription.unsubscribe();
            seen = total();
          };
          const verify = (): true => {
            leave();
            return true;
          };
          const observe = ['acks', 'readiness', 'ledger', 'events'].includes(place) ? { [place]: { next: leave } } : {};
          const options: SecureOptions = { observe };
          const emitted: DuoOptions['clientEmitted'] = (connection) => {
            connection.plaintext.subscribe({ next: () => place === 'plaintext' && leave(), error: () => undefined });
            if (place === 'connection') leave();
          };
          const asking: Partial<ForgeClientOptions & ForgeServerOptions> = place === 'verify' ? { verify } : {};
          const both = forge({
            client: client({
              credentials: credentials(clientLeaf),
              ...(role === 'client' ? (asking as Partial<ForgeClientOptions>) : {}),
            }),
            server: server({
              clientAuth: 'require',
              clientCa: root.pem,
              ...(role === 'server' ? (asking as Partial<ForgeServerOptions>) : {}),
            }),
            link: { aToB: { delay: 0.1 }, bToA: { delay: 0.1 } },
            ...(role === 'client'
              ? { clientOptions: options, clientEmitted: emitted }
              : { serverOptions: options, serverEmitted: emitted }),
          });
          made = both;
          await until(
            () => calls >= nth || [both.client, both.server].every((each) => each.connections.length > 0),
            place,
          );
          if (calls < nth) {
            const other = role === 'client' ? both.server : both.client;
            other.write('a question');
            side().write('an answer');
            other.connection.close().subscribe({ error: () => undefined });
            await turns(8);
          }
          await turns(2);
          if (calls >= nth) {
            t.equal(side().wire.aborts, 1, `${role}, ${place} ${nth}`);
            t.equal(total(), seen, 'silence');
            t.equal(side().errors.length, 0);
          }
          both.destroy();
          if (calls < nth) break;
        }
    t.ok(thorough > 40, `${thorough} emissions`);
  },
);

t.test('K4 (forge) no key, no secret and no plaintext in what errors, connections and factories show', async (t) => {
  const secret = 'the plaintext nobody may show';
  const lines = [hostLeaf.keyPem, clientLeaf.keyPem].flatMap((pem) =>
    pem.split('\n').filter((line) => line.length > 40),
  );
  const hex = lines.map((line) => Buffer.from(line, 'base64').toString('hex').slice(8, 40));
  const factories = {
    client: client({ credentials: credentials(clientLeaf), keylog: true }),
    server: server({ clientAuth: 'require', clientCa: root.pem }),
  };
  const shown: string[] = [];
  const show = (what: unknown): void => {
    shown.push(inspect(what, { depth: 12, showHidden: true, maxArrayLength: 2_000, maxStringLength: 20_000 }));
    shown.push(JSON.stringify(what, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? '');
    if (what instanceof Error) shown.push(String(what), what.stack ?? '', String(what.cause));
  };
  const both = await forge(factories).open();
  const masters = both.client.events.flatMap((event) => (event.type === 'keylog' ? [event.line.split(' ')[2]!] : []));
  t.equal(masters.length, 1, 'what was asked for');
  t.notOk(
    both.server.events.some(({ type }) => type === 'keylog'),
    'and nothing on the side that was not asked',
  );
  both.client.read();
  both.server.write(secret);
  await until(() => both.client.text === secret, 'data');
  for (const each of [factories.client, factories.server, both.client.connection.negotiated]) show(each);
  for (const each of [both.server.connection.negotiated, both.server.acks, both.server.events]) show(each);
  both.link.aToB.starve(0);
  const lost: unknown[] = [];
  both.client.connection.write(Buffer.from(secret)).subscribe({ error: (error: unknown) => lost.push(error) });
  both.server.wire.duplex.sink.write(Buffer.concat([Buffer.from([23, 3, 1, 0, 32]), Buffer.alloc(32, 7)]));
  await until(() => both.client.isOver && lost.length > 0, 'the end');
  for (const error of [both.client.error, both.server.error, ...lost]) show(error);
  try {
    server({ credentials: { cert: hostLeaf.pem, key: clientLeaf.keyPem } });
    t.fail('a key of another');
  } catch (error) {
    show(error);
  }
  const all = shown.join('\n').replaceAll(/[\s'+\n]/g, '');
  t.ok(all.length > 1_000);
  t.notOk(all.includes(secret.replaceAll(' ', '')), 'no plaintext');
  for (const each of [...lines, ...hex, ...masters]) t.notOk(all.includes(each), 'no key');
  t.same(badlySettled(both.client.acks), []);
  both.destroy();
});
