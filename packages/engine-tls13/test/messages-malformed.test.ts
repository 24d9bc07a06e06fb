// Every rule for a message, broken: which alert says so.
import { LimitExceededError, PeerMisbehavedError } from '@rxtls/core/engine';
import t from 'tap';
import { decodeAlpnClient, decodeAlpnServer } from '../src/handshake/extensions/alpn.ts';
import { decodeCertificateAuthorities } from '../src/handshake/extensions/certificate-authorities.ts';
import { decodeCookie } from '../src/handshake/extensions/cookie.ts';
import { decodeEmpty } from '../src/handshake/extensions/empty-extension.ts';
import { readExtensions } from '../src/handshake/extensions/extension.ts';
import { type ExtensionPlace, mayStandIn } from '../src/handshake/extensions/extension-place.ts';
import { extensionType as type } from '../src/handshake/extensions/extension-type.ts';
import {
  checkKeyShareGroups,
  decodeKeyShareClient,
  decodeKeyShareServer,
} from '../src/handshake/extensions/key-share.ts';
import { decodePreSharedKeyClient } from '../src/handshake/extensions/offered-psks.ts';
import { decodePskKeyExchangeModes } from '../src/handshake/extensions/psk-key-exchange-modes.ts';
import {
  decodeRecordSizeLimitClient,
  decodeRecordSizeLimitServer,
} from '../src/handshake/extensions/record-size-limit.ts';
import { decodeServerName } from '../src/handshake/extensions/server-name.ts';
import { decodeSignatureAlgorithms } from '../src/handshake/extensions/signature-algorithms.ts';
import { decodeCertificateStatus, decodeStatusRequest } from '../src/handshake/extensions/status-request.ts';
import { decodeSupportedGroups } from '../src/handshake/extensions/supported-groups.ts';
import {
  decodeSupportedVersionsClient,
  decodeSupportedVersionsServer,
} from '../src/handshake/extensions/supported-versions.ts';
import { decodeCertificate } from '../src/handshake/messages/certificate.ts';
import { decodeCertificateRequest } from '../src/handshake/messages/certificate-request.ts';
import { decodeCertificateVerify } from '../src/handshake/messages/certificate-verify.ts';
import { decodeClientHello } from '../src/handshake/messages/client-hello.ts';
import { decodeEncryptedExtensions } from '../src/handshake/messages/encrypted-extensions.ts';
import { decodeFinished } from '../src/handshake/messages/finished.ts';
import { hasDowngradeSentinel, helloRetryRequestRandom } from '../src/handshake/messages/hello-random.ts';
import { decodeKeyUpdate } from '../src/handshake/messages/key-update.ts';
import { decodeNewSessionTicket } from '../src/handshake/messages/new-session-ticket.ts';
import { decodeServerHello } from '../src/handshake/messages/server-hello.ts';

const u16 = (value: number): number[] => [value >> 8, value & 255];
const v8 = (...body: number[]): number[] => [body.length, ...body];
const v16 = (...body: number[]): number[] => [...u16(body.length), ...body];
const v24 = (...body: number[]): number[] => [0, ...u16(body.length), ...body];
const many = (length: number, byte = 1): number[] => Array.from({ length }, () => byte);
const ext = (of: number, ...data: number[]): number[] => [...u16(of), ...v16(...data)];
const letters = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

type Alert = 'decode_error' | 'illegal_parameter' | 'protocol_version' | 'missing_extension' | 'unsupported_extension';
/** What is broken, the bytes, and the alert; `undefined` where nothing is. */
type Row = readonly [what: string, body: readonly number[], alert: Alert | undefined];

const table = (title: string, decode: (body: Uint8Array) => unknown, ...rows: readonly Row[]): void => {
  t.test(`malformed: ${title}`, async (t) => {
    for (const [what, body, alert] of rows) {
      let got: unknown;
      try {
        decode(Uint8Array.from(body));
      } catch (error) {
        if (!(error instanceof PeerMisbehavedError)) throw error;
        got = error.alert;
      }
      t.equal(got, alert, what);
    }
    t.ok(
      rows.some(([, , alert]) => alert === undefined),
      'and one that is right',
    );
  });
};

