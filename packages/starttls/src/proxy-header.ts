import type { DuplexInfo } from '@rxtls/core';
import { ipv4Bytes, ipv6Bytes } from '@rxtls/core/engine-parts';
import { ascii, textOf } from './ascii.ts';
import { ipEndpoint } from './ip-endpoint.ts';
import { misbehaved } from './refusal.ts';
import type { Frame } from './script.ts';

// The PROXY protocol, haproxy's doc/proxy-protocol.txt: section 2.1 is version 1, 2.2 version 2.

/** One end of a connection, as a number. */
export interface ProxyAddress {
  readonly address: Uint8Array;
  readonly port: number;
}

const signature: Uint8Array = ascii('\r\n\r\n\0\r\nQUIT\n');
const lineStart: Uint8Array = ascii('PROXY ');
/** "The maximum line lengths the receiver must support", CRLF included. */
const maxLineBytes = 107;
const command = { local: 0x20, proxy: 0x21 } as const;
const family = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21, unixStream: 0x31 } as const;
/** Bytes of both addresses and ports, and of one address. */
const layout: Readonly<Record<number, { readonly all: number; readonly address: number }>> = {
  [family.tcp4]: { all: 12, address: 4 },
  [family.tcp6]: { all: 36, address: 16 },
};

/** Frames a header of either version. What begins otherwise is none: a receiver must not guess (section 2). */
export const proxyHeaderFrame: Frame = (held) => {
  if (beginsLike(held, signature)) return held.length < 16 ? -1 : 16 + uint16(held, 14);
  if (!beginsLike(held, lineStart)) throw misbehaved('the connection begins without a PROXY header');
  const end = held.indexOf(10);
  if (end < 0 ? held.length >= maxLineBytes : end >= maxLineBytes)
    throw misbehaved(`a PROXY line is over ${maxLineBytes} bytes`);
  return end + 1 || -1;
};

/** The ends a header tells of; undefined where it tells of none (LOCAL, UNKNOWN, addresses that are not of TCP). */
export function proxyHeader(header: Uint8Array): Required<DuplexInfo> | undefined {
  return header[0] === signature[0] ? binaryHeader(header) : lineHeader(textOf(header));
}

function binaryHeader(header: Uint8Array): Required<DuplexInfo> | undefined {
  const [ownCommand, ownFamily] = [header[12]!, header[13]!];
  if (ownCommand === command.local) return undefined;
  if (ownCommand !== command.proxy) throw misbehaved('a PROXY header has an unknown version or command');
  if (ownFamily === family.unspecified || ownFamily === family.unixStream) return undefined;
  const parts = layout[ownFamily];
  if (parts === undefined) throw misbehaved('a PROXY header is for something else than a stream');
  const body = header.subarray(16);
  if (body.length < parts.all) throw misbehaved('a PROXY header is too short for its addresses'); // what is more is TLVs
  const { address } = parts;
  return {
    remote: ipEndpoint(body.subarray(0, address), uint16(body, 2 * address)),
    local: ipEndpoint(body.subarray(address, 2 * address), uint16(body, 2 * address + 2)),
  };
}

function lineHeader(text: string): Required<DuplexInfo> | undefined {
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(text)) return undefined;
  const [, kind, ...fields] = /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})\r\n$/.exec(text) ?? [];
  const parse = kind === '4' ? ipv4Bytes : ipv6Bytes;
  const [source, destination] = fields.slice(0, 2).map((field) => parse(field));
  const ports = fields.slice(2).map((field) => (/^(0|[1-9]\d*)$/.test(field) ? Number(field) : Number.NaN));
  if (source === undefined || destination === undefined || !ports.every((port) => port <= 65_535))
    throw misbehaved('a PROXY line has no addresses and ports');
  return { remote: ipEndpoint(source, ports[0]), local: ipEndpoint(destination, ports[1]) };
}

/** A header for these ends, of one family; without them LOCAL, or UNKNOWN in version 1. */
export function proxyHeaderBytes(
  version: 1 | 2,
  ends?: readonly [source: ProxyAddress, destination: ProxyAddress],
): Uint8Array {
  if (version === 1) return ascii(ends === undefined ? 'PROXY UNKNOWN\r\n' : lineOf(ends));
  if (ends === undefined) return Uint8Array.of(...signature, command.local, family.unspecified, 0, 0);
  const [source, destination] = ends;
  const ports = [source.port >> 8, source.port & 255, destination.port >> 8, destination.port & 255];
  const body = [...source.address, ...destination.address, ...ports];
  const ownFamily = source.address.length === 4 ? family.tcp4 : family.tcp6;
  return Uint8Array.of(...signature, command.proxy, ownFamily, 0, body.length, ...body);
}

function lineOf([source, destination]: readonly [ProxyAddress, ProxyAddress]): string {
  const kind = source.address.length === 4 ? 'TCP4' : 'TCP6';
  const texts = [source, destination].map(({ address }) => ipEndpoint(address));
  return `PROXY ${kind} ${texts.join(' ')} ${source.port} ${destination.port}\r\n`;
}

const beginsLike = (held: Uint8Array, start: Uint8Array): boolean =>
  held.subarray(0, start.length).every((byte, index) => byte === start[index]);

const uint16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
