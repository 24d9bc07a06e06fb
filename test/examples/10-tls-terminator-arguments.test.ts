// What the terminator of example 10 does with arguments that cannot be, and with what is not there.
import { createServer } from 'node:net';
import t from 'tap';
import { readArguments } from '../../examples/10-tls-terminator/arguments.ts';
import { runExample } from './run-example.ts';
import { backend, Terminator } from './terminator.ts';

t.setTimeout(90_000);

const run = (...args: readonly string[]) => runExample('10-tls-terminator', args);

t.test('what cannot be served: 1, and one line', async (t) => {
  const taken = await backend(t, createServer());
  const server = await Terminator.started(t, ['echo.example=127.0.0.1:9']);
  const files = `${server.folder}/tls.crt,${server.folder}/tls.key`;
  const route = ['--route', 'a.example=127.0.0.1:9', '--certificate', `a.example=${files}`];
  for (const [args, stderr] of [
    [
      ['--listen', `${taken}`, ...route],
      new RegExp(`^error: cannot listen on 127\\.0\\.0\\.1:${taken}: the address is in use`),
    ],
    [['--listen', '0', '--metrics', `${taken}`, ...route], /^error: listen EADDRINUSE/],
    [
      ['--listen', '0', ...route.slice(0, 3), `a.example=${server.folder}/none.crt,${server.folder}/tls.key`],
      /^error: no usable credentials within 2000 ms: \S+none\.crt: there is no such file/,
    ],
  ] as const) {
    const outcome = await run(...args);
    t.match(outcome, { code: 1, stderr });
    t.match(outcome.stderr, /^[^\n]+\n$/);
  }
});

t.test('wrong arguments: 2, and one line', async (t) => {
  const route = ['--route', 'a.example=127.0.0.1:9'];
  const both = ['--listen', '0', ...route, '--certificate', 'a.example=a.crt,a.key'];
  t.match(await run('--listen', '0', ...route), {
    code: 2,
    stdout: '',
    stderr: 'error: --route a.example needs a --certificate a.example=CERT,KEY\n',
  });
  t.match(await run('stray'), { code: 2, stdout: '', stderr: /^error: Unexpected argument 'stray'[^\n]*\n$/ });
  for (const [args, message] of [
    [['--engine', 'forge'], /--engine "forge": it is node or tls13/],
    [route, /--route needs --listen/],
    [['--listen', '0'], /needs a --route/],
    [[...both, '--listen', '65536'], /--listen "65536": a whole number from 0 to 65535/],
    [[...both, '--metrics', 'x'], /--metrics "x"/],
    [[...both, '--deadline', '-1'], /--deadline|ambiguous/],
    [[...both, ...route], /--route a.example is given twice/],
    [[...both, '--certificate', 'A.example=b.crt,b.key'], /--certificate a.example is given twice/],
    [[...both, '--route', 'a.example'], /--route "a.example": one such as/],
    [[...both, '--route', 'a b=127.0.0.1:9'], /--route "a b=127.0.0.1:9": one such as/],
    [[...both, '--route', 'b.example=127.0.0.1:0'], /one such as/],
    [
      [...both, '--route', '10.0.0.1=127.0.0.1:9'],
      /--route 10.0.0.1: a host's name is wanted before the =, no address/,
    ],
    [[...both, '--route', '*.7=127.0.0.1:9'], /--route \*.7: a host's name is wanted/],
    [[...both, '--route', `${'a'.repeat(64)}.example=127.0.0.1:9`], /a host's name is wanted/],
    [[...both, '--route', 'b.example=127.0.0.1:70000'], /--route b.example "70000"/],
    [[...both, '--certificate', 'b.example=b.crt'], /--certificate "b.example=b.crt": one such as/],
    [[...both, '--certificate', 'b.example=b.crt,b.key'], /--certificate b.example: no --route/],
  ] as const)
    t.throws(() => readArguments(args), { name: 'UsageError', message });
  const certificate = ['--certificate', '*.example=a.crt,a.key'];
  const routes = ['--route', 'A.example/http/1.1=[::1]:9', '--route', '*.example=localhost:10'];
  t.match(readArguments(['--listen', '443', ...routes, ...certificate]).settings, {
    engine: 'node',
    port: 443,
    metrics: undefined,
    routes: [
      { name: 'a.example', alpn: 'http/1.1', backend: { host: '::1', port: 9 } },
      { name: '*.example', backend: { host: 'localhost', port: 10 } },
    ],
    certificates: { '*.example': { cert: 'a.crt', key: 'a.key' } },
  });
});

t.test('--help', async (t) => {
  t.match(await run('--help'), { code: 0, stdout: /--route NAME/, stderr: '' });
});
