// Handshake messages inside the bodies of others: node-forge takes what a handler leaves over for the next message.
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
