import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { CredentialsError, type CredentialsFault } from './credentials-error.ts';

const chunkBytes = 65_536;
// A pipe that takes a file's place between the two looks at it must not hold us, nor a terminal become ours. Windows has neither.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/**
 * A file's text, if it is a file and of at most `maxBytes`. What is none is not even opened.
 * @throws CredentialsError with the path in its message
 */
export async function readText(path: string, part: string, maxBytes: number): Promise<string> {
  try {
    check(await stat(path), path, part, maxBytes);
    const file = await open(path, flags);
    try {
      check(await file.stat(), path, part, maxBytes);
      return await contents(file, path, part, maxBytes);
    } finally {
      await file.close(); // may fail, too, where a network lies below
    }
  } catch (error) {
    throw error instanceof CredentialsError ? error : systemFault(error, path, part);
  }
}

function check(stats: Stats, path: string, part: string, maxBytes: number): void {
  if (!stats.isFile()) {
    const what = stats.isDirectory() ? 'a folder' : stats.isFIFO() ? 'a pipe' : 'a device or socket';
    throw new CredentialsError('not-a-file', part, `${path} is ${what}: put a file there`);
  }
  if (stats.size > maxBytes) throw tooLarge(path, part, maxBytes);
}

/** Until its end, whatever size it said it had: it may be growing. */
async function contents(file: FileHandle, path: string, part: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for (let total = 0; ; ) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, maxBytes + 1));
      chunks.push(chunk);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      total += bytesRead;
      if (total > maxBytes) throw tooLarge(path, part, maxBytes);
      if (bytesRead === 0) return joined(chunks);
      chunks[chunks.length - 1] = chunk.subarray(0, bytesRead);
    }
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

function joined(chunks: Buffer[]): string {
  chunks.pop(); // the one that nothing was read into
  const whole = Buffer.concat(chunks);
  const text = whole.toString('utf8');
  whole.fill(0);
  return text;
}

const tooLarge = (path: string, part: string, maxBytes: number): CredentialsError =>
  new CredentialsError('too-large', part, `${path} is larger than ${maxBytes} bytes: raise maxBytes if that is right`);

const faults: Readonly<Record<string, readonly [CredentialsFault, string]>> = {
  ENOENT: ['missing', 'there is no such file: put it there'],
  ENOTDIR: ['missing', 'what should be a folder on the way is a file: put the file there'],
  ELOOP: ['missing', 'its symbolic links go in a circle: put the file there'],
  EACCES: ['unreadable', 'permission denied: let this process read it'],
  EPERM: ['unreadable', 'permission denied: let this process read it'],
};

function systemFault(error: unknown, path: string, part: string): CredentialsError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  const [fault, words] = (Object.hasOwn(faults, code) ? faults[code] : undefined) ?? ['unreadable', 'cannot be read'];
  return new CredentialsError(fault, part, `${path}: ${words} (${code})`);
}