const versions13 = ext(type.supported_versions, ...v8(3, 4));
interface HelloParts {
  version: number[];
  random: number[];
  sessionId: number[];
  suites: number[];
  compression: number[];
  extensions: number[];
}
const clientHello = (parts: Partial<HelloParts> = {}): number[] => [
  ...(parts.version ?? [3, 3]),
  ...(parts.random ?? many(32)),
  ...(parts.sessionId ?? v8()),
  ...(parts.suites ?? v16(0x13, 1)),
  ...(parts.compression ?? v8(0)),
  ...(parts.extensions ?? v16(...versions13)),
];
table(
  'ClientHello',
  decodeClientHello,
  ['whole', clientHello(), undefined],
  ['nothing', [], 'decode_error'],
  ['session id of 32', clientHello({ sessionId: v8(...many(32)) }), undefined],
  ['session id of 33', clientHello({ sessionId: v8(...many(33)) }), 'decode_error'],
  ['no cipher suite', clientHello({ suites: v16() }), 'decode_error'],
  ['half a cipher suite', clientHello({ suites: v16(0x13) }), 'decode_error'],
  ['one and a half', clientHello({ suites: v16(0x13, 1, 0x13) }), 'decode_error'],
  ['the most cipher suites', clientHello({ suites: v16(...many(0xfffe)) }), undefined],
  ['more than the most', clientHello({ suites: v16(...many(0xffff)) }), 'decode_error'],
  ['no compression method', clientHello({ compression: v8() }), 'decode_error'],
  ['another compression method', clientHello({ compression: v8(1) }), 'illegal_parameter'],
  ['two compression methods', clientHello({ compression: v8(0, 1) }), 'illegal_parameter'],
  ['null twice', clientHello({ compression: v8(0, 0) }), 'illegal_parameter'],
  ['another legacy_version', clientHello({ version: [3, 4] }), 'protocol_version'],
  ['an old legacy_version', clientHello({ version: [3, 0] }), 'protocol_version'],
  ['an empty supported_versions', clientHello({ extensions: v16(...ext(43, ...v8())) }), 'decode_error'],
  ['an extension twice', clientHello({ extensions: v16(...versions13, ...versions13) }), 'illegal_parameter'],
  ['an unknown one twice', clientHello({ extensions: v16(...ext(0x7777), ...ext(0x7777)) }), 'illegal_parameter'],
  ['GREASE', clientHello({ extensions: v16(...ext(0x0a0a), ...versions13, ...ext(0xfafa, 0)) }), undefined],
  ['GREASE twice', clientHello({ extensions: v16(...ext(0x0a0a), ...ext(0x0a0a)) }), 'illegal_parameter'],
  ['one of CertificateRequest', clientHello({ extensions: v16(...ext(type.oid_filters)) }), 'illegal_parameter'],
  ['pre_shared_key at the end', clientHello({ extensions: v16(...versions13, ...ext(41, 1)) }), undefined],
  ['pre_shared_key before', clientHello({ extensions: v16(...ext(41, 1), ...versions13) }), 'illegal_parameter'],
  ['pre_shared_key before padding', clientHello({ extensions: v16(...ext(41, 1), ...ext(21)) }), 'illegal_parameter'],
  ['half an extension', clientHello({ extensions: v16(0, 43, 0) }), 'decode_error'],
  ['an extension longer than the rest', clientHello({ extensions: v16(0, 43, 0, 9, 1) }), 'decode_error'],
  ['extensions longer than the message', clientHello({ extensions: [0, 9, ...versions13] }), 'decode_error'],
  ['something after the extensions', [...clientHello(), 0], 'decode_error'],
  ['half the length of extensions', clientHello({ extensions: [0] }), 'decode_error'],
  ['without extensions: an older TLS', clientHello({ extensions: [] }), undefined],
  ['an empty list of them', clientHello({ extensions: v16() }), undefined],
  ['TLS 1.0', clientHello({ version: [3, 1], extensions: [], compression: v8(1, 0) }), undefined],
  ['TLS 1.2', clientHello({ extensions: v16(...ext(43, ...v8(3, 3))), compression: v8(1, 0) }), undefined],
);

