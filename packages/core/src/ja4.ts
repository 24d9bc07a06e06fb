import { ApiMisuseError, type ClientHello } from './engine/index.ts';

/**
 * The JA4 fingerprint of a ClientHello, which tells client programs apart: `t13d1516h2_8daaf6152771_e5627efa2ab1`. For logs
 * and for choosing an engine; whoever wants to look like another program can.
 *
 * @param sha256 the hash function of your runtime, as `(bytes) => createHash('sha256').update(bytes).digest()`
 * @throws ApiMisuseError for a hash that is not 32 bytes
 * @see https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md
 * @example
 * const { createHash } = await import('node:crypto');
 * const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
 * byHello((hello) => {
 *   console.log(hello.serverName, ja4(hello, sha256));
 *   return nodeEngine.server({ credentials });
 * });
 */
export function ja4(hello: ClientHello, sha256: (bytes: Uint8Array) => Uint8Array): string {
  const ciphers = hello.cipherSuites.filter(isReal);
  const extensions = hello.extensions.filter(isReal);
  const schemes = hello.signatureSchemes.filter(isReal);
  const hashed = (text: string): string => {
    if (text === '') return '000000000000';
    const hash = sha256(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    if (!(hash instanceof Uint8Array) || hash.length !== 32)
      throw new ApiMisuseError('ja4(hello, sha256) takes a function that gives 32 bytes');
    return Array.from(hash.subarray(0, 6), hex2).join('');
  };
  const version = versionName.get(Math.max(...hello.supportedVersions.filter(isReal), 0)) ?? '00';
  const name = extensions.includes(serverNameType) ? 'd' : 'i';
  const head = `t${version}${name}${count(ciphers)}${count(extensions)}${endsOf(hello.alpnProtocols[0])}`;
  const kinds = sorted(extensions.filter((type) => type !== serverNameType && type !== alpnType));
  const tail = kinds !== '' && schemes.length > 0 ? `${kinds}_${schemes.map(hex4).join(',')}` : kinds;
  return `${head}_${hashed(sorted(ciphers))}_${hashed(tail)}`;
}

const [serverNameType, alpnType] = [0, 16];
const versionName = new Map([
  [0x0304, '13'],
  [0x0303, '12'],
  [0x0302, '11'],
  [0x0301, '10'],
  [0x0300, 's3'],
  [0x0002, 's2'],
  [0xfeff, 'd1'],
  [0xfefd, 'd2'],
  [0xfefc, 'd3'],
]);

/** Not one of the values of RFC 8701, which stand for nothing. */
const isReal = (value: number): boolean => (value & 0x0f0f) !== 0x0a0a || value >> 8 !== (value & 0xff);
const hex2 = (byte: number): string => byte.toString(16).padStart(2, '0');
const hex4 = (value: number): string => value.toString(16).padStart(4, '0');
const count = (list: readonly number[]): string => String(Math.min(list.length, 99)).padStart(2, '0');
const sorted = (values: readonly number[]): string => values.map(hex4).sort().join(',');

/** The first and last letter of a protocol's name, or of its hexadecimal form where they are no letters or digits. */
function endsOf(protocol: string | undefined): string {
  if (protocol === undefined) return '00';
  const isPlain = (letter: string | undefined): boolean => /^[0-9A-Za-z]$/.test(letter ?? '');
  const ends = (text: string): string => `${text.at(0)}${text.at(-1)}`;
  if (isPlain(protocol.at(0)) && isPlain(protocol.at(-1))) return ends(protocol);
  return ends(Array.from(protocol, (letter) => hex2(letter.charCodeAt(0))).join(''));
}
