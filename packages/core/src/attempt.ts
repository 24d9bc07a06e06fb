/** A last call of an engine or a transport that is given up anyway: what it throws changes nothing. */
export function attempt(call: (() => void) | undefined): void {
  try {
    call?.();
  } catch {}
}
