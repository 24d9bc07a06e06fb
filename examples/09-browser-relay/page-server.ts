import { createServer, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Observable } from 'rxjs';
import type { Hop } from './hop.ts';
import type { PageSettings } from './page-settings.ts';

const folder = join(import.meta.dirname, 'page');

/** The page as one script: the browser's build of the engine comes with esbuild's conditions for browsers. */
async function script(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'page.ts')],
    conditions: ['rxtls:source'],
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    bundle: true,
    minify: true,
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

/** No script but our own, no connection but to this server and the relays, no frame around it, no HTML made from strings. */
const policy = (relays: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${relays.map((url) => new URL(url).origin).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');

/** Serves the page, with the authority and the addresses in it, and what the hops see as server-sent events. Everybody who can change what this serves can read all. */
export async function pageServer(settings: PageSettings, hops: Observable<Hop>): Promise<Server> {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  // In a block of data, `<` is the one character that could end it
  const data = JSON.stringify(settings).replaceAll('<', '\\u003c');
  const files: Readonly<Record<string, readonly [type: string, body: string]>> = {
    '/': ['text/html', read('index.html').replace('{}', () => data)],
    '/page.css': ['text/css', read('page.css')],
    '/icon.svg': ['image/svg+xml', read('icon.svg')],
    '/page.js': ['text/javascript', await script()],
  };
  const common: OutgoingHttpHeaders = {
    'content-security-policy': policy(Object.values(settings.relays)),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
  const server = createServer(({ method, url = '' }, response) => {
    if (method !== 'GET') return void response.writeHead(405, common).end();
    if (url === '/hops') return events(hops, response, common);
    const [type, body] = files[url] ?? [];
    if (type === undefined) return void response.writeHead(404, common).end();
    response.writeHead(200, { ...common, 'content-type': `${type}; charset=utf-8` }).end(body);
  });
  server.maxConnections = 64;
  return server;
}

/** A page that does not keep up loses its feed and asks for another; nothing waits for it without a bound. */
function events(hops: Observable<Hop>, response: ServerResponse, common: OutgoingHttpHeaders): void {
  response.writeHead(200, { ...common, 'content-type': 'text/event-stream' }).write(': hops\n\n');
  const subscription = hops.subscribe({
    next: (hop) => {
      response.write(`data: ${JSON.stringify(hop)}\n\n`);
      if (response.writableLength > 1_048_576) response.destroy();
    },
    complete: () => response.end(),
  });
  response.on('close', () => subscription.unsubscribe());
}
