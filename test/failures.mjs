// Prints the failing parts of a TAP file: each `not ok` with its diagnostics, and anything that is not TAP around it.
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2], 'utf8').split('\n');
let keep = 0;
for (const line of lines) {
  if (/^\s*not ok/.test(line) && !/# (SKIP|TODO)/i.test(line)) keep = 40;
  else if (/^\s*ok /.test(line)) keep = 0;
  if (keep-- > 0) console.log(line);
}
