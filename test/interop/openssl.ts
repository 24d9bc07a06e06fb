import type { Test } from 'tap';
import { host, type Version } from './ends.ts';
import { authorityFile, fileName, type LeafFiles, leafFiles } from './files.ts';
import type { ClientPeer, ClientSetup, ServerPeer, ServerSetup } from './peer.ts';
import { freePort, isInstalled, Program } from './program.ts';

export const opensslMissing: string | undefined = isInstalled('openssl')
  ? undefined
  : 'skipped: openssl is not installed';
const flag = (version: Version): string => (version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3');

const chainOptions = ({ leaf, intermediates, key }: LeafFiles): readonly string[] =>
  intermediates === undefined
    ? ['-cert', leaf, '-key', key]
    : ['-cert', leaf, '-key', key, '-cert_chain', intermediates];

/** `s_server` for one connection after another. Without `-quiet` it takes commands: a chunk that begins with their letter. */
export async function sServer(t: Test, setup: ServerSetup, extra: readonly string[] = []) {
  const files = await leafFiles(setup.leaf);
  const isQuiet = setup.talks !== true;
  const asked = isQuiet ? await freePort() : 0;
  const program = new Program(t, 'openssl', [
    's_server',
    ['-accept', `${host}:${asked}`, flag(setup.version), ...chainOptions(files)],
    isQuiet ? ['-quiet'] : [],
    setup.alpn === undefined ? [] : ['-alpn', setup.alpn],
    setup.http === true ? ['-www'] : [],
    setup.requireClient === true ? ['-CAfile', authorityFile, '-Verify', '3', '-verify_return_error'] : [],
    extra,
  ]);
  const port = isQuiet ? asked : Number((await program.says(/ACCEPT [\d.]+:(\d+)/))[1]);
  return { program, port };
}

/** Without a version it offers all that it has. */
export async function sClient(t: Test, port: number, setup: Partial<ClientSetup>, extra: readonly string[] = []) {
  const files = setup.leaf === undefined ? undefined : await leafFiles(setup.leaf);
  return new Program(t, 'openssl', [
    's_client',
    ['-connect', `${host}:${port}`, '-servername', 'localhost'],
    setup.version === undefined ? [] : [flag(setup.version)],
    ['-CAfile', authorityFile, '-verify_return_error', '-verify_hostname', 'localhost'],
    setup.alpn === undefined ? [] : ['-alpn', setup.alpn],
    files === undefined ? [] : chainOptions(files),
    extra,
  ]);
}

export const opensslServer: ServerPeer = {
  name: 'openssl s_server',
  missing: opensslMissing,
  async start(t, setup) {
    const { program, port } = await sServer(t, setup);
    return {
      port,
      send: (bytes) => program.type(bytes),
      received: (length) => program.outputs(length),
      kill: () => program.kill(),
      ...(setup.talks === true ? { sawClose: () => program.says(/^DONE/m) } : {}),
    };
  },
};

export const opensslClient: ClientPeer = {
  name: 'openssl s_client',
  missing: opensslMissing,
  async start(t, port, setup) {
    // -quiet would keep it from ending with its input; its banners go to a file of nobody's with -brief.
    const program = await sClient(t, port, setup, ['-quiet', '-no_ign_eof', '-nocommands']);
    return {
      send: (bytes) => program.type(bytes),
      received: (length) => program.outputs(length),
      close: () => program.endInput(),
      kill: () => program.kill(),
      // Zero for a close_notify, not for a cut.
      sawClose: async () => {
        if ((await program.exited) !== 0) throw new Error(`s_client failed: ${program.text}`);
      },
    };
  },
  async resume(t, port, setup, served) {
    const session = fileName(`session-${port}.pem`);
    for (const extra of [
      ['-sess_out', session],
      ['-sess_in', session],
    ]) {
      const program = await sClient(t, port, setup, extra);
      // A session is there once the tickets have come, with the first bytes of the server.
      await program.says(/hello from rxtls/);
      program.endInput();
      await program.exited;
      await served();
    }
  },
};
