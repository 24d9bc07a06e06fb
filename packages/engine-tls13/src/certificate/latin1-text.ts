/** One character for each byte. */
export function latin1Text(bytes: Uint8Array): string {
  let text = '';
  // Engines bound how many arguments a call may have.
  for (let at = 0; at < bytes.length; at += 4_096) text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
  return text;
}