const offered = new Set<number>([
  type.supported_versions,
  type.key_share,
  type.pre_shared_key,
  type.server_name,
  type.application_layer_protocol_negotiation,
  type.status_request,
  type.psk_key_exchange_modes,
  0x0a0a,
]);
const serverHello = (parts: Partial<Omit<HelloParts, 'suites'>> = {}): number[] => [
  ...(parts.version ?? [3, 3]),
  ...(parts.random ?? many(32)),
  ...(parts.sessionId ?? v8()),
  0x13,
  1,
  ...(parts.compression ?? [0]),
  ...(parts.extensions ?? v16(...ext(43, 3, 4))),
];
const sh = (...extensions: number[]): number[] => serverHello({ extensions: v16(...ext(43, 3, 4), ...extensions) });
const retry = Array.from(helloRetryRequestRandom());
const hrr = (...extensions: number[]): number[] =>
  serverHello({ random: retry, extensions: v16(...ext(43, 3, 4), ...extensions) });
table(
  'ServerHello and HelloRetryRequest',
  (body) => decodeServerHello(body, offered),
  ['whole', serverHello(), undefined],
  ['nothing', [], 'decode_error'],
  ['session id of 33', serverHello({ sessionId: v8(...many(33)) }), 'decode_error'],
  ['compression', serverHello({ compression: [1] }), 'illegal_parameter'],
  ['another legacy_version', serverHello({ version: [3, 4] }), 'protocol_version'],
  ['something after it', [...serverHello(), 0], 'decode_error'],
  ['an extension twice', sh(...ext(43, 3, 4)), 'illegal_parameter'],
  ['key_share', sh(...ext(51)), undefined],
  ['pre_shared_key first', serverHello({ extensions: v16(...ext(41, 0, 0), ...ext(43, 3, 4)) }), undefined],
  ['one of EncryptedExtensions', sh(...ext(type.server_name)), 'illegal_parameter'],
  ['ALPN, which goes encrypted', sh(...ext(16, ...v16(...v8(1)))), 'illegal_parameter'],
  ['one that only clients send', sh(...ext(type.psk_key_exchange_modes)), 'illegal_parameter'],
  ['one that was not offered', sh(...ext(0x7777)), 'unsupported_extension'],
  ['cookie, which is for the retry', sh(...ext(type.cookie, 0, 1, 1)), 'illegal_parameter'],
  ['GREASE that was offered', sh(...ext(0x0a0a)), 'unsupported_extension'],
  ['a retry', hrr(...ext(51, 0, 29)), undefined],
  ['a retry with a cookie, never offered', hrr(...ext(type.cookie, 0, 1, 1)), undefined],
  ['a retry with pre_shared_key', hrr(...ext(41, 0, 0)), 'illegal_parameter'],
  ['a retry with an unknown one', hrr(...ext(0x7777)), 'unsupported_extension'],
  ['a retry with compression', serverHello({ random: retry, compression: [1] }), 'illegal_parameter'],
  ['TLS 1.2 without extensions', serverHello({ extensions: [] }), undefined],
  ['TLS 1.2 with its own', serverHello({ extensions: v16(...ext(0xff01, 0), ...ext(23)) }), undefined],
  ['TLS 1.2 with one twice', serverHello({ extensions: v16(...ext(23), ...ext(23)) }), 'illegal_parameter'],
  ['TLS 1.1', serverHello({ version: [3, 2], extensions: [] }), undefined],
);
table(
  'ServerHello when nothing but supported_versions was offered',
  (body) => decodeServerHello(body, new Set([43])),
  ['whole', serverHello(), undefined],
  ['key_share', sh(...ext(51)), 'unsupported_extension'],
  ['pre_shared_key', sh(...ext(41)), 'unsupported_extension'],
);
table(
  'EncryptedExtensions',
  (body) => decodeEncryptedExtensions(body, offered),
  ['empty', v16(), undefined],
  ['nothing', [], 'decode_error'],
  ['one byte too many', [...v16(), 0], 'decode_error'],
  ['offered', v16(...ext(type.server_name), ...ext(16, 0)), undefined],
  ['not offered', v16(...ext(type.record_size_limit, 1, 0)), 'unsupported_extension'],
  ['unknown', v16(...ext(0x7777)), 'unsupported_extension'],
  ['GREASE', v16(...ext(0x0a0a)), 'unsupported_extension'],
  ['twice', v16(...ext(0), ...ext(0)), 'illegal_parameter'],
  ['key_share', v16(...ext(51)), 'illegal_parameter'],
  ['supported_versions', v16(...ext(43)), 'illegal_parameter'],
  ['pre_shared_key', v16(...ext(41)), 'illegal_parameter'],
  ['status_request, which goes with a certificate', v16(...ext(5)), 'illegal_parameter'],
);
const schemes = ext(type.signature_algorithms, ...v16(4, 3));
table(
  'CertificateRequest',
  decodeCertificateRequest,
  ['whole', [...v8(), ...v16(...schemes)], undefined],
  ['nothing', [], 'decode_error'],
  ['a context', [...v8(1), ...v16(...schemes)], 'illegal_parameter'],
  ['no extension', [...v8(), ...v16()], 'missing_extension'],
  ['no signature_algorithms', [...v8(), ...v16(...ext(47))], 'missing_extension'],
  ['twice', [...v8(), ...v16(...schemes, ...schemes)], 'illegal_parameter'],
  ['GREASE and unknown ones', [...v8(), ...v16(...ext(0x1a1a), ...schemes, ...ext(0x7777, 1))], undefined],
  ['key_share', [...v8(), ...v16(...schemes, ...ext(51))], 'illegal_parameter'],
  ['one byte too many', [...v8(), ...v16(...schemes), 0], 'decode_error'],
);
const entry = (certificate: number[], ...extensions: number[]): number[] => [
  ...v24(...certificate),
  ...v16(...extensions),
];
const staple = ext(5, 1, ...v24(7, 7));
const tooMany = (): Error => new LimitExceededError('maxChainLength', 'a chain of more than 2');
const certificate = (sender: 'client' | 'server') => (body: Uint8Array) =>
  decodeCertificate(body, { sender, offered: new Set([5]), maxEntries: 2, tooMany });
