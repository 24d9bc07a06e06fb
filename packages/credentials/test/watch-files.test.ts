// The ways in which files are replaced, each with real files and the system's own events; polling is off unless it is what is shown.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { watchFiles } from '@rxtls/credentials';
import {
  authorityPem,
  inPieces,
  mountSecret,
  newPair,
  type Pair,
  quick,
  rename,
  sleep,
  until,
  watched,
} from './watched.ts';

t.setTimeout(120_000);

/** Where nothing is to be told, however slow the machine is. */
const patient = { patience: 30_000 };

/** A folder with a pair in it. */
function place(t: Test, pair = newPair()) {
  const folder = t.testdir({ 'tls.crt': pair.cert, 'tls.key': pair.key });
  const paths = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  return { folder, paths, pair };
}

/** Replaces a function of `node:fs` for the test. */
function replace<K extends keyof typeof fs>(t: Test, name: K, by: (original: (typeof fs)[K]) => unknown): void {
  const original = fs[name];
  fs[name] = by(original) as (typeof fs)[K];
  syncBuiltinESMExports();
  t.teardown(() => {
    fs[name] = original;
    syncBuiltinESMExports();
  });
}

/** Node has no call for it. */
function makePipe(path: string): void {
  const program = 'mkfifo';
  execFileSync(program, [path]);
}

/** Counts what is opened for reading. */
function countOpens(t: Test): () => number {
  let count = 0;
  const { open } = fs.promises;
  fs.promises.open = (...input) => (count++, open(...input));
  syncBuiltinESMExports();
  t.teardown(() => {
    fs.promises.open = open;
    syncBuiltinESMExports();
  });
  return () => count;
}

await t.test(
  'the first set, then each changed one, under the names that were given; an equal one is no change',
  async (t) => {
    const { paths, pair, folder } = place(t);
    writeFileSync(join(folder, 'ca.pem'), authorityPem);
    const log = watched(t, { ...paths, ca: join(folder, 'ca.pem') });
    t.same(await log.emission(1), { ...pair, ca: authorityPem });
    t.same(Object.keys(log.sets[0]!), ['cert', 'key', 'ca']);
    t.ok(Object.isFrozen(log.sets[0]));
    rename(paths.cert, pair.cert);
    utimesSync(paths.key, new Date(), new Date());
    await sleep(150);
    t.equal(log.sets.length, 1, 'the same again');
    const next = newPair();
    writeFileSync(paths.cert, next.cert);
    writeFileSync(paths.key, next.key);
    t.same(await log.emission(2), { ...next, ca: authorityPem });
    writeFileSync(join(folder, 'ca.pem'), authorityPem + next.cert);
    t.equal((await log.emission(3)).ca, authorityPem + next.cert, 'any of the files');
    t.match(log.events, [
      { type: 'loaded', generation: 1, checked: { subjectAltName: 'DNS:localhost' } },
      { type: 'loaded', generation: 2 },
      { type: 'loaded', generation: 3 },
    ]);
  },
);

await t.test(
  'replaced by rename, one after the other: the pair in between is not emitted, and not complained of in its time',
  async (t) => {
    for (const first of ['cert', 'key'] as const) {
      const { paths, pair } = place(t);
      const log = watched(t, paths, patient);
      t.same(await log.emission(1), pair);
      const next = newPair();
      rename(paths[first], next[first]);
      await sleep(150);
      t.equal(log.sets.length, 1);
      const other = first === 'cert' ? 'key' : 'cert';
      rename(paths[other], next[other]);
      t.same(await log.emission(2), next);
      t.same(log.faults(), [], `${first} first`);
      log.stop();
    }
  },
);

await t.test(
  'a pair that does not match is told after a time, with its file, once; then the right one comes',
  async (t) => {
    const { paths, pair } = place(t);
    const log = watched(t, paths);
    await log.emission(1);
    const next = newPair();
    const start = performance.now();
    rename(paths.cert, next.cert);
    await until(() => log.events.length > 1, 'a complaint');
    t.ok(performance.now() - start >= 300, 'not before its time');
    t.match(log.events[1], {
      type: 'rejected',
      fault: 'mismatch',
      path: paths.key,
      error: { name: 'ApiMisuseError', part: 'key' },
    });
    await sleep(1_300);
    t.equal(log.events.length, 2, 'looked at again, and not told again');
    rename(paths.cert, pair.cert);
    await until(() => log.events.length > 2, 'recovery');
    t.match(log.events[2], { type: 'recovered', generation: 1 });
    rename(paths.cert, next.cert);
    rename(paths.key, next.key);
    t.same(await log.emission(2), next);
    t.equal(log.sets.length, 2);
  },
);

