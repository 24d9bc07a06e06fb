import { firstValueFrom, take } from 'rxjs';
import { type Case, check, checkBytes, hasName, joined, pattern, pause, Reader } from './transport-compliance-bench.ts';

/** Promises of `source` and `unread`. */
export const readingCases: readonly Case[] = [
  [
    'nothing is emitted without credit, and bytes wait for it',
    async ({ until, a, b }) => {
      const reader = new Reader(b);
      a.sink.write(pattern(100));
      await pause(30);
      check(reader.total === 0, `${reader.total} bytes were emitted without credit`);
      b.source.request(1_000);
      await until(() => reader.total === 100, 'the bytes after request');
      checkBytes(reader.bytes, pattern(100), 'what was read');
    },
  ],
  [
    'credit is overshot by at most one chunk, and the debt stays',
    async ({ until, a, b }) => {
      let requested = 0;
      let before = 0;
      const reader = new Reader(b, 0, (chunk) => {
        check(before < requested, `a chunk came after ${before} bytes with ${requested} requested`);
        before += chunk.length;
      });
      for (let i = 0; i < 50; i++) a.sink.write(pattern(1_000, i * 1_000));
      await until(() => {
        if (reader.total >= 50_000) return true;
        requested += 700;
        b.source.request(700);
        return false;
      }, 'all bytes, by and by');
      checkBytes(reader.bytes, pattern(50_000), 'what was read');
      check(reader.errors.length === 0, 'bytes errored');
    },
  ],
  [
    'credit may be given before the subscription and from inside an emission',
    async ({ until, a, b }) => {
      const reader = new Reader(b, 1, (chunk) => b.source.request(chunk.length));
      for (let i = 0; i < 20; i++) a.sink.write(pattern(500, i * 500));
      await until(() => reader.total === 10_000, 'all bytes by credit from inside next');
      checkBytes(reader.bytes, pattern(10_000), 'what was read');
    },
  ],
  [
    'bytes wait while nobody is subscribed',
    async ({ until, a, b }) => {
      b.source.request(Number.POSITIVE_INFINITY);
      a.sink.write(pattern(5_000));
      await pause(20);
      const reader = new Reader(b);
      await until(() => reader.total === 5_000, 'the bytes that waited');
      checkBytes(reader.bytes, pattern(5_000), 'what was read');
    },
  ],
  [
    'a second subscriber at the same time errors with ApiMisuseError and the first goes on',
    async ({ until, a, b }) => {
      const first = new Reader(b, Number.POSITIVE_INFINITY);
      const second = new Reader(b);
      check(hasName(second.errors[0], 'ApiMisuseError'), 'the second subscriber got no ApiMisuseError');
      a.sink.write(pattern(100));
      await until(() => first.total === 100, 'the first goes on');
      check(second.total === 0, 'the second subscriber got bytes');
    },
  ],
  [
    'successive subscribers go on where the last stopped',
    async ({ until, a, b }) => {
      for (let i = 0; i < 40; i++) a.sink.write(pattern(100, i * 100));
      a.sink.end();
      const chunks: Uint8Array[] = [];
      b.source.request(4_000);
      while (chunks.reduce((sum, chunk) => sum + chunk.length, 0) < 4_000) {
        chunks.push(await firstValueFrom(b.source.bytes));
        if (chunks.length % 5 === 0) await pause(3);
      }
      checkBytes(joined(chunks), pattern(4_000), 'what all subscribers read');
      const last = new Reader(b);
      await until(() => last.finished, 'the end for the last one');
      check(last.completions === 1 && last.total === 0, 'the last subscriber got something else than the end');
    },
  ],
  [
    'unsubscribing from inside an emission stops at once and loses nothing',
    async ({ until, a, b }) => {
      const seen: Uint8Array[] = [];
      b.source.request(Number.POSITIVE_INFINITY);
      for (let i = 0; i < 10; i++) a.sink.write(pattern(100, i * 100));
      b.source.bytes.pipe(take(1)).subscribe((chunk) => seen.push(chunk));
      await until(() => seen.length > 0, 'a first chunk');
      await pause(20);
      check(seen.length === 1, `${seen.length} chunks after unsubscribing at the first`);
      const rest = new Reader(b);
      await until(() => rest.total + seen[0]!.length === 1_000, 'the rest');
      checkBytes(joined([...seen, ...rest.chunks]), pattern(1_000), 'what both read');
    },
  ],
  [
    'unread puts bytes in front, last put first, and they use credit',
    async ({ until, a, b }) => {
      a.sink.write(pattern(10, 20));
      b.unread(pattern(10, 10));
      b.unread(pattern(10));
      const reader = new Reader(b);
      await pause(10);
      check(reader.total === 0, 'unread bytes were emitted without credit');
      b.source.request(11);
      await until(() => reader.total === 20, 'the unread bytes');
      await pause(10);
      check(reader.total === 20, 'unread bytes used no credit');
      b.source.request(Number.POSITIVE_INFINITY);
      await until(() => reader.total === 30, 'the bytes behind them');
      checkBytes(reader.bytes, pattern(30), 'what was read');
    },
  ],
  [
    'unread from inside an emission comes next',
    async ({ until, a, b }) => {
      let again = true;
      const reader: Reader = new Reader(b, Number.POSITIVE_INFINITY, (chunk) => {
        if (!again) return;
        again = false;
        reader.takeBack();
        b.unread(chunk.subarray(chunk.length >> 1));
        b.unread(chunk.subarray(0, chunk.length >> 1));
      });
      for (let i = 0; i < 5; i++) a.sink.write(pattern(100, i * 100));
      await until(() => reader.total === 500, 'every byte once');
      checkBytes(reader.bytes, pattern(500), 'what was read');
    },
  ],
  [
    'an array that was received is the receiver’s own',
    async ({ until, a, b }) => {
      const copies: Uint8Array[] = [];
      const reader = new Reader(b, 1, (chunk) => {
        copies.push(new Uint8Array(chunk)); // a Buffer's slice() is no copy
        chunk.fill(0xee);
        b.source.request(chunk.length);
      });
      for (let i = 0; i < 64; i++) a.sink.write(pattern(3_000, i * 3_000));
      await until(() => reader.total === 192_000, 'all bytes');
      checkBytes(joined(copies), pattern(192_000), 'what was read');
    },
  ],
];