table(
  "Certificate, a server's",
  certificate('server'),
  ['whole', [...v8(), ...v24(...entry([1]), ...entry([2], ...staple))], undefined],
  ['nothing', [], 'decode_error'],
  ['no certificate', [...v8(), ...v24()], 'decode_error'],
  ['a context', [...v8(1), ...v24(...entry([1]))], 'illegal_parameter'],
  ['an empty certificate', [...v8(), ...v24(...entry([]))], 'decode_error'],
  ['no list of extensions', [...v8(), ...v24(...v24(1))], 'decode_error'],
  ['an extension that was not offered', [...v8(), ...v24(...entry([1], ...ext(18)))], 'unsupported_extension'],
  ['an unknown one', [...v8(), ...v24(...entry([1], ...ext(0x7777)))], 'unsupported_extension'],
  ['one that may not stand here', [...v8(), ...v24(...entry([1], ...ext(0)))], 'illegal_parameter'],
  ['two staples', [...v8(), ...v24(...entry([1], ...staple, ...staple))], 'illegal_parameter'],
  ['a broken staple at the second', [...v8(), ...v24(...entry([1]), ...entry([1], ...ext(5, 1)))], 'decode_error'],
  ['an empty staple', [...v8(), ...v24(...entry([1], ...ext(5, 1, ...v24())))], 'decode_error'],
  ['a staple that is not OCSP', [...v8(), ...v24(...entry([1], ...ext(5, 2, ...v24(1))))], 'illegal_parameter'],
  ['a list longer than the message', [...v8(), 255, 255, 255, ...entry([1])], 'decode_error'],
  ['a certificate longer than the list', [...v8(), ...v24(255, 255, 255, 1)], 'decode_error'],
  ['one byte too many', [...v8(), ...v24(...entry([1])), 0], 'decode_error'],
);
table(
  "Certificate, a client's",
  certificate('client'),
  ['none', [...v8(), ...v24()], undefined],
  ['a context', [...v8(1), ...v24()], 'illegal_parameter'],
);
t.test('malformed: a chain that is too long stops at the limit, with the error of whoever set it', async (t) => {
  // The third certificate is cut short: it is not looked at.
  const body = Uint8Array.from([...v8(), ...v24(...entry([1]), ...entry([2]), 255, 255)]);
  t.throws(() => certificate('server')(body), { name: 'LimitExceededError', limit: 'maxChainLength' });
  const two = Uint8Array.from([...v8(), ...v24(...entry([1]), ...entry([2]))]);
  t.equal(certificate('server')(two).entries.length, 2);
});
table(
  'CertificateVerify',
  decodeCertificateVerify,
  ['whole', [8, 4, ...v16(1, 2)], undefined],
  ['an empty signature has the form of one', [8, 4, ...v16()], undefined],
  ['nothing', [], 'decode_error'],
  ['one byte too many', [8, 4, ...v16(1, 2), 0], 'decode_error'],
  ['cut short', [8, 4, 0, 3, 1, 2], 'decode_error'],
);
table(
  'Finished',
  (body) => decodeFinished(body, 32),
  ['whole', many(32), undefined],
  ['nothing', [], 'decode_error'],
  ['one byte less', many(31), 'decode_error'],
  ['one byte more', many(33), 'decode_error'],
  ['of another hash', many(48), 'decode_error'],
);
const ticket = (nonce: number[], label: number[], ...extensions: number[]): number[] => [
  ...many(8, 255),
  ...v8(...nonce),
  ...v16(...label),
  ...v16(...extensions),
];
table(
  'NewSessionTicket',
  decodeNewSessionTicket,
  ['whole', ticket([0, 0], [1], ...ext(42, 0, 0, 0, 0)), undefined],
  ['no nonce', ticket([], [1]), undefined],
  ['the longest nonce', ticket(many(255), [1]), undefined],
  ['no ticket', ticket([0], []), 'decode_error'],
  ['GREASE and unknown ones', ticket([], [1], ...ext(0x2a2a), ...ext(0x7777, 1)), undefined],
  ['twice', ticket([], [1], ...ext(0x2a2a), ...ext(0x2a2a)), 'illegal_parameter'],
  ['key_share', ticket([], [1], ...ext(51)), 'illegal_parameter'],
  ['one byte too many', [...ticket([], [1]), 0], 'decode_error'],
  ['without extensions', [...many(8), ...v8(), ...v16(1)], 'decode_error'],
);
table(
  'KeyUpdate',
  decodeKeyUpdate,
  ['not requested', [0], undefined],
  ['requested', [1], undefined],
  ['2', [2], 'illegal_parameter'],
  ['255', [255], 'illegal_parameter'],
  ['nothing', [], 'decode_error'],
  ['two bytes', [0, 0], 'decode_error'],
);

