// Reads a captured conversation by key log lines alone, with nothing but `node:crypto`: what Wireshark does. No code of an engine.
import { createDecipheriv, createHmac } from 'node:crypto';
import type { End, Segment } from './capture.ts';

interface TlsRecord {
  readonly type: number;
  readonly header: Buffer;
  readonly body: Buffer;
}

/** What is inside a record, in its direction's order. */
type Opened = { readonly type: number; readonly content: Buffer };
type Open = (record: TlsRecord) => Opened;

interface AeadSuite {
  readonly hash: 'sha256' | 'sha384';
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm';
  readonly keyBytes: 16 | 32;
}
const aead128: AeadSuite = { hash: 'sha256', cipher: 'aes-128-gcm', keyBytes: 16 };
const aead256: AeadSuite = { hash: 'sha384', cipher: 'aes-256-gcm', keyBytes: 32 };
const aeadSuites: ReadonlyMap<number, AeadSuite> = new Map([
  [0x1301, aead128],
  [0x1302, aead256],
  [0xc02b, aead128],
  [0xc02c, aead256],
]);
const aes128CbcSha = 0x002f;

const contentType = { changeCipherSpec: 20, handshake: 22, applicationData: 23 } as const;
const handshakeType = { finished: 20, keyUpdate: 24 } as const;

/** The application data of each direction. @throws where a record does not open, or a secret is not in the lines. */
export function decrypt(segments: readonly Segment[], lines: readonly string[]): Record<End, string> {
  const stream = (end: End): Buffer =>
    Buffer.concat(segments.flatMap(({ from, bytes }) => (from === end ? [bytes] : [])));
  const [client, server] = [stream('client'), stream('server')];
  // Record header 5, handshake header 4, version 2; then the random. The ServerHello's session id and suite follow.
  const [clientRandom, serverRandom] = [client.subarray(11, 43), server.subarray(11, 43)];
  const suite = server.readUInt16BE(44 + server[43]!);
  const secret = (label: string): Buffer => {
    const found = lines.find((line) => line.startsWith(`${label} ${clientRandom.toString('hex')} `));
    if (found === undefined) throw new Error(`no ${label} for this ClientHello in ${lines.length} lines`);
    return Buffer.from(found.split(' ')[2]!, 'hex');
  };
  const applicationData = (bytes: Buffer, open: Open): string =>
    records(bytes)
      .map(open)
      .flatMap(({ type, content }) => (type === contentType.applicationData ? [content.toString('latin1')] : []))
      .join('');
  const aead = aeadSuites.get(suite);
  if (suite >> 8 === 0x13 && aead !== undefined) {
    const of = (who: 'CLIENT' | 'SERVER'): Open =>
      tls13(aead, secret(`${who}_HANDSHAKE_TRAFFIC_SECRET`), secret(`${who}_TRAFFIC_SECRET_0`));
    return { client: applicationData(client, of('CLIENT')), server: applicationData(server, of('SERVER')) };
  }
  const seed = Buffer.concat([Buffer.from('key expansion'), serverRandom, clientRandom]);
  const master = secret('CLIENT_RANDOM');
  const { client: openClient, server: openServer } =
    aead === undefined ? cbc(suite, master, seed) : tls12(aead, master, seed);
  return { client: applicationData(client, openClient), server: applicationData(server, openServer) };
}

function records(bytes: Buffer): TlsRecord[] {
  const found: TlsRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    found.push({ type: bytes[at]!, header: bytes.subarray(at, at + 5), body: bytes.subarray(at + 5, end) });
    at = end;
  }
  return found;
}

const sequenceBytes = (number: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
};

const hmac = (hash: string, key: Buffer, ...data: readonly Buffer[]): Buffer => {
  const made = createHmac(hash, key);
  for (const each of data) made.update(each);
  return made.digest();
};

/** AEAD_AES_*_GCM: the tag is the last 16 bytes. */
function openGcm({ cipher }: AeadSuite, key: Buffer, nonce: Buffer, additional: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(cipher, key, nonce).setAAD(additional).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

/** HKDF-Expand-Label (RFC 8446 §7.1) with an empty context, of at most one block of HKDF-Expand (RFC 5869 §2.3). */
function expandLabel(hash: AeadSuite['hash'], secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([length >> 8, length & 0xff, name.length]), name, Buffer.from([0, 1])]);
  return hmac(hash, secret, info).subarray(0, length);
}

