// A capture file of one TCP connection, as tcpdump would have written it: Ethernet, IPv4, TCP, whole packets, no loss.
import type { End, Segment } from './capture.ts';

export const addresses: Readonly<Record<End, { readonly ip: readonly number[]; readonly port: number }>> = {
  client: { ip: [192, 0, 2, 1], port: 49_152 },
  server: { ip: [192, 0, 2, 2], port: 443 },
};
const flag = { syn: 0x02, psh: 0x08, ack: 0x10 } as const;
const mss = 1_400;

/** The file: its header, and a packet for the handshake of TCP and for each at most 1 400 bytes of a segment. */
export function pcap(segments: readonly Segment[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0); // little-endian, microseconds
  header.writeUInt16LE(2, 4); // version 2.4
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16); // packets are whole up to here
  header.writeUInt32LE(1, 20); // Ethernet
  const packets: Buffer[] = [header];
  /** The next byte of each end. */
  const next: Record<End, number> = { client: 1_000, server: 5_000 };
  const send = (from: End, flags: number, data: Uint8Array = new Uint8Array(0)): void => {
    const to = from === 'client' ? 'server' : 'client';
    const acknowledged = (flags & flag.ack) === 0 ? 0 : next[to];
    const frame = ethernet(from, ipv4(from, to, tcp(from, to, next[from], acknowledged, flags, data)));
    packets.push(packetHeader(packets.length, frame.length), frame);
    next[from] += data.length + ((flags & flag.syn) === 0 ? 0 : 1);
  };
  send('client', flag.syn);
  send('server', flag.syn | flag.ack);
  send('client', flag.ack);
  for (const { from, bytes } of segments)
    for (let at = 0; at < bytes.length; at += mss) send(from, flag.psh | flag.ack, bytes.subarray(at, at + mss));
  return Buffer.concat(packets);
}

/** Its time, a millisecond after the one before, and how long it is, as kept and as it was. */
function packetHeader(number: number, length: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(1_700_000_000, 0);
  header.writeUInt32LE(number * 1_000, 4);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return header;
}

function ethernet(from: End, packet: Buffer): Buffer {
  const [client, server] = [Buffer.from('020000000001', 'hex'), Buffer.from('020000000002', 'hex')];
  const type = Buffer.from([0x08, 0x00]); // IPv4
  return Buffer.concat(from === 'client' ? [server, client, type, packet] : [client, server, type, packet]);
}

/** RFC 791 §3.1. */
function ipv4(from: End, to: End, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45; // version 4, five words
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(0x4000, 6); // not to be fragmented
  header[8] = 64;
  header[9] = 6; // TCP
  header.set(addresses[from].ip, 12);
  header.set(addresses[to].ip, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** The ones' complement of the ones' complement sum (RFC 1071). */
function checksum(...parts: readonly Buffer[]): number {
  const bytes = Buffer.concat([...parts, Buffer.alloc(1)]);
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** RFC 9293 §3.1. */
function tcp(from: End, to: End, sequence: number, acknowledged: number, flags: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(addresses[from].port, 0);
  header.writeUInt16BE(addresses[to].port, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt32BE(acknowledged, 8);
  header[12] = 5 << 4; // five words
  header[13] = flags;
  header.writeUInt16BE(65_535, 14);
  const segment = Buffer.concat([header, data]);
  const pseudo = Buffer.from([
    ...addresses[from].ip,
    ...addresses[to].ip,
    0,
    6,
    segment.length >> 8,
    segment.length & 0xff,
  ]);
  segment.writeUInt16BE(checksum(pseudo, segment), 16);
  return segment;
}
