// `fromDataChannel` over WebRTC itself, which Node has not: two peer connections in a page of headless Chromium.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { bundle } from './bundle.ts';
import { chromiumPath, openPage } from './chromium.ts';

t.setTimeout(120_000);

const path = chromiumPath();
const skip = path === undefined ? { skip: 'skipped: chromium is not installed' } : {};

t.test('over a real RTCDataChannel, in headless Chromium', skip, async (t) => {
  const { code, imports } = await bundle({ file: 'data-channel-page.ts' }, 'browser', ['node:*']); // the test kit has more than the page uses
  t.same(imports, [], 'the page needs its own script alone');
  const page = await openPage(t, path!, { 'page.js': code });
  const results = await page.evaluate<Record<string, string>>("import('./page.js').then((page) => page.compliance())");
  t.ok(Object.keys(results).length > 20, `${Object.keys(results).length} promises`);
  for (const [name, result] of Object.entries(results)) t.equal(result, 'ok', name);

  const pki = await testPki();
  const { certificatePem, keyPem } = await pki.leaf('ecdsa');
  const input = JSON.stringify({ cert: certificatePem, key: keyPem, authority: pki.authorityPem });
  const echo = await page.evaluate(`import('./page.js').then((page) => page.echo(${input}))`);
  t.same(echo, { version: 'TLSv1.3', isEqual: true, failures: [] }, 'two mebibytes through TLS in the channel');
});
