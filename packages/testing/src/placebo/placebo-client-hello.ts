import { PeerMisbehavedError, type TlsVersion } from '@rxtls/core/engine';

/** What the placebo puts into a ClientHello, and reads from one. */
export interface PlaceboHello {
  readonly version: TlsVersion;
  readonly serverName?: string | undefined;
  readonly alpnProtocols?: readonly string[] | undefined;
}

/** The 32 bytes where a real ClientHello has randomness. They say what they are worth. */
const placeboRandom = 'PLACEBO - NO SECURITY WHATSOEVER';

const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0) & 0xff);
const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const vector8 = (bytes: readonly number[]): number[] => [bytes.length, ...bytes];
const vector16 = (bytes: readonly number[]): number[] => [...u16(bytes.length), ...bytes];
const extension = (type: number, body: readonly number[]): number[] => [...u16(type), ...vector16(body)];
const versionNumber = (version: TlsVersion): number => (version === 'TLSv1.3' ? 0x0304 : 0x0303);

/** The body of a minimal ClientHello (RFC 8446 §4.1.2): valid in syntax, and nothing else. */
export function encodePlaceboHello(hello: PlaceboHello): Uint8Array {
  const { serverName, alpnProtocols = [] } = hello;
  const extensions = [
    ...(serverName === undefined ? [] : extension(0, vector16([0, ...vector16(ascii(serverName))]))),
    ...(alpnProtocols.length === 0 ? [] : extension(16, vector16(alpnProtocols.flatMap((p) => vector8(ascii(p)))))),
    ...extension(43, vector8(u16(versionNumber(hello.version)))),
  ];
  // legacy_version, random, legacy_session_id, cipher_suites (TLS_NULL_WITH_NULL_NULL), legacy_compression_methods
  return Uint8Array.from([
    3,
    3,
    ...ascii(placeboRandom),
    ...vector8([]),
    ...vector16([0, 0]),
    ...vector8([0]),
    ...vector16(extensions),
  ]);
}

/** What the server side looks at in a ClientHello. */
export interface ReceivedHello {
  readonly versions: readonly number[];
  readonly serverName?: string;
  readonly alpnProtocols: readonly string[];
}

/** Reads a ClientHello's body. @throws PeerMisbehavedError (`decode_error`) when a length does not fit. */
export function decodePlaceboHello(body: Uint8Array): ReceivedHello {
  const reader = new VectorReader(body);
  const legacyVersion = reader.number(2);
  reader.take(32);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  let versions = [legacyVersion];
  let serverName: string | undefined;
  let alpnProtocols: string[] = [];
  const extensions = reader.left === 0 ? reader : reader.vector(2);
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (type === 0) {
      const list = data.vector(2);
      if (list.number(1) === 0) serverName = text(list.vector(2).rest()).toLowerCase();
    } else if (type === 16) {
      const list = data.vector(2);
      alpnProtocols = [];
      while (list.left > 0) alpnProtocols.push(text(list.vector(1).rest()));
    } else if (type === 43) {
      const list = data.vector(1);
      versions = [];
      while (list.left > 0) versions.push(list.number(2));
    }
  }
  if (reader.left > 0) throw malformed();
  return serverName === undefined ? { versions, alpnProtocols } : { versions, serverName, alpnProtocols };
}

/** True when the hello offers this version. */
export const offersVersion = (hello: ReceivedHello, version: TlsVersion): boolean =>
  hello.versions.includes(versionNumber(version));

const malformed = () => new PeerMisbehavedError('the placebo ClientHello is malformed', { alert: 'decode_error' });

class VectorReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get left(): number {
    return this.#bytes.length - this.#at;
  }
  take(count: number): Uint8Array {
    if (count > this.left) throw malformed();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
  rest(): Uint8Array {
    return this.take(this.left);
  }
  number(bytes: number): number {
    return this.take(bytes).reduce((value, byte) => value * 256 + byte, 0);
  }
  vector(lengthBytes: number): VectorReader {
    return new VectorReader(this.take(this.number(lengthBytes)));
  }
}
