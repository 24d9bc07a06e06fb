import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

/** Where Debian's Chromium is; undefined when it is not installed. */
export function chromiumPath(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v chromium || command -v chromium-browser'], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
}

// Asks nothing of the network, of a graphics card, or of a sandbox, which root has not
const quietly = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * A page in a browser without a window, on an origin of the loopback interface that serves the scripts given and is allowed those alone:
 * no `eval`, no inline script; and connections to `connectsTo` (a CSP source). Both are gone at the end of the test.
 */
export async function openPage(
  t: Test,
  path: string,
  scripts: Readonly<Record<string, string>>,
  connectsTo = "'none'",
): Promise<Page> {
  const server = createServer(({ url = '/' }, response) => {
    const script = scripts[url.slice(1)];
    const policy = `default-src 'none'; script-src 'self'; worker-src 'self'; connect-src ${connectsTo}`;
    response.setHeader('content-security-policy', policy);
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script ?? '<!doctype html><title>rxtls</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const browser = await chromium.launch({ executablePath: path, args: quietly, timeout: 60_000 });
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return page;
}
