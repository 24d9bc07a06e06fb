import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { host, sleep, type Version } from './ends.ts';
import { authorityFile, fileName, leafFiles } from './files.ts';
import type { ClientPeer, ClientSetup, ServerPeer, ServerSetup } from './peer.ts';
import { freePort, isInstalled, Program } from './program.ts';

const missing = (command: string): string | undefined =>
  isInstalled(command) ? undefined : `skipped: ${command} is not installed`;
export const gnutlsServMissing: string | undefined = missing('gnutls-serv');
export const gnutlsCliMissing: string | undefined = missing('gnutls-cli');

const priority = (version: Version): string => `NORMAL:-VERS-ALL:+VERS-TLS${version.slice(4)}`;
let logs = 0;

export async function gnutlsServ(t: Test, setup: ServerSetup, extra: readonly string[] = []) {
  const { chain, key } = await leafFiles(setup.leaf);
  const port = await freePort();
  const program = new Program(t, 'gnutls-serv', [
    ['--port', String(port), '--x509certfile', chain, '--x509keyfile', key, '--priority', priority(setup.version)],
    setup.http === true ? '--http' : '--echo',
    setup.alpn === undefined ? [] : ['--alpn', setup.alpn],
    setup.requireClient === true
      ? ['--x509cafile', authorityFile, '--require-client-cert', '--verify-client-cert']
      : ['--disable-client-cert'],
    extra,
  ]);
  return { program, port };
}

/** Its messages go to a file, so that its output is the plaintext alone. */
export async function gnutlsCli(t: Test, port: number, setup: ClientSetup, extra: readonly string[] = []) {
  const files = setup.leaf === undefined ? undefined : await leafFiles(setup.leaf);
  const log = fileName(`gnutls-cli-${logs++}.log`);
  const program = new Program(t, 'gnutls-cli', [
    ['--port', String(port), '--x509cafile', authorityFile, '--priority', priority(setup.version)],
    ['--sni-hostname', 'localhost', '--verify-hostname', 'localhost', '--logfile', log],
    setup.alpn === undefined ? [] : ['--alpn', setup.alpn],
    files === undefined ? [] : ['--x509certfile', files.chain, '--x509keyfile', files.key],
    extra,
    host,
  ]);
  return { program, log: (): string => readFileSync(log, 'latin1') };
}

export const gnutlsServer: ServerPeer = {
  name: 'gnutls-serv',
  missing: gnutlsServMissing,
  async start(t, setup) {
    const { program, port } = await gnutlsServ(t, setup);
    return { port, kill: () => program.kill() };
  },
};

export const gnutlsClient: ClientPeer = {
  name: 'gnutls-cli',
  missing: gnutlsCliMissing,
  async start(t, port, setup) {
    const { program, log } = await gnutlsCli(t, port, setup);
    return {
      send: (bytes) => program.type(bytes),
      received: (length) => program.outputs(length),
      close: () => program.endInput(),
      kill: () => program.kill(),
      sawClose: async () => {
        await program.exited;
        if (!log().includes('Peer has closed the GnuTLS connection'))
          throw new Error(`gnutls-cli said: ${log()}${program.text}`);
      },
    };
  },
  async resume(t, port, setup, served) {
    const extra = setup.version === 'TLSv1.3' ? ['--resume', '--waitresumption'] : ['--resume'];
    const { program } = await gnutlsCli(t, port, setup, extra);
    await served();
    await served();
    await sleep(100);
    program.endInput();
    await program.exited;
  },
};
