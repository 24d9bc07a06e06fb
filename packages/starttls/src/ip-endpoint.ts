/** An address as text (RFC 5952 for IPv6), with its port `address:port`, IPv6 then in brackets. */
export function ipEndpoint(address: Uint8Array, port?: number): string {
  const text = address.length === 4 ? address.join('.') : ipv6Text(address);
  if (port === undefined) return text;
  return address.length === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}

function ipv6Text(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((address[2 * index]! << 8) | address[2 * index + 1]!).toString(16),
  );
  // The longest run of zeros, the first of several, of at least two.
  const zeros = groups.map((group) => (group === '0' ? '0' : '-')).join('');
  const [longest] = (zeros.match(/00+/g) ?? []).sort((a, b) => b.length - a.length);
  if (longest === undefined) return groups.join(':');
  const start = zeros.indexOf(longest);
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + longest.length).join(':')}`;
}