await t.test('written in pieces, emptied first', async (t) => {
  const { paths } = place(t);
  const log = watched(t, paths);
  await log.emission(1);
  for (let round = 2; round < 6; round++) {
    const next = newPair();
    await inPieces(paths.key, next.key, 5, 10 * round);
    await inPieces(paths.cert, next.cert, 5, 10 * round);
    t.same(await log.emission(round), next, `pauses of ${10 * round} ms`);
  }
  t.equal(log.sets.length, 5);
});

await t.test(
  'Kubernetes: links through ..data, which is turned to a new folder, and the old one is deleted',
  async (t) => {
    const folder = t.testdir({});
    let pair = newPair();
    mountSecret(folder, pair, 1);
    const log = watched(t, { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }, patient);
    t.same(await log.emission(1), pair);
    for (let revision = 2; revision < 6; revision++) {
      pair = newPair();
      mountSecret(folder, pair, revision);
      t.same(await log.emission(revision), pair, `revision ${revision}`);
    }
    t.same(log.faults(), []);
  },
);

await t.test('links as certbot has them; what they lead to, and a folder on the way that is a link', async (t) => {
  const pairs = [newPair(), newPair(), newPair(), newPair()] as const;
  const folder = t.testdir({ live: {}, archive: {}, releases: {} });
  const at = (...path: string[]): string => join(folder, ...path);
  const archive = (number: number, pair: Pair): void => {
    mkdirSync(at('archive', `${number}`));
    writeFileSync(at('archive', `${number}`, 'cert.pem'), pair.cert);
    writeFileSync(at('archive', `${number}`, 'key.pem'), pair.key);
  };
  const turn = (link: string, to: string): void => {
    symlinkSync(to, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  archive(1, pairs[0]);
  archive(2, pairs[1]);
  for (const file of ['cert.pem', 'key.pem']) symlinkSync(join('..', 'archive', '1', file), at('live', file));
  symlinkSync(at('live'), at('current'));
  const log = watched(t, { cert: at('current', 'cert.pem'), key: at('current', 'key.pem') });
  t.same(await log.emission(1), pairs[0]);
  for (const file of ['cert.pem', 'key.pem']) turn(at('live', file), join('..', 'archive', '2', file));
  t.same(await log.emission(2), pairs[1], 'the links of the files');
  writeFileSync(at('archive', '2', 'key.pem'), pairs[2].key);
  writeFileSync(at('archive', '2', 'cert.pem'), pairs[2].cert);
  t.same(await log.emission(3), pairs[2], 'the files behind the links');
  archive(3, pairs[3]);
  turn(at('current'), join('archive', '3'));
  t.same(await log.emission(4), pairs[3], 'the link of a folder above');
});

await t.test('a file or folder that is deleted is told, and seen when it comes back', async (t) => {
  const { paths, folder, pair } = place(t);
  const log = watched(t, paths);
  await log.emission(1);
  unlinkSync(paths.key);
  await until(() => log.faults().length === 1, 'the missing file');
  t.match(log.events[1], {
    fault: 'missing',
    path: paths.key,
    error: { message: /tls.key: there is no such file: put it there \(ENOENT\)/ },
  });
  writeFileSync(paths.key, pair.key);
  await until(() => log.events.length === 3, 'recovery');
  for (let round = 2; round < 4; round++) {
    renameSync(folder, `${folder}.gone`);
    rmSync(`${folder}.gone`, { recursive: true });
    if (round === 2) await until(() => log.faults().length === 2, 'the missing folder');
    const next = newPair();
    mkdirSync(folder);
    writeFileSync(paths.cert, next.cert);
    writeFileSync(paths.key, next.key);
    t.same(await log.emission(round), next, round === 2 ? 'a folder that was gone for long' : 'at once');
  }
});

await t.test('folders that are not there yet', async (t) => {
  const folder = t.testdir({});
  const deep = join(folder, 'a', 'b', 'c');
  const log = watched(t, { cert: join(deep, 'tls.crt'), key: join(deep, 'tls.key') });
  await until(() => log.faults().length === 1, 'the missing folder');
  const pair = newPair();
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'tls.crt'), pair.cert);
  writeFileSync(join(deep, 'tls.key'), pair.key);
  t.same(await log.emission(1), pair);
});

