import { readFile, writeFile } from 'node:fs/promises';
import type { Arguments } from './arguments.ts';
import { UsageError } from './usage-error.ts';

/** PEM both. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
  /** Whom its clients have to trust, where that is known. */
  readonly authority?: string;
}

/** Those of the files, or one to throw away. @throws UsageError for files that cannot be read or written */
export async function credentialsOf({ files, authority }: Arguments): Promise<Credentials> {
  if (files !== undefined)
    return {
      cert: await told(`--cert ${JSON.stringify(files.cert)}`, readFile(files.cert, 'utf8')),
      key: await told(`--key ${JSON.stringify(files.key)}`, readFile(files.key, 'utf8')),
    };
  // Here alone: a server with a certificate of its own makes none.
  const { testPki } = await import('@rxtls/testing');
  const pki = await testPki();
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  if (authority !== undefined)
    await told(`--authority ${JSON.stringify(authority)}`, writeFile(authority, pki.authorityPem));
  return { cert, key, authority: pki.authorityPem };
}

async function told<T>(option: string, access: Promise<T>): Promise<T> {
  try {
    return await access;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const words = { ENOENT: 'no such file', EISDIR: 'it is a folder', EACCES: 'permission denied' }[code ?? ''];
    throw new UsageError(`${option}: ${words ?? message}`, { cause: error });
  }
}
