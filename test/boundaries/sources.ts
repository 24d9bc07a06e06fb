import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';

/** One TypeScript file of the repository. */
export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string;
  /** `core`, for packages/core/src/…; undefined elsewhere. */
  readonly package: string | undefined;
  readonly name: string;
  readonly text: string;
  /** Without comments and without the contents of strings, so that words in prose count for nothing. Same line numbers. */
  readonly code: string;
  /** Module specifiers of imports, exports and `import()`. */
  readonly imports: readonly string[];
  readonly lines: number;
}

export const root: string = join(import.meta.dirname, '..', '..');

/** Everything that is tracked as source: no dependencies, no build. */
export function filesUnder(folder: string, matches: RegExp): string[] {
  const found: string[] = [];
  const skipped = new Set(['node_modules', 'dist', '.git', '.tap', 'tap-snapshots', '__snapshots__']);
  const walk = (at: string): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (skipped.has(entry.name)) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (matches.test(entry.name)) found.push(path);
    }
  };
  walk(join(root, folder));
  return found;
}

export function sourceFile(absolute: string): SourceFile {
  const path = relative(root, absolute).split(sep).join('/');
  const text = readFileSync(absolute, 'utf8');
  return {
    path,
    package: /^packages\/([^/]+)\/src\//.exec(path)?.[1],
    name: basename(path),
    text,
    code: withoutWords(text),
    imports: importsOf(text),
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
  };
}

/** Sources of all packages. */
export const packageSources = (): SourceFile[] =>
  readdirSync(join(root, 'packages')).flatMap((name) => filesUnder(`packages/${name}/src`, /\.ts$/).map(sourceFile));

/** Blanks comments, strings and template text; keeps what stands in `${…}`, line breaks, and everything else. */
export function withoutWords(text: string): string {
  let out = '';
  let at = 0;
  /** Depths of braces at which a template's `${` was opened. */
  const templates: number[] = [];
  let depth = 0;
  const blank = (to: number): void => {
    out += text.slice(at, to).replaceAll(/[^\n]/g, ' ');
    at = to;
  };
  const endOf = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    return found === null ? text.length : found.index + found[0].length;
  };
  const template = (): void => {
    const to = endOf(/(?:[^\\`$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y);
    const opens = text.slice(at, to).endsWith('${');
    blank(to);
    if (opens) templates.push(depth++);
  };
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = text[at]!;
    if (two === '//') blank(endOf(/[^\n]*/y));
    else if (two === '/*') blank(endOf(/\/\*[\s\S]*?\*\//y));
    else if (one === "'" || one === '"') blank(endOf(one === "'" ? /'(?:[^\\'\n]|\\.)*'/y : /"(?:[^\\"\n]|\\.)*"/y));
    else if (one === '/' && /[(,=:[!&|?{};\n]\s*$/.test(out.slice(-20)))
      blank(endOf(/\/(?:[^\\/[\n]|\\.|\[(?:[^\\\]\n]|\\.)*\])+\/[a-z]*/y));
    else if (one === '`') {
      out += ' ';
      at++;
      template();
    } else if (one === '}' && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      out += ' ';
      at++;
      template();
    } else {
      if (one === '{') depth++;
      if (one === '}') depth--;
      out += one;
      at++;
    }
  }
  return out;
}

const importsOf = (text: string): string[] => {
  const plain = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  return Array.from(
    plain.matchAll(
      /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
    ),
    (match) => match[1] ?? match[2] ?? '',
  );
};
