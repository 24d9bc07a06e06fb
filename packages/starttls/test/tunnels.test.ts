// CONNECT, SOCKS5 and the PROXY protocol: what they give is a transport again.
import type { ByteDuplex } from '@rxtls/core';
import { LimitExceededError, PeerIncompatibleError, PeerMisbehavedError } from '@rxtls/core/engine';
import { httpConnect, proxyProtocol, type ProxyProtocolOptions, proxyProtocolServer, socks5 } from '@rxtls/starttls';
import { concat, mergeMap, NEVER, of, Subject } from 'rxjs';
import t from 'tap';
import { memoryPair } from '../../transport-memory/src/index.ts';
import { ascii, clientAgainst, hex, joined, leftFor, Seen, serverAgainst, text } from './bench.ts';

t.teardown(() => Seen.endAll());

const target = 'inner.example:443';
const connectVia = (...answers: readonly string[]) =>
  clientAgainst(httpConnect(target), { answers: [ascii(answers.join(''))] });

t.test('CONNECT: what is asked, and a 2xx opens the tunnel', async (t) => {
  for (const fragment of [undefined, 1, 2, 7]) {
    const answers = [ascii('HTTP/1.1 200 Connection established\r\nVia: 1.1 a\r\n\r\n')];
    const seen = clientAgainst(httpConnect(target), { answers }, fragment);
    t.equal(seen.error, undefined);
    t.equal(text(...seen.written), 'CONNECT inner.example:443 HTTP/1.1\r\nHost: inner.example:443\r\n\r\n');
    t.equal(seen.values.length, 1);
  }
  const headers = { 'Proxy-Authorization': 'Basic c2VjcmV0', 'X-Odd': 'a\tb ü' };
  const seen = clientAgainst(httpConnect('[2001:db8::1]:8443', { headers }), { answers: [] });
  t.equal(
    text(...seen.written),
    'CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n' +
      'Proxy-Authorization: Basic c2VjcmV0\r\nX-Odd: a\tb ü\r\n\r\n',
  );
});

t.test(
  'P7 (CONNECT): what came with the answer comes first from the tunnel; lengths in a 2xx mean nothing',
  async (t) => {
    const heads = [
      'HTTP/1.0 200\r\n\r\n',
      'HTTP/1.1 299 fine\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 ok\r\n\r\n',
    ];
    for (const head of heads) {
      const seen = connectVia(head, '5\r\nhello from the target');
      t.equal(seen.error, undefined);
      seen.peer.sink.write(ascii(', and more'));
      t.equal(leftFor(seen.values[0]!), '5\r\nhello from the target, and more');
    }
  },
);

t.test('P4 (CONNECT): anything but a 2xx is an error, with its status and nothing else', async (t) => {
  for (const status of [
    '302 Found',
    '400 Bad',
    '403 no tell-tale',
    '407 Proxy Authentication Required',
    '502',
    '599 x',
  ]) {
    const seen = connectVia(`HTTP/1.1 ${status}\r\nX-Tell: tell-tale\r\n\r\n`, 'body');
    t.ok(seen.error instanceof PeerIncompatibleError, String(seen.error));
    t.match(seen.error?.message, new RegExp(`\\(${status.slice(0, 3)}\\)`));
    if (status.startsWith('407')) t.match(seen.error?.message, /give headers with Proxy-Authorization/);
    t.notMatch(seen.error?.message, /tell-tale/);
    t.equal(seen.values.length, 0);
    t.equal(seen.aborts, 1);
  }
  const wrong = [
    'HTTP/2 200\r\n',
    'SSH-2.0-x\r\n',
    'HTTP/1.1 200 ok\n',
    'HTTP/1.1 101 x\r\n\r\n',
    'HTTP/1.1 200 ok\r\n folded\r\n',
    'HTTP/1.1 200 ok\r\nno colon\r\n',
    'HTTP/1.1 200 ok\r\nA : b\r\n',
    'HTTP/1.1 600 x\r\n',
  ];
  for (const answer of wrong) {
    const seen = connectVia(answer);
    t.ok(seen.error instanceof PeerMisbehavedError, `${answer}: ${seen.error}`);
    t.equal(seen.aborts, 1);
  }
});

t.test('R2 (CONNECT): heads are bounded', async (t) => {
  const field = `X: ${'x'.repeat(1_000)}\r\n`;
  const endless = [
    [`HTTP/1.1 200 ${'x'.repeat(9_000)}`, 'maxUpgradeLineBytes'],
    [`HTTP/1.1 200 ok\r\n${field.repeat(70)}`, 'maxUpgradeBytes'],
    ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(3_000), 'maxUpgradeBytes'],
  ] as const;
  for (const [answer, limit] of endless) {
    const { error } = connectVia(answer);
    t.ok(error instanceof LimitExceededError, String(error));
    t.match(error, { limit });
  }
});

