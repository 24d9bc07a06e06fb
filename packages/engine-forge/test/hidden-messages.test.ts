// Handshake messages inside the bodies of others: node-forge takes what a handler leaves over for the next message.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EngineFailureError, PeerMisbehavedError } from '@rxtls/core/engine';
import t from 'tap';
import { parseCertificate } from '../src/certificates.ts';
import { checkJudgedKey } from '../src/judged-key.ts';
import { client, End, joined, message, Offender, record, records, server, withOffender } from './harness.ts';
import { client as clientLeaf, credentials, host, rsa, root } from './rsa-pki.ts';

const body = (flight: Uint8Array): Uint8Array => flight.subarray(5);
const [helloRequest, certificate, certificateRequest, helloDone, certificateVerify, keyExchange] = [
  0, 11, 13, 14, 15, 16,
];

t.test('A4 R16 (forge) a certificate in the body of a HelloRequest is not believed unseen', async (t) => {
  // Nobody's certificate but its owner's, for the right name.
  const stranger = rsa({ dns: ['host.test'], usage: 'serverAuth' });
  const offender = new Offender('server', { credentials: credentials(stranger) });
  const end = new End(client());
  offender.give(end.take());
  for (const each of records(offender.take()))
    end.give(each[5] === certificate ? record(22, message(helloRequest, body(each))) : each);
  t.match(end.error, { name: 'PeerMisbehavedError', alert: 'decode_error' });
  const answer = end.take();
  if (answer.length > 7) offender.give(answer);
  end.give(offender.take());
  t.notOk(end.negotiated, 'and no connection comes of it');
});

t.test('R16 (forge) each message of a server ends where its body ends', async (t) => {
  for (const wrapped of [
    message(helloRequest, 'x'),
    message(helloDone, message(helloRequest)),
    message(certificateRequest, joined([Uint8Array.of(1, 1, 0, 0), message(helloDone)])),
    message(certificateRequest, Uint8Array.of(1, 1, 0, 9)),
    message(30),
  ]) {
    const offender = new Offender('server');
    const end = new End(client());
    offender.give(end.take());
    for (const each of records(offender.take()))
      if (end.error === undefined) end.give(each[5] === helloDone ? record(22, wrapped) : each);
    t.ok(end.error instanceof PeerMisbehavedError, `${wrapped[0]}: ${end.error}`);
    t.notOk(
      end.take().some((_, at, sent) => sent[at] === 22 && sent[at + 5] === keyExchange),
      'nothing was answered',
    );
  }
});

t.test('R16 (forge) each message of a client ends where its body ends', async (t) => {
  const serving = (): End => new End(server({ clientAuth: 'require', clientCa: root.pem }));
  for (const type of [certificate, keyExchange, certificateVerify]) {
    const [offender, end] = [new Offender('client', { credentials: credentials(clientLeaf) }), serving()];
    end.give(offender.take());
    offender.give(end.take());
    for (const each of records(offender.take()))
      if (end.error === undefined && !end.negotiated)
        end.give(each[5] === type ? record(22, message(type!, joined([each.subarray(9), message(0)]))) : each);
    t.match(end.error, { name: 'PeerMisbehavedError', alert: 'decode_error' }, `${type}`);
  }
  const [offender, end] = [new Offender('client', { credentials: credentials(clientLeaf) }), serving()];
  end.give(offender.take());
  offender.give(end.take());
  end.give(offender.take());
  t.equal(end.negotiated?.peer.verification, 'passed', 'as they are they make a connection');
});

t.test(
  'A4 R16 (forge) with client authentication no message can be left out, and the signature is checked',
  async (t) => {
    for (const clientAuth of ['require', 'request'] as const)
      for (const left of [certificate, keyExchange, certificateVerify]) {
        const offender = new Offender('client', { credentials: credentials(clientLeaf) });
        const end = new End(server({ clientAuth, clientCa: root.pem }));
        end.give(offender.take());
        offender.give(end.take());
        for (const each of records(offender.take())) if (end.error === undefined && each[5] !== left) end.give(each);
        t.match(end.error, { alert: 'unexpected_message' }, `${clientAuth} without ${left}`);
        t.notOk(end.negotiated);
      }
    const offender = new Offender('client', {
      credentials: { cert: credentials(clientLeaf).cert, key: credentials(host).key },
    });
    const end = new End(server({ clientAuth: 'require', clientCa: root.pem }));
    end.give(offender.take());
    offender.give(end.take());
    end.give(offender.take());
    t.match(end.error, { alert: 'handshake_failure' }, 'a certificate that is shown without its key');
    t.notOk(end.negotiated);
  },
);

t.test('the key that was used is held against the leaf that was judged', async (t) => {
  const used = parseCertificate(host.der).certificate;
  t.doesNotThrow(() => checkJudgedKey(used, [host.der, root.der]));
  t.doesNotThrow(() => checkJudgedKey(null, []));
  t.throws(() => checkJudgedKey(used, []), EngineFailureError);
  t.throws(() => checkJudgedKey(used, [clientLeaf.der]), EngineFailureError);
  t.throws(() => checkJudgedKey(null, [host.der]), EngineFailureError);
  t.ok(withOffender('client').end.negotiated);
});

t.test('a server keeps nothing of a ClientHello, however long, once it has read it', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = async (): Promise<number> => {
    // What Node lets go of in a later turn is gone, too.
    for (let turns = 0; turns < 4; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    return process.memoryUsage().arrayBuffers;
  };
  const hello = new End(client()).take().slice(9);
  // The extensions' length stands behind version and random, session id, cipher suites and compression methods.
  const suites = 34 + 1 + hello[34]!;
  const methods = suites + 2 + ((hello[suites]! << 8) | hello[suites + 1]!);
  const at = methods + 1 + hello[methods]!;
  const padding = Uint8Array.of(0x1a, 0x1a, 50_000 >> 8, 50_000 & 0xff, ...new Uint8Array(50_000));
  const extensions = joined([hello.slice(at + 2), padding]);
  const length = Uint8Array.of(extensions.length >> 8, extensions.length & 0xff);
  const long = message(1, joined([hello.slice(0, at), length, extensions]));
  const serving = server();
  const before = await held();
  const ends = Array.from({ length: 20 }, () => {
    const end = new End(serving, { observed: false });
    for (let from = 0; from < long.length; from += 16_384) end.give(record(22, long.subarray(from, from + 16_384)));
    t.equal(end.error, undefined);
    t.ok(end.take().length > 0, 'it answers');
    return end;
  });
  const each = ((await held()) - before) / ends.length;
  for (const { engine } of ends) engine?.destroy();
  t.ok(each < 16_384, `${Math.round(each)} bytes for each connection`);
});
