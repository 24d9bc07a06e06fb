const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const short = (value: number): string => String(Math.round(value * 10) / 10);

export const svgText = (x: number, y: number, look: string, text: string): string =>
  `<text class="${look}" x="${short(x)}" y="${short(y)}">${escaped(text)}</text>`;

export const svgRect = (x: number, y: number, width: number, height: number, look: string, radius = 0): string =>
  `<rect class="${look}" x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"${radius > 0 ? ` rx="${radius}"` : ''}/>`;