const host = (...name: number[]): number[] => [0, ...v16(...name)];
table(
  'server_name',
  decodeServerName,
  ['whole', v16(...host(...letters('a.example'))), undefined],
  ['nothing', [], 'decode_error'],
  ['no name', v16(), 'decode_error'],
  ['an empty name', v16(...host()), 'decode_error'],
  ['two names', v16(...host(97), ...host(98)), 'illegal_parameter'],
  ['an unknown type as well', v16(7, ...v16(1), ...host(97)), undefined],
  ['an unknown type without a name', v16(7, ...v16()), 'decode_error'],
  ['255 letters', v16(...host(...many(255, 97))), undefined],
  ['256 letters', v16(...host(...many(256, 97))), 'illegal_parameter'],
  ['a zero byte', v16(...host(97, 0, 98)), 'illegal_parameter'],
  ['a space', v16(...host(97, 32)), 'illegal_parameter'],
  ['no ASCII', v16(...host(0xc3, 0xa4)), 'illegal_parameter'],
  ['one byte too many', [...v16(...host(97)), 0], 'decode_error'],
);
table(
  'an empty extension',
  (data) => decodeEmpty(data, 'early_data'),
  ['empty', [], undefined],
  ['a byte', [0], 'decode_error'],
);
table(
  'supported_groups',
  decodeSupportedGroups,
  ['whole', v16(0, 29, 0, 23), undefined],
  ['no group', v16(), 'decode_error'],
  ['half a group', v16(0, 29, 0), 'decode_error'],
  ['a group twice', v16(0, 29, 0, 23, 0, 29), 'illegal_parameter'],
  ['one byte too many', [...v16(0, 29), 0], 'decode_error'],
);
table(
  'signature_algorithms',
  decodeSignatureAlgorithms,
  ['whole', v16(4, 3), undefined],
  ['none', v16(), 'decode_error'],
  ['half of one', v16(4), 'decode_error'],
  ['the most', v16(...many(0xfffe)), undefined],
  ['more than the most', v16(...many(0xffff)), 'decode_error'],
  ['one byte too many', [...v16(4, 3), 0], 'decode_error'],
);
const h2 = v8(...letters('h2'));
table(
  'ALPN, a client',
  decodeAlpnClient,
  ['whole', v16(...h2, ...v8(0xff)), undefined],
  ['no protocol', v16(), 'decode_error'],
  ['one byte, which is no protocol', v16(1), 'decode_error'],
  ['an empty protocol', v16(...v8(), ...h2), 'decode_error'],
  ['only an empty one', v16(0), 'decode_error'],
  ['one longer than the list', v16(3, 1), 'decode_error'],
  ['a protocol twice', v16(...h2, ...v8(1), ...h2), 'illegal_parameter'],
  ['the longest', v16(...v8(...many(255))), undefined],
  ['one byte too many', [...v16(...h2), 0], 'decode_error'],
);
table(
  'ALPN, a server',
  decodeAlpnServer,
  ['whole', v16(...h2), undefined],
  ['none', v16(), 'decode_error'],
  ['two', v16(...h2, ...v8(1)), 'illegal_parameter'],
);
table(
  'supported_versions, a client',
  decodeSupportedVersionsClient,
  ['whole', v8(3, 4), undefined],
  ['none', v8(), 'decode_error'],
  ['half', v8(3), 'decode_error'],
  ['one and a half', v8(3, 4, 3), 'decode_error'],
  ['the most', v8(...many(254)), undefined],
  ['more than the most', v8(...many(255)), 'decode_error'],
  ['one byte too many', [...v8(3, 4), 0], 'decode_error'],
);
table(
  'supported_versions, a server',
  decodeSupportedVersionsServer,
  ['TLS 1.3', [3, 4], undefined],
  ['TLS 1.2', [3, 3], 'illegal_parameter'],
  ['a later one', [3, 5], 'illegal_parameter'],
  ['a draft', [0x7f, 28], 'illegal_parameter'],
  ['GREASE', [0x0a, 0x0a], 'illegal_parameter'],
  ['a list', v8(3, 4), 'decode_error'],
  ['nothing', [], 'decode_error'],
);
const share = (group: number, ...key: number[]): number[] => [...u16(group), ...v16(...key)];
table(
  'key_share, a client',
  decodeKeyShareClient,
  ['none, to ask for a retry', v16(), undefined],
  ['two', v16(...share(29, 1), ...share(23, 2)), undefined],
  ['an empty share', v16(...share(29)), 'decode_error'],
  ['a group twice', v16(...share(29, 1), ...share(23, 1), ...share(29, 2)), 'illegal_parameter'],
  ['GREASE', v16(...share(0x0a0a, 0), ...share(29, 1)), undefined],
  ['GREASE twice', v16(...share(0x0a0a, 0), ...share(0x0a0a, 0)), 'illegal_parameter'],
  ['nothing', [], 'decode_error'],
  ['one byte too many', [...v16(...share(29, 1)), 0], 'decode_error'],
  ['a share longer than the list', v16(0, 29, 0, 2, 1), 'decode_error'],
);
t.test('malformed: shares are of supported groups, in their order', async (t) => {
  const check = (shares: readonly number[], groups: readonly number[]): void =>
    checkKeyShareGroups(
      shares.map((group) => ({ group, keyExchange: Uint8Array.of(1) })),
      groups,
    );
  for (const shares of [[], [29], [23], [29, 23], [29, 24], [23, 24], [29, 23, 24]]) check(shares, [29, 23, 24]);
  for (const shares of [[30], [23, 29], [29, 30], [24, 23], [29, 29]])
    t.throws(
      () => check(shares, [29, 23, 24]),
      { name: 'PeerMisbehavedError', alert: 'illegal_parameter' },
      `${shares}`,
    );
  t.throws(() => check([29], []), { name: 'PeerMisbehavedError', alert: 'illegal_parameter' });
});
table(
  'key_share, a server',
  decodeKeyShareServer,
  ['whole', share(29, 1), undefined],
  ['empty', share(29), 'decode_error'],
  ['a list', v16(...share(29, 1)), 'decode_error'],
  ['a second share', [...share(29, 1), ...share(23, 1)], 'decode_error'],
);
table(
  'psk_key_exchange_modes',
  decodePskKeyExchangeModes,
  ['whole', v8(1), undefined],
  ['unknown ones', v8(0x0b, 1, 0), undefined],
  ['none', v8(), 'decode_error'],
  ['nothing', [], 'decode_error'],
  ['one byte too many', [...v8(1), 0], 'decode_error'],
);
const psk = (...identity: number[]): number[] => [...v16(...identity), ...many(4)];
const binder = (length: number): number[] => v8(...many(length));
table(
  'pre_shared_key, a client',
  decodePreSharedKeyClient,
  ['whole', [...v16(...psk(1)), ...v16(...binder(32))], undefined],
  ['two', [...v16(...psk(1), ...psk(2)), ...v16(...binder(32), ...binder(48))], undefined],
  ['the longest binder', [...v16(...psk(1)), ...v16(...binder(255))], undefined],
  ['no identity', [...v16(), ...v16(...binder(32))], 'decode_error'],
  ['no binder', [...v16(...psk(1)), ...v16()], 'decode_error'],
  ['an empty identity', [...v16(...psk()), ...v16(...binder(32))], 'decode_error'],
  [
    'an empty identity beside another',
    [...v16(...psk(1), ...psk()), ...v16(...binder(32), ...binder(32))],
    'decode_error',
  ],
  ['half an age', [...v16(...v16(1, 2, 3), 1, 1), ...v16(...binder(32))], 'decode_error'],
  ['a binder of 31', [...v16(...psk(1)), ...v16(...binder(31))], 'decode_error'],
  ['a second binder of 31', [...v16(...psk(1), ...psk(2)), ...v16(...binder(32), ...binder(31))], 'decode_error'],
  ['fewer binders', [...v16(...psk(1), ...psk(2)), ...v16(...binder(32))], 'illegal_parameter'],
  ['more binders', [...v16(...psk(1)), ...v16(...binder(32), ...binder(32))], 'illegal_parameter'],
  ['no list of binders', v16(...psk(1)), 'decode_error'],
  ['one byte too many', [...v16(...psk(1)), ...v16(...binder(32)), 0], 'decode_error'],
);
table(
  'cookie',
  decodeCookie,
  ['whole', v16(1), undefined],
  ['empty', v16(), 'decode_error'],
  ['nothing', [], 'decode_error'],
  ['one byte too many', [...v16(1), 0], 'decode_error'],
);
table(
  'record_size_limit, a client',
  decodeRecordSizeLimitClient,
  ['64', u16(64), undefined],
  ['63', u16(63), 'illegal_parameter'],
  ['0', u16(0), 'illegal_parameter'],
  ['more than TLS 1.3 has', u16(0xffff), undefined],
  ['one byte', [1], 'decode_error'],
  ['three bytes', [1, 0, 0], 'decode_error'],
);
table(
  'record_size_limit, a server',
  decodeRecordSizeLimitServer,
  ['the most', u16(16_385), undefined],
  ['more than that', u16(16_386), 'illegal_parameter'],
  ['63', u16(63), 'illegal_parameter'],
);
table(
  'status_request, a client',
  decodeStatusRequest,
  ['whole', [1, ...v16(), ...v16()], undefined],
  ['with a responder', [1, ...v16(...v16(1)), ...v16(1, 2)], undefined],
  ['with an empty responder', [1, ...v16(...v16()), ...v16()], 'decode_error'],
  ['an unknown type', [2, 9, 9], undefined],
  ['nothing', [], 'decode_error'],
  ['no extensions', [1, ...v16()], 'decode_error'],
  ['one byte too many', [1, ...v16(), ...v16(), 0], 'decode_error'],
);
table(
  'status_request, a staple',
  decodeCertificateStatus,
  ['whole', [1, ...v24(1)], undefined],
  ['empty', [1, ...v24()], 'decode_error'],
  ['not OCSP', [2, ...v24(1)], 'illegal_parameter'],
  ['one byte too many', [1, ...v24(1), 0], 'decode_error'],
);
table(
  'certificate_authorities',
  decodeCertificateAuthorities,
  ['whole', v16(...v16(1), ...v16(1, 2)), undefined],
  ['none', v16(), 'decode_error'],
  ['an empty name', v16(...v16()), 'decode_error'],
  ['an empty name beside another', v16(...v16(1), ...v16()), 'decode_error'],
  ['one byte too many', [...v16(...v16(1)), 0], 'decode_error'],
);

