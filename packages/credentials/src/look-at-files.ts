import { createHash } from 'node:crypto';
import { CredentialsError } from './credentials-error.ts';
import { readText } from './read-text.ts';

/** What one look at the files has seen. */
export interface Look {
  /** Equal for two looks exactly when they have seen the same; holds nothing of the files. */
  readonly digest: string;
  /** By name; absent when something was wrong. */
  readonly texts?: ReadonlyMap<string, string>;
  readonly fault?: CredentialsError;
}

/** Reads them all, or says what is wrong with the first that is not there or not a file. */
export async function lookAtFiles(paths: ReadonlyMap<string, string>, maxBytes: number): Promise<Look> {
  const texts = new Map<string, string>();
  const hash = createHash('sha256');
  try {
    for (const [name, path] of paths) {
      const text = await readText(path, name, maxBytes);
      texts.set(name, text);
      hash.update(`${text.length} `).update(text);
    }
  } catch (fault) {
    if (fault instanceof CredentialsError) return { digest: `${fault.fault} ${fault.message}`, fault };
    throw fault;
  }
  return { digest: hash.digest('hex'), texts };
}