await t.test('a file that may not be read is told, and used when it may', { skip: noPermissions() }, async (t) => {
  const { paths, folder } = place(t);
  const log = watched(t, paths);
  await log.emission(1);
  const next = newPair();
  chmodSync(folder, 0o755);
  for (const name of ['cert', 'key'] as const) {
    writeFileSync(`${paths[name]}.new`, next[name], { mode: 0o000 });
    renameSync(`${paths[name]}.new`, paths[name]);
  }
  // Root may read everything, so be somebody else for a while.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await until(() => log.faults().length === 1, 'the complaint');
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  t.match(log.events[1], {
    fault: 'unreadable',
    path: paths.cert,
    error: { message: /permission denied: let this process read it \(EACCES\)/ },
  });
  for (const path of Object.values(paths)) chmodSync(path, 0o600);
  t.same(await log.emission(2), next);
});

function noPermissions(): string | false {
  return process.platform === 'win32' && 'files have no modes here';
}

await t.test('as editors save: a backup and a new file, a copy over it, a link', async (t) => {
  const { paths } = place(t);
  const log = watched(t, paths, patient);
  await log.emission(1);
  const ways: Readonly<Record<string, (path: string, text: string) => void>> = {
    'renamed to a backup, written anew, backup deleted': (path, text) => {
      renameSync(path, `${path}~`);
      writeFileSync(path, text);
      unlinkSync(`${path}~`);
    },
    'backup linked, written in place': (path, text) => {
      linkSync(path, `${path}.bak`);
      unlinkSync(path);
      writeFileSync(path, text);
      unlinkSync(`${path}.bak`);
    },
    'a swap file beside it, then renamed': (path, text) => {
      writeFileSync(`${path}.swp`, 'something else');
      rename(path, text);
      unlinkSync(`${path}.swp`);
    },
    'truncated and written': (path, text) => writeFileSync(path, text),
    'deleted and written': (path, text) => {
      unlinkSync(path);
      writeFileSync(path, text);
    },
  };
  let count = 1;
  for (const [way, save] of Object.entries(ways)) {
    const next = newPair();
    save(paths.cert, next.cert);
    save(paths.key, next.key);
    t.same(await log.emission(++count), next, way);
  }
  t.same(log.faults(), []);
});

await t.test('a file system without events, and one that has no more watches to give: polled', async (t) => {
  const silent = new (await import('node:events')).EventEmitter();
  Object.assign(silent, { close: () => undefined });
  for (const watch of [
    () => silent,
    () => {
      throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' });
    },
  ]) {
    const { paths } = place(t);
    replace(t, 'watch', () => watch);
    const log = watched(t, paths, { poll: 50 });
    await log.emission(1);
    const next = newPair();
    rename(paths.cert, next.cert);
    rename(paths.key, next.key);
    t.same(await log.emission(2), next);
    log.stop();
  }
});

await t.test('larger than maxBytes: refused, unread; as large: read', async (t) => {
  const { paths, pair } = place(t);
  const opens = countOpens(t);
  const size = Math.max(pair.cert.length, pair.key.length);
  const log = watched(t, paths, { maxBytes: size });
  t.same(await log.emission(1), pair);
  const before = opens();
  writeFileSync(paths.cert, 'x'.repeat(size + 1));
  await until(() => log.faults().length === 1, 'the complaint');
  t.match(log.events[1], {
    fault: 'too-large',
    path: paths.cert,
    error: { message: /larger than \d+ bytes: raise maxBytes/ },
  });
  t.equal(opens(), before, 'nothing was opened');
  log.stop();
  const device = watched(t, { ca: '/dev/zero' });
  await until(() => device.faults().length === 1, 'a device without an end');
  t.same(device.faults(), ['not-a-file']);
});