t.test("malformed: RFC 8446 §4.2's table, every extension in every message", async (t) => {
  // The table as the RFC prints it, but for server_name in CertificateRequest (RFC 9846) and compress_certificate (RFC 8879).
  const printed: Readonly<Record<keyof typeof type, string>> = {
    server_name: 'CH, EE, CR',
    max_fragment_length: 'CH, EE',
    status_request: 'CH, CR, CT',
    supported_groups: 'CH, EE',
    signature_algorithms: 'CH, CR',
    use_srtp: 'CH, EE',
    heartbeat: 'CH, EE',
    application_layer_protocol_negotiation: 'CH, EE',
    signed_certificate_timestamp: 'CH, CR, CT',
    client_certificate_type: 'CH, EE',
    server_certificate_type: 'CH, EE',
    padding: 'CH',
    compress_certificate: 'CH, CR',
    record_size_limit: 'CH, EE',
    pre_shared_key: 'CH, SH',
    early_data: 'CH, EE, NST',
    supported_versions: 'CH, SH, HRR',
    cookie: 'CH, HRR',
    psk_key_exchange_modes: 'CH',
    certificate_authorities: 'CH, CR',
    oid_filters: 'CR',
    post_handshake_auth: 'CH',
    signature_algorithms_cert: 'CH, CR',
    key_share: 'CH, SH, HRR',
  };
  const short: Readonly<Record<ExtensionPlace, string>> = {
    ClientHello: 'CH',
    ServerHello: 'SH',
    HelloRetryRequest: 'HRR',
    EncryptedExtensions: 'EE',
    CertificateRequest: 'CR',
    Certificate: 'CT',
    NewSessionTicket: 'NST',
  };
  const all = new Set<number>(Object.values(type));
  for (const [name, row] of Object.entries(printed))
    for (const [place, letters] of Object.entries(short) as [ExtensionPlace, string][]) {
      const number = type[name as keyof typeof type];
      const may = row.split(', ').includes(letters);
      t.equal(mayStandIn(number, place), may, `${name} in ${place}`);
      const run = (): unknown => readExtensions(Uint8Array.from(ext(number)), place, all);
      if (may) t.equal((run() as ReadonlyMap<number, unknown>).size, 1);
      else t.throws(run, { name: 'PeerMisbehavedError', alert: 'illegal_parameter' });
    }
});

t.test('hellos: a downgrade is seen in the random', async (t) => {
  const random = (...last: number[]): { random: Uint8Array } => ({
    random: Uint8Array.from([...many(24), ...last]),
  });
  t.ok(hasDowngradeSentinel(random(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 1)));
  t.ok(hasDowngradeSentinel(random(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0)));
  t.notOk(hasDowngradeSentinel(random(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 2)));
  t.notOk(hasDowngradeSentinel(random(...many(8))));
});
