// Our own TLS 1.3 where it is meant to run: both ends in a page of headless Chromium, and in a worker, on the noble provider.
import { testPki, type TestCredentials } from '@rxtls/testing';
import t from 'tap';
import { bundle } from './bundle.ts';
import { chromiumPath, openPage } from './chromium.ts';
import type { Exchange, PagePki } from './pair.ts';

t.setTimeout(120_000);

const path = chromiumPath();
const skip = path === undefined ? { skip: 'skipped: chromium is not installed' } : {};

async function pagePki(): Promise<PagePki> {
  const pki = await testPki();
  const credentials = ({ certificatePem, keyPem }: TestCredentials) => ({ cert: certificatePem, key: keyPem });
  return {
    authority: pki.authorityPem,
    ecdsa: credentials(await pki.leaf('ecdsa')),
    rsa: credentials(await pki.leaf('rsa')),
    untrusted: credentials(await pki.leaf('untrusted')),
  };
}

/** Calls what the page asks for, and says what came of it. */
const workerScript = `import * as pair from './pair.js';
self.onmessage = ({ data: { name, pki } }) =>
  pair[name](pki).then((value) => self.postMessage({ value }), (error) => self.postMessage({ error: String(error?.stack ?? error) }));`;

/** The same, as expressions for a page: programs for it, which the loader of this file must not see as imports. */
const calls = {
  page: (name: string, pki: string) => `import('./pair.js').then((pair) => pair.${name}(${pki}))`,
  worker: (name: string, pki: string) => `new Promise((resolve, reject) => {
    const worker = new Worker('./worker.js', { type: 'module' });
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      'value' in data ? resolve(data.value) : reject(new Error(data.error));
    };
    worker.postMessage({ name: '${name}', pki: ${pki} });
  })`,
};

t.test('headless Chromium runs both ends', skip, async (t) => {
  const { code, imports } = await bundle({ file: 'pair.ts' });
  t.same(imports, [], 'the page needs its own script alone');
  const page = await openPage(t, path!, { 'pair.js': code, 'worker.js': workerScript });
  const pki = JSON.stringify(await pagePki());

  for (const [place, call] of Object.entries(calls)) {
    const run = <T>(name: string): Promise<T> => page.evaluate<T>(call(name, pki));

    const expected = (exchange: Exchange, resumed: boolean): object => ({
      version: 'TLSv1.3',
      cipherSuite: 'TLS_CHACHA20_POLY1305_SHA256',
      group: 'x25519',
      alpnProtocol: 'page',
      resumed: [resumed, resumed],
      sent: exchange.sent,
      received: exchange.sent,
    });

    await t.test(`${place}: a handshake, a mebibyte each way, and again by resumption`, async (t) => {
      const [first, second] = await run<readonly [Exchange, Exchange]>('twice');
      for (const [exchange, resumed] of [
        [first, false],
        [second, true],
      ] as const) {
        t.same(exchange, expected(exchange, resumed));
      }
      t.equal(new Set([...first.sent, ...second.sent]).size, 4, 'four different messages');
      t.match(first.sent, [/^[0-9a-f]{64}$/, /^[0-9a-f]{64}$/]);
    });

    await t.test(`${place}: a certificate that nobody trusts is refused`, async (t) => {
      t.same(await run('refused'), [
        { name: 'CertificateError', reason: 'unknown-authority' },
        { name: 'AlertReceivedError', alert: 'unknown_ca' },
      ]);
    });

    await t.test(`${place}: WebCrypto signs with an RSA key that cannot be read`, async (t) => {
      const { schemes, ...exchange } = await run<Exchange & { readonly schemes: readonly string[] }>('signed');
      t.same(exchange, expected(exchange, false));
      t.same(schemes, ['rsa_pss_rsae_sha256'], 'asked once');
    });
  }
});