t.test('targets and credentials cannot say more than they are', async (t) => {
  const targets = [
    '',
    'host',
    'host:0',
    'host:65536',
    'host:1:2',
    '::1:443',
    '[::1]',
    '[1.2.3.4]:1',
    '[::g]:1',
    'a b:1',
    'a\r\nX: y:1',
    'a\0:1',
    'user@host:1',
    'hö.example:1',
    `${'a'.repeat(254)}:1`,
    'host:1\n',
    5,
    null,
  ];
  for (const wrong of targets)
    for (const operator of [httpConnect, socks5])
      t.throws(
        () => Reflect.apply(operator, undefined, [wrong]),
        { name: 'ApiMisuseError', message: /host:port/ },
        String(wrong),
      );
  for (const value of ['secret\r\nX: y', 'secret\n', 'secret\0', 'secret\u0100', 'secret'.repeat(2_000), 5 as never]) {
    const error = t.throws(() => httpConnect(target, { headers: { 'Proxy-Authorization': value } }), {
      name: 'ApiMisuseError',
    });
    t.notMatch((error as Error).message, /secret/);
  }
  for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'a b', 'a\r\nb', '', 'a:'])
    t.throws(() => httpConnect(target, { headers: { [name]: 'x' } }), { name: 'ApiMisuseError' }, name);
  for (const wrong of ['', 'secret'.repeat(50), 'secret\ud800', 5]) {
    for (const login of [
      { username: wrong, password: 'x' },
      { username: 'x', password: wrong },
    ]) {
      const error = t.throws(() => Reflect.apply(socks5, undefined, [target, login]), { name: 'ApiMisuseError' });
      t.notMatch((error as Error).message, /secret/);
    }
  }
  t.throws(() => socks5(target, { username: 'x' }), { name: 'ApiMisuseError', message: /together/ });
});

const bound = hex('05000001 00000000 0000');

t.test('SOCKS5: what is asked, for names and addresses, and the tunnel', async (t) => {
  const asked = (where: string): string =>
    text(clientAgainst(socks5(where), { answers: [hex('0500'), bound] }).written[1]!);
  t.equal(asked(target), text(joined(hex('05010003 0d'), ascii('inner.example'), hex('01bb'))));
  t.equal(asked('192.0.2.1:80'), text(hex('05010001 c0000201 0050')));
  t.equal(asked('[2001:db8::1]:65535'), text(hex('05010004 20010db8000000000000000000000001 ffff')));
  for (const fragment of [undefined, 1, 3])
    for (const address of ['01 7f000001', '04 00000000000000000000000000000001', '03 03 666f6f', '03 00']) {
      const answers = [hex('0500'), joined(hex('050000'), hex(address), hex('1f90'), ascii('hello'))];
      const seen = clientAgainst(socks5(target), { answers }, fragment);
      t.equal(seen.error, undefined);
      t.equal(leftFor(seen.values[0]!), 'hello', `P7: after ${address}`);
    }
});

t.test('SOCKS5: username and password (RFC 1929)', async (t) => {
  const login = { username: 'ü', password: 'secret' };
  const seen = clientAgainst(socks5(target, login), { answers: [hex('0502'), hex('0100'), bound] });
  t.equal(text(seen.written[0]!), text(hex('05020002')));
  t.equal(text(seen.written[1]!), text(joined(hex('01 02c3bc 06'), ascii('secret'))));
  t.equal(seen.values.length, 1);
  const without = clientAgainst(socks5(target, login), { answers: [hex('0500'), bound] });
  t.equal(without.values.length, 1, 'a proxy that does not ask gets none');
  t.equal(without.written.length, 2);
  const refused = clientAgainst(socks5(target, login), { answers: [hex('0502'), hex('0101')] });
  t.ok(refused.error instanceof PeerIncompatibleError);
  t.notMatch(refused.error?.message, /secret/);
  const odd = clientAgainst(socks5(target, login), { answers: [hex('0502'), hex('0500'), bound] });
  t.match(odd.error, { name: 'PeerMisbehavedError', message: /none to username and password/ });
});

