import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestLeafName } from '@rxtls/testing';
import { pki } from './ends.ts';

const folder = mkdtempSync(join(tmpdir(), 'rxtls-interop-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A new file's name in a folder that goes with this process. */
export const fileName = (name: string): string => join(folder, name);

function file(name: string, contents: string): string {
  const path = fileName(name);
  writeFileSync(path, contents, { mode: 0o600 });
  return path;
}

/** A leaf on disk, as programs want it. */
export interface LeafFiles {
  readonly leaf: string;
  /** Absent for a leaf right below a root: programs refuse an empty file. */
  readonly intermediates?: string;
  /** Both. */
  readonly chain: string;
  readonly key: string;
}

export const authorityFile: string = file('authority.pem', pki.authorityPem);

export async function leafFiles(name: TestLeafName): Promise<LeafFiles> {
  const { certificatePem, keyPem } = await pki.leaf(name);
  const [leaf = '', ...intermediates] = certificatePem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g) ?? [];
  return {
    leaf: file(`${name}.leaf.pem`, leaf),
    ...(intermediates.length > 0 && { intermediates: file(`${name}.intermediates.pem`, intermediates.join('')) }),
    chain: file(`${name}.chain.pem`, certificatePem),
    key: file(`${name}.key.pem`, keyPem),
  };
}
