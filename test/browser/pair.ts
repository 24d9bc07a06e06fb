// Both ends of one engine in one page: what the page and the worker of tls13.test.ts run. It is bundled; nothing of Node is here.
import { CertificateError, open, secure, type TlsConnection, TlsError } from '@rxtls/core';
import { type Signer, tls13Engine, type Tls13Engine } from '@rxtls/engine-tls13';
import { memoryPair } from '@rxtls/transport-memory';
import { lastValueFrom, merge, of, takeWhile, tap } from 'rxjs';

/** Certificates and keys, all PEM, made by the test. */
export interface PagePki {
  readonly authority: string;
  readonly ecdsa: PageCredentials;
  readonly rsa: PageCredentials;
  readonly untrusted: PageCredentials;
}
interface PageCredentials {
  readonly cert: string;
  readonly key: string;
}
type Client = ReturnType<Tls13Engine['client']>;
type Server = ReturnType<Tls13Engine['server']>;
type Ends = readonly [client: TlsConnection, server: TlsConnection];

const mebibyte = 1_048_576;

const trusting = ({ authority }: PagePki): Client =>
  tls13Engine.client({ serverName: 'localhost', ca: authority, alpnProtocols: ['page'] });
const serving = (credentials: PageCredentials): Server => tls13Engine.server({ credentials, alpnProtocols: ['page'] });

async function connected(client: Client, server: Server): Promise<Ends> {
  const [here, there] = memoryPair();
  return Promise.all([open(of(here).pipe(secure(client))), open(of(there).pipe(secure(server)))]);
}

async function closed(ends: Ends): Promise<void> {
  await Promise.all(ends.map((end) => lastValueFrom(end.close(), { defaultValue: undefined })));
}

/** WebCrypto gives at most 64 KiB a call. */
function randomMebibyte(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(mebibyte);
  for (let at = 0; at < mebibyte; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Writes all of `bytes`, reads a mebibyte, and gives the hash of that. */
async function exchanged(end: TlsConnection, bytes: Uint8Array): Promise<string> {
  const received = new Uint8Array(mebibyte);
  let length = 0;
  const reading = end.plaintext.pipe(
    tap((chunk) => {
      received.set(chunk, length); // RangeError for more than was sent
      length += chunk.length;
    }),
    takeWhile(() => length < mebibyte),
  );
  await lastValueFrom(merge(reading, end.writeFrom([bytes])));
  return sha256(received);
}

/** What came of a connection over which a mebibyte went each way. */
export interface Exchange {
  readonly version: string;
  readonly cipherSuite: string;
  readonly group: string | undefined;
  readonly alpnProtocol: string | undefined;
  readonly resumed: readonly boolean[];
  /** SHA-256 of what the client and the server sent. */
  readonly sent: readonly string[];
  /** And of what the server and the client received. */
  readonly received: readonly string[];
}

async function exchange(client: Client, server: Server): Promise<Exchange> {
  const ends = await connected(client, server);
  const [bytes, answer] = [randomMebibyte(), randomMebibyte()];
  const sent = await Promise.all([sha256(bytes), sha256(answer)]);
  const received = await Promise.all([exchanged(ends[1], answer), exchanged(ends[0], bytes)]);
  await closed(ends);
  const { version, cipherSuite, group, alpnProtocol } = ends[0].negotiated;
  const resumed = ends.map(({ negotiated }) => negotiated.resumed);
  return { version, cipherSuite, group, alpnProtocol, resumed, sent, received };
}

/** Two connections of one client to one server. */
export async function twice(pki: PagePki): Promise<readonly Exchange[]> {
  const [client, server] = [trusting(pki), serving(pki.ecdsa)];
  return [await exchange(client, server), await exchange(client, server)];
}

/** How both ends fail when the server shows a certificate of an authority that the client does not trust. */
export async function refused(pki: PagePki): Promise<unknown> {
  const [here, there] = memoryPair();
  const reasons = await Promise.allSettled([
    open(of(here).pipe(secure(trusting(pki)))),
    open(of(there).pipe(secure(serving(pki.untrusted)))),
  ]);
  return reasons.map((settled) => {
    const error: unknown = settled.status === 'rejected' ? settled.reason : undefined;
    if (!(error instanceof TlsError)) return String(error);
    return error instanceof CertificateError
      ? { name: error.name, reason: error.reason }
      : { name: error.name, alert: error.alert };
  });
}

/** A server whose RSA key the page cannot read, only sign with. */
export async function signed(pki: PagePki): Promise<Exchange & { readonly schemes: readonly string[] }> {
  const base64 = pki.rsa.key.replaceAll(/-----.*-----|\s/g, '');
  const pkcs8 = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign']);
  const schemes: string[] = [];
  const signer: Signer = {
    schemes: ['rsa_pss_rsae_sha256'],
    sign: async (scheme, message) => {
      schemes.push(scheme);
      const algorithm = { name: 'RSA-PSS', saltLength: 32 };
      return new Uint8Array(await crypto.subtle.sign(algorithm, key, new Uint8Array(message)));
    },
  };
  const server = tls13Engine.server({ credentials: { cert: pki.rsa.cert, key: signer }, alpnProtocols: ['page'] });
  return { ...(await exchange(trusting(pki), server)), schemes };
}
