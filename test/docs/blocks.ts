import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { filesUnder, root } from '../boundaries/sources.ts';

/** A piece of TypeScript in a document or a comment. */
export interface Block {
  /** `README.md:46`. */
  readonly where: string;
  readonly code: string;
  /** Behind the fence's `ts`: nothing, or `run`. */
  readonly mark: string;
}

/** Documents with code, those that exist. */
export const documents: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
  ...readdirSync(join(root, 'examples')).map((name) => `examples/${name}/README.md`),
].filter((path) => existsSync(join(root, path)));

/** Every fenced block of TypeScript. */
export function fencedBlocks(path: string): Block[] {
  const found: Block[] = [];
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  let open: { start: number; mark: string; indent: number } | undefined;
  lines.forEach((line, index) => {
    const fence = /^(\s*)```(\S*)\s*(.*)$/.exec(line);
    if (open !== undefined && fence !== null) {
      const { start, mark, indent } = open;
      const code = lines.slice(start + 1, index).map((each) => each.slice(indent));
      if (mark !== 'other') found.push({ where: `${path}:${start + 1}`, code: `${code.join('\n')}\n`, mark });
      open = undefined;
    } else if (fence !== null) {
      const [, spaces = '', language = '', mark = ''] = fence;
      const isTypeScript = language === 'ts' || language === 'typescript';
      open = { start: index, mark: isTypeScript ? mark.trim() : 'other', indent: spaces.length };
    }
  });
  if (open !== undefined) throw new Error(`${path}:${open.start + 1}: a fence is never closed`);
  return found;
}

/** Every `@example` of the packages' sources. */
export function examples(): Block[] {
  return readdirSync(join(root, 'packages')).flatMap((name) =>
    filesUnder(`packages/${name}/src`, /\.ts$/).flatMap((absolute) => {
      const text = readFileSync(absolute, 'utf8');
      return Array.from(text.matchAll(/\/\*\*[\s\S]*?\*\//g)).flatMap((comment) => {
        const at = comment[0].indexOf('@example');
        if (at < 0) return [];
        const line = text.slice(0, comment.index + at).split('\n').length;
        const code = comment[0]
          .slice(at + '@example'.length, -2)
          .split(/\n\s*\*\s*@/)[0]!
          .split('\n')
          .map((each) => each.replace(/^\s*\* ?/, ''))
          .filter((each) => !each.startsWith('```'))
          .join('\n');
        return [{ where: `${relative(root, absolute)}:${line}`, code: `${code.trim()}\n`, mark: '' }];
      });
    }),
  );
}
