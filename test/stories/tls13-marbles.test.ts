// Connections of our own TLS 1.3 in virtual time, the same on both providers: every record, every answer, every end as marbles.
import type { TlsConnection } from '@rxtls/core';
import { nodeCrypto } from '@rxtls/engine-tls13/node';
import { nobleCrypto } from '@rxtls/engine-tls13/noble';
import { concat, map, merge, type Observable, switchMap, take, tap, timer } from 'rxjs';
import t from 'tap';
import { clientOn, play, serverOn, userCredentials } from './tls13-wire.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const read = (connection: TlsConnection): Observable<Uint8Array> => connection.plaintext;
/** A server that answers everything at once. */
const answer = (connection: TlsConnection): Observable<Uint8Array> =>
  connection.plaintext.pipe(tap(() => connection.write(bytes('pong'))));

for (const crypto of [nodeCrypto, nobleCrypto]) {
  t.test(
    `${crypto.name}: a full handshake, a question, an answer and two close_notify; then a resumption`,
    async (t) => {
      const [client, server] = [clientOn(crypto), serverOn(crypto)];
      const story = {
        client: { engine: client, writes: [bytes('ping')], use: read },
        server: { engine: server, use: answer },
      };
      play(t, {
        ...story,
        diagram: `
        client out:       h---f-n
        client inner:     h---f-n-t-c
        client plaintext: --------p-|
        client readiness: h---r-c---|
        server out:       --h---d-n
        server inner:     --h---s-n-|
        server plaintext: ------p---|
        server readiness: h-----r-c-|`,
        legend: {
          'client out': {
            h: 'handshake 198',
            f: 'changeCipherSpec 1 + applicationData 53 + applicationData 21',
            n: 'applicationData 19',
          },
          'client inner': {
            h: 'handshake',
            f: 'changeCipherSpec + handshake + applicationData',
            n: 'alert + sent close_notify',
            t: 'ticket + ticket',
            c: 'received close_notify + |',
          },
          'client plaintext': { p: '"pong"' },
          'server out': {
            h: 'handshake 122 + changeCipherSpec 1 + applicationData 389',
            d: 'applicationData 299 + applicationData 21',
            n: 'applicationData 19',
          },
          'server inner': {
            h: 'handshake + changeCipherSpec + handshake',
            s: 'sent ticket + sent ticket + handshake + applicationData',
            n: 'received close_notify + alert + sent close_notify',
          },
          'server plaintext': { p: '"ping"' },
        },
      });
      play(t, {
        ...story,
        seed: 2,
        diagram: `
        client out:       h---f-n
        client inner:     h---f-n-t-c
        client plaintext: --------p-|
        client readiness: h---r-c---|
        server out:       --h---d-n
        server inner:     --h---s-n-|
        server plaintext: ------p---|
        server readiness: h-----r-c-|`,
        legend: {
          'client out': {
            h: 'handshake 368',
            f: 'changeCipherSpec 1 + applicationData 53 + applicationData 21',
            n: 'applicationData 19',
          },
          'client inner': {
            h: 'handshake',
            f: 'changeCipherSpec + handshake + applicationData',
            n: 'alert + sent close_notify',
            t: 'ticket',
            c: 'received close_notify + |',
          },
          'client plaintext': { p: '"pong"' },
          'server out': {
            h: 'handshake 128 + changeCipherSpec 1 + applicationData 59',
            d: 'applicationData 158 + applicationData 21',
            n: 'applicationData 19',
          },
          'server inner': {
            h: 'handshake + changeCipherSpec + handshake',
            s: 'sent ticket + handshake + applicationData',
            n: 'received close_notify + alert + sent close_notify',
          },
          'server plaintext': { p: '"ping"' },
        },
      });
    },
  );

  t.test(`${crypto.name}: a HelloRetryRequest`, async (t) => {
    play(t, {
      client: { engine: clientOn(crypto), writes: [bytes('ping')], use: read },
      server: { engine: serverOn(crypto, { groups: ['secp256r1'], sessions: 'none' }), use: answer },
      diagram: `
        client out:       h---f---d-n
        client inner:     h---f---s-n---c
        client plaintext: ------------p-|
        client readiness: h-------r-c---|
        server out:       --h---s---d-n
        server inner:     --h---s---d-n-|
        server plaintext: ----------p---|
        server readiness: h---------r-c-|`,
      legend: {
        'client out': {
          h: 'handshake 198',
          f: 'changeCipherSpec 1 + handshake 326',
          d: 'applicationData 53 + applicationData 21',
          n: 'applicationData 19',
        },
        'client inner': {
          h: 'handshake',
          f: 'changeCipherSpec + handshake',
          s: 'handshake + applicationData',
          n: 'alert + sent close_notify',
          c: 'received close_notify + |',
        },
        'client plaintext': { p: '"pong"' },
        'server out': {
          h: 'handshake 183 + changeCipherSpec 1',
          s: 'handshake 155 + applicationData 389',
          d: 'applicationData 21',
          n: 'applicationData 19',
        },
        'server inner': {
          h: 'handshake + changeCipherSpec',
          s: 'handshake + handshake',
          d: 'applicationData',
          n: 'received close_notify + alert + sent close_notify',
        },
        'server plaintext': { p: '"ping"' },
      },
    });
  });

  t.test(`${crypto.name}: a KeyUpdate that asks for one back`, async (t) => {
    play(t, {
      client: {
        engine: clientOn(crypto),
        use: (connection) => {
          connection.updateKeys();
          connection.write(bytes('new'));
          return concat(connection.plaintext.pipe(take(1)), connection.close());
        },
      },
      server: { engine: serverOn(crypto, { sessions: 'none' }), use: answer },
      diagram: `
        client out:       h---f---n
        client inner:     h---f---n---c
        client plaintext: --------p---|
        client readiness: h---r---c---|
        server out:       --h---d---n
        server inner:     --h---k---n-|
        server plaintext: ------n-----|
        server readiness: h-----r---c-|`,
      legend: {
        'client out': {
          h: 'handshake 198',
          f: 'changeCipherSpec 1 + applicationData 53 + applicationData 22 + applicationData 20',
          n: 'applicationData 19',
        },
        'client inner': {
          h: 'handshake',
          f: 'changeCipherSpec + handshake + handshake + sent key-update + applicationData',
          n: 'received key-update + alert + sent close_notify',
          c: 'received close_notify + |',
        },
        'client plaintext': { p: '"pong"' },
        'server out': {
          h: 'handshake 122 + changeCipherSpec 1 + applicationData 389',
          d: 'applicationData 22 + applicationData 21',
          n: 'applicationData 19',
        },
        'server inner': {
          h: 'handshake + changeCipherSpec + handshake',
          k: 'received key-update + handshake + sent key-update + applicationData',
          n: 'received close_notify + alert + sent close_notify',
        },
        'server plaintext': { n: '"new"' },
      },
    });
  });

  t.test(`${crypto.name}: a client that shows who it is`, async (t) => {
    play(t, {
      client: { engine: clientOn(crypto, { credentials: userCredentials }), writes: [bytes('ping')], use: read },
      server: {
        engine: serverOn(crypto, { clientAuth: 'require', clientCa: userCredentials.cert, sessions: 'none' }),
        use: answer,
      },
      diagram: `
        client out:       h---f-n
        client inner:     h---f-n---c
        client plaintext: --------p-|
        client readiness: h---r-c---|
        server out:       --h---d-n
        server inner:     --h---d-n-|
        server plaintext: ------p---|
        server readiness: h-----r-c-|`,
      legend: {
        'client out': {
          h: 'handshake 198',
          f: 'changeCipherSpec 1 + applicationData 385 + applicationData 21',
          n: 'applicationData 19',
        },
        'client inner': {
          h: 'handshake',
          f: 'changeCipherSpec + handshake + applicationData',
          n: 'alert + sent close_notify',
          c: 'received close_notify + |',
        },
        'client plaintext': { p: '"pong"' },
        'server out': {
          h: 'handshake 122 + changeCipherSpec 1 + applicationData 426',
          d: 'applicationData 21',
          n: 'applicationData 19',
        },
        'server inner': {
          h: 'handshake + changeCipherSpec + handshake',
          d: 'applicationData',
          n: 'received close_notify + alert + sent close_notify',
        },
        'server plaintext': { p: '"ping"' },
      },
    });
  });

  t.test(`${crypto.name}: a server that the client does not trust`, async (t) => {
    play(t, {
      client: { engine: clientOn(crypto, { ca: userCredentials.cert }), writes: [bytes('ping')], use: read },
      server: { engine: serverOn(crypto), use: answer },
      diagram: `
        client out:       h---n
        client inner:     h---x
        client plaintext: ----#
        client readiness: h---e
        server out:       --h
        server inner:     --h---x
        server plaintext: ------#
        server readiness: h-----e`,
      legend: {
        'client out': { h: 'handshake 198', n: 'changeCipherSpec 1 + applicationData 19' },
        'client inner': { h: 'handshake', x: 'changeCipherSpec + alert + sent unknown_ca + |' },
        'client plaintext': { '#': '# CertificateError' },
        'client readiness': { e: 'WANT_READ (closing) + |' },
        'server out': { h: 'handshake 122 + changeCipherSpec 1 + applicationData 389' },
        'server inner': { h: 'handshake + changeCipherSpec + handshake', x: 'received unknown_ca + |' },
        'server plaintext': { '#': '# AlertReceivedError' },
        'server readiness': { e: 'WANT_READ (closing) + |' },
      },
    });
  });

  t.test(`${crypto.name}: a verify that takes three milliseconds and refuses`, async (t) => {
    play(t, {
      client: {
        engine: clientOn(crypto, { verify: () => timer(3).pipe(map(() => false)) }),
        writes: [bytes('ping')],
        use: read,
      },
      server: { engine: serverOn(crypto), use: answer },
      diagram: `
        client out:       h---f--n
        client inner:     h---f--x
        client plaintext: -------#
        client readiness: h---a--e
        server out:       --h
        server inner:     --h------x
        server plaintext: ---------#
        server readiness: h--------e`,
      legend: {
        'client out': { h: 'handshake 198', f: 'changeCipherSpec 1', n: 'applicationData 19' },
        'client inner': { h: 'handshake', f: 'changeCipherSpec', x: 'alert + sent certificate_unknown + |' },
        'client plaintext': { '#': '# CertificateError' },
        'client readiness': { e: 'WANT_ASYNC (closing) + |' },
        'server out': { h: 'handshake 122 + changeCipherSpec 1 + applicationData 389' },
        'server inner': { h: 'handshake + changeCipherSpec + handshake', x: 'received certificate_unknown + |' },
        'server plaintext': { '#': '# AlertReceivedError' },
        'server readiness': { e: 'WANT_READ (closing) + |' },
      },
    });
  });

  t.test(`${crypto.name}: a wire that ends without close_notify`, async (t) => {
    play(t, {
      client: { engine: clientOn(crypto), use: read },
      server: { engine: serverOn(crypto, { sessions: 'none' }), use: answer },
      wire: (link, scheduler) => scheduler.schedule(() => link.bToA.cut('end'), 9),
      diagram: `
        client out:       h---f------n
        client inner:     h---f------n
        client plaintext: -----------#
        client readiness: h---r------e
        server out:       --h
        server inner:     --h----------x
        server plaintext: -------------#
        server readiness: h-----r------e`,
      legend: {
        'client out': { h: 'handshake 198', f: 'changeCipherSpec 1 + applicationData 53', n: 'applicationData 19' },
        'client inner': { h: 'handshake', f: 'changeCipherSpec + handshake', n: 'alert + sent internal_error + |' },
        'client plaintext': { '#': '# TruncationError' },
        'client readiness': { e: 'READY (closing) + |' },
        'server out': { h: 'handshake 122 + changeCipherSpec 1 + applicationData 389' },
        'server inner': { h: 'handshake + changeCipherSpec + handshake', x: 'received internal_error + |' },
        'server plaintext': { '#': '# AlertReceivedError' },
        'server readiness': { e: 'READY (closing) + |' },
      },
    });
  });

  t.test(`${crypto.name}: a close from the client`, async (t) => {
    play(t, {
      client: {
        engine: clientOn(crypto),
        use: (connection) => merge(connection.plaintext, timer(2).pipe(switchMap(() => connection.close()))),
      },
      server: { engine: serverOn(crypto, { sessions: 'none' }), use: read },
      diagram: `
        client out:       h---f-n
        client inner:     h---f-n---c
        client plaintext: ----------|
        client readiness: h---r-c---|
        server out:       --h-----n
        server inner:     --h-----n-|
        server plaintext: ----------|
        server readiness: h-----r-c-|`,
      legend: {
        'client out': { h: 'handshake 198', f: 'changeCipherSpec 1 + applicationData 53', n: 'applicationData 19' },
        'client inner': {
          h: 'handshake',
          f: 'changeCipherSpec + handshake',
          n: 'alert + sent close_notify',
          c: 'received close_notify + |',
        },
        'server out': { h: 'handshake 122 + changeCipherSpec 1 + applicationData 389', n: 'applicationData 19' },
        'server inner': {
          h: 'handshake + changeCipherSpec + handshake',
          n: 'received close_notify + alert + sent close_notify',
        },
      },
    });
  });

  t.test(`${crypto.name}: a half-close: the server answers when it has heard the end`, async (t) => {
    play(t, {
      client: {
        engine: clientOn(crypto),
        use: (connection) => connection.exchange([bytes('all of it')], { halfClose: true }),
      },
      server: {
        engine: serverOn(crypto, { sessions: 'none' }),
        halfOpen: true,
        use: (connection) =>
          concat(
            connection.plaintext,
            timer(2).pipe(
              tap(() => connection.write(bytes('heard'))),
              switchMap(() => connection.closeWrite()),
            ),
          ),
      },
      diagram: `
        client out:       h---f-n
        client inner:     h---f-n-----c
        client plaintext: ------------h
        client readiness: h---r-c-----|
        server out:       --h-------n
        server inner:     --h-----c-n-|
        server plaintext: ------a-----|
        server readiness: h-----r---c-|`,
      legend: {
        'client out': {
          h: 'handshake 198',
          f: 'changeCipherSpec 1 + applicationData 53 + applicationData 26',
          n: 'applicationData 19',
        },
        'client inner': {
          h: 'handshake',
          f: 'changeCipherSpec + handshake + applicationData',
          n: 'alert + sent close_notify',
          c: 'received close_notify + |',
        },
        'client plaintext': { h: '"heard" + |' },
        'server out': {
          h: 'handshake 122 + changeCipherSpec 1 + applicationData 389',
          n: 'applicationData 22 + applicationData 19',
        },
        'server inner': {
          h: 'handshake + changeCipherSpec + handshake',
          c: 'received close_notify',
          n: 'applicationData + alert + sent close_notify',
        },
        'server plaintext': { a: '"all of it"' },
      },
    });
  });
}