await t.test(
  'a file that cannot be closed, as where a network lies below, is told like one that cannot be read',
  async (t) => {
    const { paths, pair } = place(t);
    const { open } = fs.promises;
    let isBroken = false;
    fs.promises.open = async (...input) => {
      const file = await open(...input);
      const close = file.close.bind(file);
      file.close = async () => {
        await close();
        if (isBroken) throw Object.assign(new Error('EIO: i/o error, close'), { code: 'EIO' });
      };
      return file;
    };
    syncBuiltinESMExports();
    t.teardown(() => {
      fs.promises.open = open;
      syncBuiltinESMExports();
    });
    const log = watched(t, paths);
    await log.emission(1);
    isBroken = true;
    const next = newPair();
    rename(paths.cert, next.cert);
    rename(paths.key, next.key);
    await until(() => log.error !== undefined || log.faults().length === 1, 'the complaint');
    t.equal(log.error, undefined, 'never an error after the first set');
    t.match(log.events[1], {
      fault: 'unreadable',
      path: paths.cert,
      error: { message: /tls.crt: cannot be read \(EIO\)/ },
    });
    t.same(log.sets, [pair]);
    isBroken = false;
    t.same(await log.emission(2), next);
  },
);

await t.test('a folder, a pipe, a socket in the place of a file: refused, and nothing blocks', async (t) => {
  const { paths, pair, folder } = place(t);
  const log = watched(t, paths);
  await log.emission(1);
  const socket = createServer();
  t.teardown(() => socket.close());
  const kinds: readonly (readonly [string, (path: string) => unknown, RegExp])[] = [
    ['folder', (path) => mkdirSync(path), /tls.key is a folder: put a file there/],
    ['pipe', (path) => makePipe(path), /is a pipe/],
    ['socket', (path) => new Promise<void>((resolve) => socket.listen(path, resolve)), /is a device or socket/],
  ];
  process.chdir(folder); // a socket's path must be short
  let count = 0;
  for (const [kind, make, message] of kinds) {
    unlinkSync(paths.key);
    await make(kind === 'socket' ? 'tls.key' : paths.key);
    count++;
    await until(() => log.faults().length === count, kind);
    t.match(log.events.at(-1), { type: 'rejected', fault: 'not-a-file', path: paths.key, error: { message } });
    rmSync(paths.key, { recursive: true, force: true });
    writeFileSync(paths.key, pair.key);
    await until(() => log.events.at(-1)?.type === 'recovered', 'recovery');
  }
  t.equal(log.sets.length, 1);
});

await t.test("a pipe that takes the file's place after it was looked at does not block either", async (t) => {
  const { paths } = place(t);
  const { stat } = fs.promises;
  fs.promises.stat = (async (path: string, ...rest: []) => {
    const stats = await stat(path, ...rest);
    if (path === paths.key) {
      rmSync(path);
      makePipe(path);
    }
    return stats;
  }) as typeof stat;
  syncBuiltinESMExports();
  t.teardown(() => {
    fs.promises.stat = stat;
    syncBuiltinESMExports();
  });
  const log = watched(t, paths);
  await until(() => log.faults().length === 1, 'the complaint');
  t.same(log.faults(), ['not-a-file']);
});

await t.test(
  'a change during a look, of a file that this look has read already, is seen by another look',
  async (t) => {
    const { folder, pair } = place(t);
    const [first, second] = [join(folder, 'first.pem'), join(folder, 'second.pem')];
    for (const path of [first, second]) writeFileSync(path, pair.cert);
    const log = watched(t, { first, second });
    await log.emission(1);
    const next = newPair();
    const { stat } = fs.promises;
    let isArmed = true;
    fs.promises.stat = (async (path: string, ...rest: []) => {
      if (path === second && isArmed) {
        isArmed = false;
        rename(first, next.cert);
        await sleep(60); // its event comes within the look
      }
      return stat(path, ...rest);
    }) as typeof stat;
    syncBuiltinESMExports();
    t.teardown(() => {
      fs.promises.stat = stat;
      syncBuiltinESMExports();
    });
    utimesSync(first, new Date(), new Date()); // a look, please
    t.equal((await log.emission(2)).first, next.cert);
  },
);

