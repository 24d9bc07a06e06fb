import { execFileSync } from 'node:child_process';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Demonstration } from './demonstration.ts';

/** Chromium by PATH. */
function chromiumPath(): string {
  try {
    const find = 'command -v chromium || command -v chromium-browser || command -v google-chrome';
    return execFileSync('sh', ['-c', find], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('--check: chromium is not installed; open the page in a browser of yours instead');
  }
}

/** Without a window, and quiet: it asks nothing of the network. Root has no sandbox to put it in. */
export function launch(): Promise<Browser> {
  const quietly = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map(
    (each) => `--disable-${each}`,
  );
  const args = ['--no-first-run', ...quietly, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return chromium.launch({ executablePath: chromiumPath(), args, timeout: 30_000 });
}

/** What the page shows. */
export interface Shown {
  readonly state: string;
  readonly outcome: string;
  readonly answer: string;
  readonly relay: string;
  readonly server: string;
}

/** Opens the page, and waits until it would draw what the hops see. */
export async function opened(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1_200, height: 900 } });
  page.setDefaultTimeout(30_000);
  await page.goto(address);
  await page.waitForSelector('body[data-hops=open]');
  return page;
}

/** Asks as a user does. */
export async function ask(page: Page, path: string, flip: boolean): Promise<void> {
  await page.selectOption('#path', path);
  await page.setChecked('#flip', flip);
  await page.click('#ask');
}

/** What it shows once that is over, and the relay has said so too. */
export async function shown(page: Page): Promise<Shown> {
  await page.waitForSelector('#outcome[data-state=done], #outcome[data-state=failed]');
  const text = async (id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? '';
  const state = (await page.getAttribute('#outcome', 'data-state')) ?? '';
  const relay = (await page.locator('#relay li').allTextContents()).join('\n');
  const server = (await page.locator('#server li').allTextContents()).join('\n');
  return { state, outcome: await text('outcome'), answer: await text('answer'), relay, server };
}

/** Uses the page both ways and tells what it shows. Throws for anything else than it should show. */
export async function* check({ address, word, seen }: Demonstration): AsyncGenerator<string> {
  const browser = await launch();
  const wire: Uint8Array[] = [];
  const watching = seen.subscribe((each) => 'bytes' in each && wire.push(each.bytes));
  try {
    const page = await opened(browser, address);
    await ask(page, '/', false);
    const whole = await shown(page);
    yield* told('an honest relay', whole);
    if (whole.state !== 'done' || !whole.answer.includes(word)) throw new Error('the page did not show the answer');

    const bytes = Buffer.concat(wire);
    const known = ['GET /', 'HTTP/1.1', word].filter((text) => bytes.includes(text));
    yield `what the relay saw: ${bytes.length} bytes, of the request and the answer ${known.join(', ') || 'nothing'}`;
    if (known.length > 0) throw new Error('the relay saw plaintext');

    await ask(page, '/', true);
    const cut = await shown(page);
    yield* told('a relay that flips a bit', cut);
    if (cut.state !== 'failed' || cut.answer !== '') throw new Error('the page did not notice that a bit was flipped');
  } finally {
    watching.unsubscribe();
    await browser.close();
  }
}

function* told(what: string, { outcome, answer }: Shown): Generator<string> {
  yield `${what}: ${outcome}`;
  for (const line of answer.trimEnd().split('\n')) if (line !== '') yield `    ${line.trimEnd()}`;
}
