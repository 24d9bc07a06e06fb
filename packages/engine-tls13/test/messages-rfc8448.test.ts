// The messages of RFC 8448's traces: read, and written again byte for byte.
import { createHash } from 'node:crypto';
import t from 'tap';
import { decodeCookie } from '../src/handshake/extensions/cookie.ts';
import { extensionType as type } from '../src/handshake/extensions/extension-type.ts';
import {
  checkKeyShareGroups,
  decodeKeyShareClient,
  decodeKeyShareRetry,
  decodeKeyShareServer,
} from '../src/handshake/extensions/key-share.ts';
import {
  bindersLength,
  decodePreSharedKeyClient,
  decodePreSharedKeyServer,
} from '../src/handshake/extensions/offered-psks.ts';
import { decodePskKeyExchangeModes, pskKeyExchangeMode } from '../src/handshake/extensions/psk-key-exchange-modes.ts';
import {
  decodeRecordSizeLimitClient,
  decodeRecordSizeLimitServer,
} from '../src/handshake/extensions/record-size-limit.ts';
import { decodeServerName } from '../src/handshake/extensions/server-name.ts';
import { decodeSignatureAlgorithms } from '../src/handshake/extensions/signature-algorithms.ts';
import { decodeSupportedGroups } from '../src/handshake/extensions/supported-groups.ts';
import {
  decodeSupportedVersionsClient,
  decodeSupportedVersionsServer,
} from '../src/handshake/extensions/supported-versions.ts';
import { decodeCertificate, encodeCertificate } from '../src/handshake/messages/certificate.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from '../src/handshake/messages/certificate-request.ts';
import {
  decodeCertificateVerify,
  encodeCertificateVerify,
  signedContent,
} from '../src/handshake/messages/certificate-verify.ts';
import {
  type ClientHelloMessage,
  decodeClientHello,
  encodeClientHello,
} from '../src/handshake/messages/client-hello.ts';
import {
  decodeEncryptedExtensions,
  encodeEncryptedExtensions,
} from '../src/handshake/messages/encrypted-extensions.ts';
import { decodeFinished, encodeFinished } from '../src/handshake/messages/finished.ts';
import { helloRetryRequestRandom, isHelloRetryRequest } from '../src/handshake/messages/hello-random.ts';
import { decodeServerHello, encodeServerHello } from '../src/handshake/messages/server-hello.ts';
import { trace, type TraceName } from './data/rfc8448.ts';

const traces: readonly TraceName[] = [
  'simple',
  'resumed-0-rtt',
  'hello-retry-request',
  'client-authentication',
  'middlebox-compatibility',
  'external-psk',
  'raw-public-key',
];

/** The handshake message in a record that holds one. */
const inRecord = (record: Uint8Array): Uint8Array => record.subarray(5);
const body = (message: Uint8Array): Uint8Array => message.subarray(4);
const typesOf = (hello: ClientHelloMessage): ReadonlySet<number> => new Set(hello.extensions.map((each) => each.type));
const helloOf = (name: TraceName, which = 1): ClientHelloMessage =>
  decodeClientHello(body(inRecord(trace(name).get(`record-client-hello-${which}`))));
const dataOf = (hello: ClientHelloMessage, of: number): Uint8Array =>
  hello.extensions.find((each) => each.type === of)!.data;

/** Every message of the traces, by the end of its name, read and written. */
const again: Readonly<Record<string, (message: Uint8Array, offered: ReadonlySet<number>) => Uint8Array>> = {
  'server-hello': (message, offered) => encodeServerHello(decodeServerHello(body(message), offered)),
  'encrypted-extensions': (message, offered) =>
    encodeEncryptedExtensions(decodeEncryptedExtensions(body(message), offered)),
  'certificate-request': (message) => encodeCertificateRequest(decodeCertificateRequest(body(message))),
  'server-certificate': (message, offered) =>
    encodeCertificate(
      decodeCertificate(body(message), { sender: 'server', offered, maxEntries: 1, tooMany: () => new Error('two') }),
    ),
  'server-certificate-verify': (message) => encodeCertificateVerify(decodeCertificateVerify(body(message))),
  'server-finished': (message) => encodeFinished(decodeFinished(body(message), 32)),
};

for (const name of traces)
  t.test(`RFC 8448, ${name}: every message is what it was`, async (t) => {
    const { has, get } = trace(name);
    for (const which of [1, 2]) {
      if (!has(`record-client-hello-${which}`)) continue;
      const message = inRecord(get(`record-client-hello-${which}`));
      t.same(encodeClientHello(decodeClientHello(body(message))), message, `ClientHello ${which}`);
    }
    // RFC 8448 §3: the server answers with extensions that the hello has; in the trace with a cookie that is the second one.
    const offered = typesOf(helloOf(name, has('record-client-hello-2') ? 2 : 1));
    let messages = 0;
    for (const [each, write] of Object.entries(again)) {
      if (!has(`message-${each}`)) continue;
      messages++;
      t.same(write(get(`message-${each}`), offered), get(`message-${each}`), each);
    }
    t.ok(messages >= 3, `${messages} messages`);
    t.same(inRecord(get('record-server-hello')), get('message-server-hello'));
    for (const role of ['server', 'client'] as const) {
      if (!has(`${role}-message-to-sign`)) continue;
      const signed = get(`${role}-message-to-sign`);
      t.same(signedContent(role, signed.subarray(-32)), signed, `what the ${role} signs`);
    }
    if (has('server-message-signature'))
      t.same(
        decodeCertificateVerify(body(get('message-server-certificate-verify'))).signature,
        get('server-message-signature'),
      );
  });

