/** The bytes of an IPv4 address in dotted decimal, four numbers without leading zeros; undefined for anything else. */
export function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const isAddress = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return isAddress ? Uint8Array.from(parts, Number) : undefined;
}

/** The bytes of an IPv6 address (RFC 4291 §2.2), without brackets and zone; undefined for anything else. */
export function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map((half, index) => groupBytes(half, index === halves.length - 1));
  if (front === undefined || (halves.length === 2 && back === undefined)) return undefined;
  const known = front.length + (back?.length ?? 0);
  if (halves.length === 1 ? known !== 16 : known > 14) return undefined;
  const address = new Uint8Array(16);
  address.set(front);
  address.set(back ?? [], 16 - (back?.length ?? 0));
  return address;
}

/** Groups between colons; the last one of all may be an IPv4 address. */
function groupBytes(text: string, isLast: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const dotted = isLast && index === groups.length - 1 ? ipv4Bytes(group) : undefined;
    if (dotted !== undefined) bytes.push(...dotted);
    else if (/^[\da-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes;
}
