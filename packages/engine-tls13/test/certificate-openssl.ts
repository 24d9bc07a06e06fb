// What openssl verify says of a chain, to hold beside our own verdict. Not ours to install.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Issued, now } from './certificate-pki.ts';

const program: string = process.env['OPENSSL'] ?? 'openssl';

/** Undefined where there is no openssl; the line says so. */
export function opensslVersion(): string | undefined {
  const { status, stdout } = spawnSync(program, ['version'], { encoding: 'utf8' });
  return status === 0 && stdout.startsWith('OpenSSL 3') ? stdout.trim() : undefined;
}

export function opensslVerdict(
  folder: string,
  shown: readonly Issued[],
  anchors: readonly Issued[],
  {
    usage = 'serverAuth',
    name,
    at = now,
  }: { usage?: 'serverAuth' | 'clientAuth'; name?: string | undefined; at?: number },
): { ok: boolean; said: string } {
  const file = (name: string, pem: string): string => {
    writeFileSync(join(folder, name), pem);
    return join(folder, name);
  };
  const [leaf, ...others] = shown;
  const { status, stdout, stderr } = spawnSync(
    program,
    [
      'verify',
      '-no-CAfile',
      '-no-CApath',
      '-no-CAstore',
      '-partial_chain',
      '-auth_level=2',
      `-attime=${Math.floor(at / 1000)}`,
      `-purpose=${usage === 'serverAuth' ? 'sslserver' : 'sslclient'}`,
      ...(name === undefined ? [] : [/^[\d.]+$|:/.test(name) ? '-verify_ip' : '-verify_hostname', name]),
      '-trusted',
      file('trusted.pem', anchors.map(({ pem }) => pem).join('')),
      ...(others.length === 0 ? [] : ['-untrusted', file('untrusted.pem', others.map(({ pem }) => pem).join(''))]),
      file('leaf.pem', leaf?.pem ?? ''),
    ],
    { encoding: 'utf8' },
  );
  return { ok: status === 0, said: `${stdout}${stderr}`.trim() };
}
