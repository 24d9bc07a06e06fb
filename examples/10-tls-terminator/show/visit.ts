import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { secure, use } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { connect } from '@rxtls/transport-tcp';
import { lastValueFrom, map, reduce, tap, timeout } from 'rxjs';

/** Whom a client asks for, and how slowly it speaks. */
export interface Asked {
  readonly port: number;
  readonly ca: string;
  readonly name: string;
  readonly alpn?: string;
  /** Of 4 KiB. */
  readonly chunks?: number;
  /** Milliseconds between two of them. */
  readonly pace?: number;
  readonly connected?: () => void;
}

/** What a client saw of its connection. */
export interface Visit {
  /** Who answered. */
  readonly backend: string;
  /** The SHA-256 of the certificate. */
  readonly certificate: string;
  /** All that was sent came back, and an authenticated end behind it. */
  readonly isWhole: boolean;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends random bytes and its end, and reads to the other's. */
export function visit({ port, ca, name, alpn, chunks = 1, pace = 0, connected }: Asked): Promise<Visit> {
  const sent = Array.from({ length: chunks }, () => randomBytes(4_096));
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (const chunk of sent) {
      yield chunk;
      await new Promise((resolve) => setTimeout(resolve, pace));
    }
  }
  const protocols = alpn === undefined ? {} : { alpnProtocols: [alpn] };
  return lastValueFrom(
    connect({ host: '127.0.0.1', port }).pipe(
      secure(nodeEngine.client({ serverName: name, ca, minVersion: 'TLSv1.3', ...protocols })),
      tap(() => connected?.()),
      use((connection) =>
        connection.exchange(slowly(), { halfClose: true }).pipe(
          reduce((all, bytes) => Buffer.concat([all, bytes]), Buffer.alloc(0)),
          map((received) => {
            const line = received.indexOf('\n');
            return {
              backend: received.subarray(0, line).toString(),
              certificate: new X509Certificate(connection.negotiated.peer.chain[0]!).fingerprint256,
              isWhole: sha256(received.subarray(line + 1)) === sha256(Buffer.concat(sent)),
            };
          }),
        ),
      ),
      timeout(20_000),
    ),
  );
}
