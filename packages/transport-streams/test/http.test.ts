// A connection as Node's stream: clients and servers of HTTP that know nothing of rxtls.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import t, { type Test } from 'tap';
import {
  cuttable,
  dial,
  engines,
  type Engines,
  host,
  httpsServer,
  mebibyte,
  pattern,
  pki,
  serve,
  sha256,
  sleep,
  until,
} from './ends.ts';

t.setTimeout(60_000);

interface Answer {
  readonly status: number | undefined;
  readonly hash: string;
  readonly length: number;
  readonly headers: IncomingMessage['headers'];
}

/** The whole of an answer, or how it went wrong; never neither. */
function answerOf(made: ReturnType<typeof request>, body?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    made.on('error', reject);
    made.on('response', (response) => {
      const whole = createHash('sha256');
      let length = 0;
      response.on('data', (bytes: Buffer) => {
        whole.update(bytes);
        length += bytes.length;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, hash: whole.digest('hex'), length, headers: response.headers }),
      );
    });
    made.end(body);
  });
}

/** Says what it got by its hash, and sends back as much as the path says. */
const hashing: RequestListener = (asked, response) => {
  const whole = createHash('sha256');
  asked.on('data', (bytes: Buffer) => whole.update(bytes));
  asked.on('error', () => undefined); // a killed client; the client's side judges
  asked.on('end', () => {
    response.setHeader('x-received', whole.digest('hex'));
    response.end(pattern(Number(asked.url!.slice(1))));
  });
};

/** An agent whose sockets are ours. */
function rxtlsAgent(t: Test, port: number, each: Engines, options: ConstructorParameters<typeof Agent>[0] = {}): Agent {
  const agent = new Agent({ keepAlive: true, ...options });
  Object.assign(agent, { createConnection: () => toNodeDuplex(dial(port, each)) });
  t.teardown(() => agent.destroy());
  return agent;
}

for (const [name, each] of Object.entries(engines)) {
  t.test(`${name}: http.request with createConnection, 50 MiB up and 50 MiB down`, async (t) => {
    const { port } = await httpsServer(t, hashing);
    const body = pattern(50 * mebibyte);
    const made = request({
      host: 'localhost',
      path: `/${body.length}`,
      method: 'POST',
      createConnection: () => toNodeDuplex(dial(port, each)),
    } as RequestOptions);
    const answer = await answerOf(made, body);
    t.equal(answer.headers['x-received'], sha256(body), 'up');
    t.equal(answer.length, body.length);
    t.equal(answer.hash, sha256(body), 'down');
  });

  t.test(`${name}: a keep-alive agent, 100 requests at once over 10 connections, and 20 after them`, async (t) => {
    const server = await httpsServer(t, hashing);
    const agent = rxtlsAgent(t, server.port, each, { maxSockets: 10 });
    const ask = async (n: number): Promise<void> => {
      const body = pattern(1_000 + n, n);
      const made = request({ agent, host: 'localhost', path: `/${n * 100}`, method: 'POST' });
      const answer = await answerOf(made, body);
      if (answer.headers['x-received'] !== sha256(body) || answer.hash !== sha256(pattern(n * 100)))
        throw new Error(`request ${n} got another's answer`);
    };
    await Promise.all(Array.from({ length: 100 }, (_, n) => ask(n)));
    t.equal(server.connections(), 10);
    for (let n = 0; n < 20; n++) await ask(n);
    t.equal(server.connections(), 10, 'and they were used again');
    agent.destroy();
    await until(() => server.open() === 0, 'the end of the connections that the agent let go of');
  });

  t.test(`${name}: an http.Server by its 'connection' event is an https server`, async (t) => {
    const server = createServer((asked, response) => {
      const { socket } = asked as unknown as { socket: Record<string, unknown> };
      response.setHeader('x-encrypted', String(socket['encrypted']));
      response.setHeader('x-remote', `${String(socket['remoteFamily'])} ${String(socket['remoteAddress'])}`);
      hashing(asked, response);
    });
    const { port, failures } = await serve(t, each, (stream) => server.emit('connection', stream));
    const options = { host, port, servername: 'localhost', ca: pki.authorityPem, method: 'POST' };
    const body = pattern(20 * mebibyte);
    const answer = await answerOf(httpsRequest({ ...options, path: `/${body.length}`, agent: false }), body);
    t.equal(answer.headers['x-received'], sha256(body), 'up');
    t.equal(answer.hash, sha256(body), 'down');
    t.equal(answer.headers['x-encrypted'], 'true');
    t.equal(answer.headers['x-remote'], `IPv4 ${host}`);
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const small = await answerOf(httpsRequest({ ...options, path: `/${n}`, agent: false }), pattern(n));
        if (small.hash !== sha256(pattern(n))) throw new Error(`request ${n} got another's answer`);
      }),
    );
    t.same(failures, [], 'every connection ended cleanly');
    server.close();
  });
}

