/**
 * A mail as DATA carries it (RFC 5321 §4.5.2): every line ends in CR LF, whatever ended it before, a line that begins with a dot gets a
 * second one, and a line with one dot is the end. So nothing in the text can be taken for the end.
 */
export async function* dotStuffed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let isLineStart = true;
  let isAfterReturn = false;
  for await (const chunk of chunks) {
    let text = Buffer.from(chunk).toString('latin1');
    if (isAfterReturn && text.startsWith('\n')) text = text.slice(1); // its line end has been written
    if (chunk.length > 0) isAfterReturn = chunk.at(-1) === 13;
    if (text === '') continue;
    const lines = text.replace(/\r\n?|\n/g, '\r\n').replace(/\r\n\./g, '\r\n..');
    yield Buffer.from(isLineStart && lines.startsWith('.') ? `.${lines}` : lines, 'latin1');
    isLineStart = lines.endsWith('\r\n');
  }
  yield Buffer.from(isLineStart ? '.\r\n' : '\r\n.\r\n');
}