/** One direction of TLS 1.3 (RFC 8446 §5.2, §7.2, §7.3): handshake keys up to Finished, new ones after each KeyUpdate. */
function tls13(suite: AeadSuite, handshakeSecret: Buffer, applicationSecret: Buffer): Open {
  const { hash, keyBytes } = suite;
  const hashBytes = hash === 'sha256' ? 32 : 48;
  let [secret, sequence, messages] = [handshakeSecret, 0, Buffer.alloc(0)];
  const rekey = (next: Buffer): void => {
    [secret, sequence] = [next, 0];
  };
  /** The types of whole handshake messages. */
  const read = (content: Buffer): number[] => {
    messages = Buffer.concat([messages, content]);
    const types: number[] = [];
    while (messages.length >= 4 && messages.length >= 4 + messages.readUIntBE(1, 3)) {
      types.push(messages[0]!);
      messages = messages.subarray(4 + messages.readUIntBE(1, 3));
    }
    return types;
  };
  return ({ type, header, body }) => {
    if (type !== contentType.applicationData) return { type: 0, content: body }; // in the clear
    const nonce = expandLabel(hash, secret, 'iv', 12);
    for (const [index, byte] of sequenceBytes(sequence++).entries()) nonce[4 + index]! ^= byte;
    const inner = openGcm(suite, expandLabel(hash, secret, 'key', keyBytes), nonce, header, body);
    let end = inner.length - 1;
    while (inner[end] === 0) end--; // padding
    const opened = { type: inner[end]!, content: inner.subarray(0, end) };
    if (opened.type === contentType.handshake)
      for (const message of read(opened.content)) {
        if (message === handshakeType.finished) rekey(applicationSecret);
        if (message === handshakeType.keyUpdate) rekey(expandLabel(hash, secret, 'traffic upd', hashBytes));
      }
    return opened;
  };
}

/** P_hash (RFC 5246 §5, RFC 2246 §5). */
function pHash(hash: string, secret: Buffer, seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  let [a, made] = [seed, 0];
  while (made < length) {
    a = hmac(hash, secret, a);
    const block = hmac(hash, secret, a, seed);
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** Cuts a key block (RFC 5246 §6.3): of each length one for the client and one for the server. */
function cut(block: Buffer, lengths: readonly number[]): Record<End, Buffer[]> {
  const keys: Record<End, Buffer[]> = { client: [], server: [] };
  let at = 0;
  for (const length of lengths)
    for (const end of ['client', 'server'] as const) keys[end].push(block.subarray(at, (at += length)));
  return keys;
}

/** Everything after ChangeCipherSpec is opened, by its number. */
function afterChangeCipherSpec(open: (record: TlsRecord, number: Buffer) => Buffer): Open {
  let sequence: number | undefined;
  return (record) => {
    if (sequence !== undefined) return { type: record.type, content: open(record, sequenceBytes(sequence++)) };
    if (record.type === contentType.changeCipherSpec) sequence = 0;
    return { type: 0, content: record.body };
  };
}

/** TLS 1.2 with AES-GCM (RFC 5288 §3). */
function tls12(suite: AeadSuite, master: Buffer, seed: Buffer): Record<End, Open> {
  const { hash, keyBytes } = suite;
  const keys = cut(pHash(hash, master, seed, 2 * (keyBytes + 4)), [keyBytes, 4]);
  const of = ([key, salt]: readonly Buffer[]): Open =>
    afterChangeCipherSpec(({ header, body }, number) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(body.length - 8 - 16);
      const nonce = Buffer.concat([salt!, body.subarray(0, 8)]);
      const additional = Buffer.concat([number, header.subarray(0, 3), length]);
      return openGcm(suite, key!, nonce, additional, body.subarray(8));
    });
  return { client: of(keys.client), server: of(keys.server) };
}

/** TLS 1.0 with AES-128-CBC and SHA-1 (RFC 2246 §6.2.3.2): each record's last block is the next one's IV. */
function cbc(suite: number, master: Buffer, seed: Buffer): Record<End, Open> {
  if (suite !== aes128CbcSha) throw new Error(`a suite that is not known here: ${suite.toString(16)}`);
  const length = 2 * (20 + 16 + 16);
  const [md5, sha1] = [
    pHash('md5', master.subarray(0, 24), seed, length),
    pHash('sha1', master.subarray(24), seed, length),
  ];
  const keys = cut(Buffer.from(md5.map((byte, index) => byte ^ sha1[index]!)), [20, 16, 16]);
  const of = ([mac, key, firstIv]: readonly Buffer[]): Open => {
    let iv = firstIv!;
    return afterChangeCipherSpec(({ header, body }, number) => {
      const decipher = createDecipheriv('aes-128-cbc', key!, iv).setAutoPadding(false);
      const padded = Buffer.concat([decipher.update(body), decipher.final()]);
      iv = body.subarray(-16);
      const content = padded.subarray(0, padded.length - 1 - padded.at(-1)! - 20);
      const contentLength = Buffer.alloc(2);
      contentLength.writeUInt16BE(content.length);
      const expected = hmac('sha1', mac!, number, header.subarray(0, 3), contentLength, content);
      if (!expected.equals(padded.subarray(content.length, content.length + 20))) throw new Error('a MAC is wrong');
      return content;
    });
  };
  return { client: of(keys.client), server: of(keys.server) };
}