t.test('P4 (SOCKS5): refusals and nonsense', async (t) => {
  const refused = [[hex('05ff')], [hex('0500'), hex('05050001')]];
  for (const answers of refused) {
    const seen = clientAgainst(socks5(target), { answers });
    t.ok(seen.error instanceof PeerIncompatibleError, String(seen.error));
    t.equal(seen.aborts, 1);
  }
  const wrong = [
    [hex('0400')],
    [ascii('HTTP/1.1 400')],
    [hex('0502')], // not offered
    [hex('0501')],
    [hex('0500 05000001')], // an answer before the question
    [hex('0500'), hex('04000001')],
    [hex('0500'), hex('05000101')],
    [hex('0500'), hex('05000005')],
  ];
  for (const answers of wrong) {
    const seen = clientAgainst(socks5(target), { answers });
    t.ok(seen.error instanceof PeerMisbehavedError, String(seen.error));
    t.equal(seen.values.length, 0);
  }
});

const ends = { source: { address: '192.0.2.7', port: 50_000 }, destination: { address: '192.0.2.1', port: 443 } };
const ends6 = {
  source: { address: '2001:db8::7', port: 0 },
  destination: { address: '::ffff:192.0.2.1', port: 65_535 },
};
const signature = '0d0a0d0a000d0a515549540a';

/** The header a client writes. */
const written = (options: ProxyProtocolOptions): string =>
  text(...clientAgainst(proxyProtocol(options), { answers: [] }).written);
/** The transport that a server reads out of it. */
const read = (header: string, fragment?: number): ByteDuplex => {
  const seen = serverAgainst(proxyProtocolServer(), [ascii(header)], fragment);
  if (seen.error !== undefined) throw seen.error;
  return seen.values[0]!;
};

t.test('PROXY: headers of both versions, written', async (t) => {
  t.equal(written({ version: 1, ...ends }), 'PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\r\n');
  t.equal(written({ version: 1, ...ends6 }), 'PROXY TCP6 2001:db8::7 ::ffff:c000:201 0 65535\r\n');
  t.equal(written({ version: 1 }), 'PROXY UNKNOWN\r\n');
  t.equal(written(ends), text(hex(`${signature} 21 11 000c c0000207 c0000201 c350 01bb`)));
  t.equal(written({}), text(hex(`${signature} 20 00 0000`)));
  const seen = clientAgainst(proxyProtocol(ends), { answers: [ascii('hello')] });
  t.equal(leftFor(seen.values[0]!), 'hello');
});

t.test('P7 (PROXY): written, read at every split, and what follows is the connection’s', async (t) => {
  const headers: readonly (readonly [ProxyProtocolOptions, string | undefined, string | undefined])[] = [
    [{ version: 1, ...ends }, '192.0.2.7:50000', '192.0.2.1:443'],
    [{ version: 2, ...ends }, '192.0.2.7:50000', '192.0.2.1:443'],
    [{ version: 1, ...ends6 }, '[2001:db8::7]:0', '[::ffff:c000:201]:65535'],
    [{ version: 2, ...ends6 }, '[2001:db8::7]:0', '[::ffff:c000:201]:65535'],
    [{ version: 1 }, 'memory:b', 'memory:a'],
    [{ version: 2 }, 'memory:b', 'memory:a'],
  ];
  for (const [options, remote, local] of headers)
    for (const fragment of [undefined, 1, 5, 13]) {
      const duplex = read(`${written(options)}\u0016\u0003first bytes`, fragment);
      t.same(duplex.info, { remote, local });
      t.equal(leftFor(duplex), '\u0016\u0003first bytes');
    }
});

t.test('PROXY: what tells of nobody, TLVs, and addresses as text', async (t) => {
  t.match(read('PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n').info, { remote: 'memory:b' });
  t.match(read(text(hex(`${signature} 21 00 0003 010203`))).info, { remote: 'memory:b' }, 'unspecified');
  t.match(read(text(hex(`${signature} 21 31 0000`))).info, { remote: 'memory:b' }, 'Unix');
  t.match(read(text(hex(`${signature} 20 11 0002 ffff`))).info, { remote: 'memory:b' }, 'LOCAL');
  const withTlv = text(hex(`${signature} 21 11 0012 c0000207 c0000201 c350 01bb 010003 aabbcc`));
  const duplex = read(`${withTlv}rest`);
  t.match(duplex.info, { remote: '192.0.2.7:50000' });
  t.equal(leftFor(duplex), 'rest');
  const texts = [
    ['0:0:0:0:0:0:0:0', '[::]'],
    ['::1', '[::1]'],
    ['1::', '[1::]'],
    ['1:0:0:2:0:0:0:3', '[1:0:0:2::3]'],
    ['1:0:2:3:4:5:6:7', '[1:0:2:3:4:5:6:7]'],
  ] as const;
  for (const [address, expected] of texts)
    t.equal(read(`PROXY TCP6 ${address} ::1 1 2\r\n`).info.remote, `${expected}:1`);
});

