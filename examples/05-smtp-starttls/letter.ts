import { randomUUID } from 'node:crypto';

const example = `Dear Charles,

the line below begins with a dot, and the one after it is one:
.hidden
.
they have to arrive as they are.
                                        Ada
`;

/** A header, and the text that was given or one of its own. */
export async function* letter(from: string, to: string, text?: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const header = [
    `From: <${from}>`,
    `To: <${to}>`,
    'Subject: By STARTTLS',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@${from.split('@')[1]}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ];
  yield Buffer.from(`${header.join('\r\n')}\r\n\r\n`);
  if (text === undefined) yield Buffer.from(example);
  else yield* text;
}