await t.test('hundreds of changes are a look now and then', async (t) => {
  const { paths, pair, folder } = place(t);
  const opens = countOpens(t);
  const log = watched(t, paths);
  await log.emission(1);
  const before = opens();
  const start = performance.now();
  let changes = 0;
  for (; performance.now() - start < 1_000; await sleep(1))
    for (let index = 0; index < 10; index++, changes++) utimesSync(paths.cert, new Date(), new Date());
  const looks = (opens() - before) / 2;
  t.ok(
    looks >= 1 && changes > 5 * looks && looks <= (performance.now() - start) / quick.settle + 2,
    `${looks} looks for ${changes} changes`,
  );
  await sleep(300);
  const calm = opens();
  for (let index = 0; index < 100; index++) writeFileSync(join(folder, 'beside'), `${index}`);
  await sleep(150);
  t.equal(opens(), calm, 'a file beside them is none of ours');
  t.same(log.sets, [pair]);
});

await t.test('files that never stand still are told, and used when they do', async (t) => {
  const { paths, pair } = place(t);
  const log = watched(t, paths);
  await log.emission(1);
  for (let index = 0; log.faults().length === 0; index++) {
    rename(paths.cert, `${pair.cert}# ${index}\n`);
    await sleep(5);
  }
  t.match(log.events[1], {
    type: 'rejected',
    fault: 'changing',
    path: paths.cert,
    error: { message: /changes all the time/ },
  });
  t.match((await log.emission(2)).cert, pair.cert);
});

await t.test(
  'bad from the start: told at once, waited for, then an error that says why; another subscription begins anew',
  async (t) => {
    const { paths } = place(t);
    const { key } = newPair();
    writeFileSync(paths.key, key);
    const log = watched(t, paths, { firstTimeout: 700, patience: 100_000 });
    await until(() => log.events.length === 1, 'the complaint');
    t.match(log.events[0], { type: 'rejected', fault: 'mismatch' });
    t.equal(log.error, undefined);
    await until(() => log.error !== undefined, 'the error');
    t.match(log.error, {
      name: 'CredentialsUnavailableError',
      retryable: true,
      message: /no usable credentials within 700 ms: key is not the key of the first certificate/,
      cause: { fault: 'mismatch' },
    });
    t.notOk(`${(log.error as Error).message}${JSON.stringify(log.events)}`.includes(key.split('\n')[1]!));
    const next = newPair();
    const again = watched(t, paths, { firstTimeout: 10_000 });
    await until(() => again.events.length === 1, 'the complaint');
    writeFileSync(paths.cert, next.cert);
    writeFileSync(paths.key, next.key);
    t.same(await again.emission(1), next);
    await sleep(50);
    unlinkSync(paths.cert);
    await until(() => again.faults().length === 2, 'a problem later on');
    t.equal(again.error, undefined, 'never an error after the first set');
  },
);

await t.test('without cert and key every file must be whole PEM; dangerouslySkipCheck takes anything', async (t) => {
  const { folder, pair } = place(t);
  const at = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const only = watched(t, { ca: at('ca.pem', authorityPem) });
  t.same(await only.emission(1), { ca: authorityPem });
  t.match(only.events[0], { type: 'loaded', checked: undefined });
  writeFileSync(join(folder, 'ca.pem'), `${authorityPem}${authorityPem.slice(0, 200)}`);
  await until(() => only.faults().length === 1, 'half a certificate');
  t.match(only.events[1], { fault: 'malformed', path: join(folder, 'ca.pem') });
  const anything = watched(t, { cert: at('a', 'any'), key: at('b', 'thing') }, { dangerouslySkipCheck: true });
  t.same(await anything.emission(1), { cert: 'any', key: 'thing' });
  const oneFile = at('both.pem', pair.cert + pair.key);
  t.same(await watched(t, { cert: oneFile, key: oneFile }).emission(1), {
    cert: pair.cert + pair.key,
    key: pair.cert + pair.key,
  });
});