t.test('PROXY: a connection without a header, or with a wrong one, is refused', async (t) => {
  const long = `PROXY TCP6 ${'f'.repeat(100)}`;
  const wrong = [
    '\u0016\u0003\u0001',
    'GET / HTTP/1.1\r\n',
    'PROXX',
    long,
    `${long}\r\n`,
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, // 108 bytes
    'PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 50000\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 65536 1\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 01 1\r\n',
    'PROXY TCP4 192.0.2.07 192.0.2.1 1 1\r\n',
    'PROXY UDP4 192.0.2.7 192.0.2.1 1 1\r\n',
    'PROXY  TCP4 192.0.2.7 192.0.2.1 1 1\r\n',
    text(hex(`${signature} 11 11 000c`)) + 'x'.repeat(12),
    text(hex(`${signature} 22 11 000c`)) + 'x'.repeat(12),
    text(hex(`${signature} 21 12 000c`)) + 'x'.repeat(12),
    text(hex(`${signature} 21 11 000b`)) + 'x'.repeat(11),
    text(hex(`${signature} 21 21 000c`)) + 'x'.repeat(12),
  ];
  for (const header of wrong) {
    const seen = serverAgainst(proxyProtocolServer(), [ascii(header)]);
    t.ok(seen.error instanceof PeerMisbehavedError, `${JSON.stringify(header)}: ${seen.error}`);
    t.equal(seen.values.length, 0);
    t.equal(seen.aborts, 1);
  }
  const huge = serverAgainst(proxyProtocolServer(), [hex(`${signature} 21 11 ffff`)]);
  t.match(huge.error, { name: 'LimitExceededError', limit: 'maxUpgradeLineBytes' });
});

t.test('what an upgrade hands on has the credit it was given, no less and no more', async (t) => {
  const seen = serverAgainst(proxyProtocolServer(), [ascii('PROXY UNKNOWN\r\nrest')]);
  const { source } = seen.values[0]!;
  const chunks: string[] = [];
  source.bytes.subscribe((bytes) => chunks.push(text(bytes)));
  t.same(chunks, [], 'nothing that was not asked for');
  source.request(1);
  t.same(chunks, ['rest']);
  seen.peer.sink.write(ascii('more'));
  t.same(chunks, ['rest'], 'the debt of that chunk is the reader’s own');
  source.request(4);
  t.same(chunks, ['rest', 'more']);
});

t.test(
  'a transport that was asked for everything before: what is there comes within subscribe, and is handed on',
  async (t) => {
    const [ours, peer] = memoryPair();
    peer.sink.write(ascii('PROXY UNKNOWN\r\nre'));
    peer.sink.write(ascii('st'));
    ours.source.request(Number.POSITIVE_INFINITY);
    let read = '';
    concat(of(ours), NEVER)
      .pipe(
        proxyProtocolServer(),
        mergeMap(({ source }) => source.bytes),
      )
      .subscribe((bytes) => (read += text(bytes)));
    t.equal(read, 'rest');
  },
);

t.test('W8: a sink that fails ends the dialogue, though nothing was read', async (t) => {
  const [ours] = memoryPair();
  const demand = new Subject<number>();
  const seen = new Seen({ ...ours, sink: { ...ours.sink, demand } }, socks5(target));
  demand.error(new Error('no more'));
  t.match(seen.error, { name: 'AbortedError', retryable: true, cause: { message: 'no more' } });
  t.equal(seen.aborts, 1);
});

t.test('PROXY: options that cannot be', async (t) => {
  const address = '192.0.2.1';
  const wrong = [
    { version: 3 },
    { source: ends.source },
    { destination: ends.destination },
    { source: ends.source, destination: ends6.destination },
    { source: { address: 'a.example', port: 1 }, destination: ends.destination },
    { source: { address: '1.2.3.4\r\n', port: 1 }, destination: ends.destination },
    { source: { address, port: 65_536 }, destination: ends.destination },
    { source: { address, port: 1, host: 'x' }, destination: ends.destination },
    { local: true },
    null,
  ];
  for (const options of wrong)
    t.throws(
      () => Reflect.apply(proxyProtocol, undefined, [options]),
      { name: 'ApiMisuseError' },
      JSON.stringify(options),
    );
});