t.test("fetch, in a process that trusts the test's authority, and curl where it is installed", async (t) => {
  const server = createServer((_, response) => response.end('from rxtls'));
  const { port } = await serve(t, engines.tls13Engine, (stream) => server.emit('connection', stream));
  const folder = t.testdir({});
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, pki.authorityPem);
  const run = promisify(execFile);
  const program = `console.log(await (await fetch('https://localhost:${port}/')).text())`;
  const environment = { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: authority };
  const fetched = await run(process.execPath, ['--input-type=module', '-e', program], { env: environment });
  t.equal(fetched.stdout.trim(), 'from rxtls');
  const curl = ['--silent', '--show-error', '--cacert', authority, '--max-time', '10', '--noproxy', '*'];
  const curled = run('curl', [...curl, '--resolve', `localhost:${port}:${host}`, `https://localhost:${port}/`]);
  const text = await curled.then(
    ({ stdout }) => stdout,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      t.comment('skipped: curl is not installed');
      return 'from rxtls';
    },
  );
  t.equal(text, 'from rxtls');
  server.close();
});

/** A number from a seed: the same points for the same seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const kills = 200;

t.test(`a server that is lost at ${kills} random points: every request ends, nothing is left`, async (t) => {
  const seed = Number(process.env['RXTLS_SEED'] ?? Date.now() % 1_000_000);
  t.comment(`RXTLS_SEED=${seed}`);
  const next = random(seed);
  const outcomes = { whole: 0, failed: 0 };
  const server = await httpsServer(t, hashing);
  const wire = await cuttable(t, server.port);
  const body = pattern(mebibyte / 2);
  const hash = sha256(body);
  for (let n = 0; n < kills; n++) {
    const each = n % 2 === 0 ? engines.nodeEngine : engines.tls13Engine;
    const stream = toNodeDuplex(dial(wire.port, each));
    const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()));
    const path = `/${body.length}`;
    const options = { host: 'localhost', path, method: 'POST', createConnection: () => stream };
    let fault: Error | undefined;
    const asked = answerOf(request(options as RequestOptions), body).then(
      (answer) => {
        if (answer.hash !== hash) fault = new Error(`request ${n}: a part was taken for the whole`);
        outcomes.whole++;
      },
      () => void outcomes.failed++,
    );
    await sleep(next() * 40);
    wire.cut(next() < 0.5);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`request ${n} hangs`)), 10_000);
    });
    try {
      await Promise.race([asked, late]);
      stream.destroy();
      await Promise.race([closed, late]);
    } finally {
      clearTimeout(timer);
    }
    if (fault) throw fault;
  }
  t.comment(outcomes);
  t.equal(outcomes.whole + outcomes.failed, kills);
  t.ok(outcomes.failed > 0, 'some were lost before they were whole');
  await until(() => wire.open() === 0 && server.open() === 0, 'no connection is left');
});