await t.test('an encrypted key: told without its passphrase, checked with it', async (t) => {
  const { createPrivateKey } = await import('node:crypto');
  const { paths, pair } = place(t);
  const key = createPrivateKey(pair.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
    .toString();
  writeFileSync(paths.key, key);
  const without = watched(t, paths);
  await until(() => without.faults().length === 1, 'the complaint');
  t.same(without.faults(), ['encrypted']);
  t.same(await watched(t, paths, { passphrase: 'open sesame' }).emission(1), { cert: pair.cert, key });
});

await t.test('an observer of events that throws is reported as RxJS does it, and the watch goes on', async (t) => {
  const { config } = await import('rxjs');
  const reported: unknown[] = [];
  config.onUnhandledError = (error) => reported.push(error);
  t.teardown(() => (config.onUnhandledError = null));
  const { paths } = place(t);
  const log = watched(t, paths, {
    events: {
      next: () => {
        throw new Error('from the observer');
      },
    },
  });
  await log.emission(1);
  const next = newPair();
  writeFileSync(paths.cert, next.cert);
  writeFileSync(paths.key, next.key);
  t.same(await log.emission(2), next);
  await until(() => reported.length === 2, 'both reports');
  t.match(reported, [{ message: 'from the observer' }, { message: 'from the observer' }]);
});

await t.test('relative paths are those of the call', async (t) => {
  const { folder, pair } = place(t);
  process.chdir(folder);
  const files = watchFiles({ cert: 'tls.crt', key: 'tls.key' }, quick);
  process.chdir('/');
  const sets: unknown[] = [];
  const subscription = files.subscribe((set) => sets.push(set));
  t.teardown(() => subscription.unsubscribe());
  await until(() => sets.length === 1, 'the set');
  t.same(sets[0], pair);
});

await t.test('.. behind a link is where the system takes it to', { skip: noLinks() }, async (t) => {
  const [first, next] = [newPair(), newPair()];
  const folder = t.testdir({
    releases: { 1: { live: {} }, 2: { live: {} } },
    'tls.crt': 'another',
    'tls.key': 'another',
  });
  const at = (...path: string[]): string => join(folder, ...path);
  const put = (release: string, { cert, key }: Pair): void => {
    writeFileSync(at('releases', release, 'tls.crt'), cert);
    writeFileSync(at('releases', release, 'tls.key'), key);
  };
  put('1', first);
  put('2', next);
  symlinkSync(join('releases', '1', 'live'), at('current'));
  const log = watched(t, { cert: `${folder}/current/../tls.crt`, key: `${folder}/current/../tls.key` });
  t.same(await log.emission(1), first);
  symlinkSync(join('releases', '2', 'live'), at('new'));
  renameSync(at('new'), at('current'));
  t.same(await log.emission(2), next);
  process.chdir(folder);
  t.same(await watched(t, { cert: './current/../tls.crt', key: 'current//../tls.key' }).emission(1), next);
});

function noLinks(): string | false {
  return process.platform === 'win32' && 'the system takes .. away before it looks';
}

await t.test('misuse', async (t) => {
  const misuse = { name: 'ApiMisuseError' };
  for (const paths of [undefined, null, 'tls.crt', ['tls.crt'], {}, { cert: '' }, { cert: 5 }, { cert: 'a\0b' }])
    t.throws(() => watchFiles(paths as never), misuse);
  const wrong: readonly object[] = [
    { poll: 0 },
    { poll: Infinity },
    { settle: 1.5 },
    { patience: -1 },
    { firstTimeout: 0 },
    { firstTimeout: null },
    { firstTimeout: 100 },
    { settle: 10_000 },
    { maxBytes: 0 },
    { maxBytes: 2 ** 40 },
    { passphrase: 5 },
    { warnBefore: -1 },
    { keepAlive: 1 },
    { dangerouslySkipCheck: 'yes' },
    { check: false },
    { events: () => undefined },
    { scheduler: {} },
  ];
  for (const options of wrong)
    t.throws(() => watchFiles({ cert: 'tls.crt' }, options as never), misuse, JSON.stringify(options));
  t.throws(
    () => watchFiles({ cert: 'tls.crt' }, { settle: 15_000 }),
    /settle \(15000\) must be less than firstTimeout/,
  );
  t.doesNotThrow(() => watchFiles({ cert: 'tls.crt' }, { firstTimeout: Infinity, patience: 0, settle: 2 ** 31 - 1 }));
});