t.test('RFC 8448 §3: what the hellos say', async (t) => {
  const { get } = trace('simple');
  const hello = helloOf('simple');
  t.same(hello.random, get('client-random').subarray(0, 32));
  t.same(hello.cipherSuites, [0x1301, 0x1303, 0x1302]);
  t.equal(decodeServerName(dataOf(hello, type.server_name)), 'server');
  t.same(
    decodeSupportedGroups(dataOf(hello, type.supported_groups)),
    [0x1d, 0x17, 0x18, 0x19, 0x100, 0x101, 0x102, 0x103, 0x104],
  );
  t.same(decodeSupportedVersionsClient(dataOf(hello, type.supported_versions)), [0x0304]);
  t.same(
    decodeSignatureAlgorithms(dataOf(hello, type.signature_algorithms)).slice(0, 4),
    [0x0403, 0x0503, 0x0603, 0x0203],
  );
  t.same(decodePskKeyExchangeModes(dataOf(hello, type.psk_key_exchange_modes)), [pskKeyExchangeMode.psk_dhe_ke]);
  t.equal(decodeRecordSizeLimitClient(dataOf(hello, type.record_size_limit)), 0x4001);
  const shares = decodeKeyShareClient(dataOf(hello, type.key_share));
  t.same(
    shares.map(({ group, keyExchange }) => [group, keyExchange.length]),
    [[0x1d, 32]],
  );
  checkKeyShareGroups(shares, decodeSupportedGroups(dataOf(hello, type.supported_groups)));

  const serverHello = decodeServerHello(body(get('message-server-hello')), typesOf(hello));
  t.same(serverHello.random, get('server-random').subarray(0, 32));
  t.equal(serverHello.cipherSuite, 0x1301);
  t.notOk(isHelloRetryRequest(serverHello));
  t.equal(decodeSupportedVersionsServer(serverHello.extensions.get(type.supported_versions)!), 0x0304);
  t.equal(decodeKeyShareServer(serverHello.extensions.get(type.key_share)!).group, 0x1d);
  const { extensions } = decodeEncryptedExtensions(body(get('message-encrypted-extensions')), typesOf(hello));
  t.equal(decodeRecordSizeLimitServer(extensions.get(type.record_size_limit)!), 0x4001);
  t.same(extensions.get(type.server_name), []);
});

t.test('RFC 8448 §3: the certificate of the trace', async (t) => {
  const { get } = trace('simple');
  const { entries } = decodeCertificate(body(get('message-server-certificate')), {
    sender: 'server',
    offered: new Set(),
    maxEntries: 1,
    tooMany: () => new Error('two'),
  });
  t.same(entries, [{ certificate: trace('certificates').get('server-certificate') }]);
});

t.test('RFC 8448 §4: the pre-shared key of the resumed handshake', async (t) => {
  const { get } = trace('resumed-0-rtt');
  const message = inRecord(get('record-client-hello-1'));
  const hello = helloOf('resumed-0-rtt');
  const offered = decodePreSharedKeyClient(dataOf(hello, type.pre_shared_key));
  t.equal(offered.identities.length, 1);
  t.same(offered.identities[0]!.identity, get('session-ticket'));
  t.equal(bindersLength(offered), 35);
  // RFC 8448 §4: "ClientHello prefix (477 octets)", and "binder hash" over it.
  const prefix = message.subarray(0, message.length - bindersLength(offered));
  t.equal(prefix.length, 477);
  t.equal(
    createHash('sha256').update(prefix).digest('hex'),
    '63224b2e4573f2d3454ca84b9d009a04f6be9e05711a8396473aefa01e924a14',
  );
  const serverHello = decodeServerHello(body(get('message-server-hello')), typesOf(hello));
  t.equal(decodePreSharedKeyServer(serverHello.extensions.get(type.pre_shared_key)!), 0);
});

t.test('RFC 8448 §5: the HelloRetryRequest', async (t) => {
  const { get } = trace('hello-retry-request');
  const message = inRecord(get('record-hello-retry-request'));
  const retry = decodeServerHello(body(message), typesOf(helloOf('hello-retry-request')));
  t.same(encodeServerHello(retry), message);
  t.ok(isHelloRetryRequest(retry));
  t.same(helloRetryRequestRandom(), createHash('sha256').update('HelloRetryRequest').digest());
  t.equal(decodeKeyShareRetry(retry.extensions.get(type.key_share)!), 0x17);
  const cookie = decodeCookie(retry.extensions.get(type.cookie)!);
  t.same(cookie, get('hello-retry-request-cookie'));
  t.same(decodeCookie(dataOf(helloOf('hello-retry-request', 2), type.cookie)), cookie);
});
