const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;

export type Style = keyof typeof codes;
export type Paint = (style: Style, text: string) => string;

/** Colour for a terminal that wants it (no-color.org), the bare text for everybody else. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const wanted = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? (style, text) => `\u001B[${codes[style]}m${text}\u001B[0m` : (_, text) => text;
}
