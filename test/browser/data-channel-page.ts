// What the page of data-channel.test.ts runs: transportCompliance over real WebRTC, and TLS in it.
import { open, secure, secureEach } from '@rxtls/core';
import type { ByteDuplex } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13';
import { transportCompliance } from '@rxtls/testing';
import { type DataChannelLike, fromDataChannel } from '@rxtls/transport-streams';
import { firstValueFrom, lastValueFrom, type Observable, ReplaySubject, type Subscription, takeWhile, tap } from 'rxjs';

/** Of the browser's types, which Node's tests have not, what is used here. */
interface PeerConnection {
  readonly localDescription: object | null;
  onicecandidate: (event: { readonly candidate: object | null }) => void;
  ondatachannel: (event: { readonly channel: DataChannelLike }) => void;
  createDataChannel(label: string): DataChannelLike;
  addIceCandidate(candidate: object | undefined): Promise<void>;
  setLocalDescription(): Promise<void>;
  setRemoteDescription(description: object | null): Promise<void>;
  close(): void;
}
declare const RTCPeerConnection: new () => PeerConnection;

interface Ends {
  readonly a: Observable<ByteDuplex>;
  readonly b: Observable<ByteDuplex>;
  close(): void;
}

/** Two peer connections of this page, joined by a data channel. */
async function channelEnds(): Promise<Ends> {
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  here.onicecandidate = ({ candidate }) => void there.addIceCandidate(candidate ?? undefined);
  there.onicecandidate = ({ candidate }) => void here.addIceCandidate(candidate ?? undefined);
  const a = here.createDataChannel('tls');
  const incoming = new Promise<DataChannelLike>((resolve) => {
    there.ondatachannel = ({ channel }) => resolve(channel);
  });
  await here.setLocalDescription();
  await there.setRemoteDescription(here.localDescription);
  await there.setLocalDescription();
  await here.setRemoteDescription(there.localDescription);
  const b = await incoming;
  const close = (): void => {
    here.close();
    there.close();
  };
  return { a: fromDataChannel(a), b: fromDataChannel(b), close };
}

/** The duplexes themselves, held until `close`. */
async function channelPair() {
  const ends = await channelEnds();
  const subscriptions: Subscription[] = [];
  const held = (end: Observable<ByteDuplex>): Promise<ByteDuplex> => {
    const first = new ReplaySubject<ByteDuplex>(1);
    subscriptions.push(end.subscribe(first));
    return firstValueFrom(first);
  };
  const [a, b] = await Promise.all([held(ends.a), held(ends.b)]);
  const close = (): void => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    ends.close();
  };
  return { a, b, close: async () => close() };
}

/** Each promise of a transport, and how it went. */
export async function compliance(): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const promise of transportCompliance({ pair: channelPair, bound: 8 * 1024 * 1024 }))
    results[promise.name] = await promise.run().then(
      () => 'ok',
      (error: unknown) => String(error),
    );
  return results;
}

export interface Credentials {
  readonly cert: string;
  readonly key: string;
  readonly authority: string;
}

/** Two mebibytes there and back through TLS in the channel: what came is what went, and how it ended. */
export async function echo({ cert, key, authority }: Credentials) {
  const ends = await channelEnds();
  const failures: string[] = [];
  const serving = ends.b
    .pipe(
      secureEach(
        tls13Engine.server({ credentials: { cert, key } }),
        (connection) => connection.writeFrom(connection.source),
        {
          failed: ({ error }) => failures.push(String(error)),
        },
      ),
    )
    .subscribe({ error: (error: unknown) => failures.push(String(error)) });
  const connection = await open(ends.a.pipe(secure(tls13Engine.client({ serverName: 'localhost', ca: authority }))));
  const sent = new Uint8Array(2 * 1_048_576);
  for (let at = 0; at < sent.length; at += 65_536) crypto.getRandomValues(sent.subarray(at, at + 65_536));
  const received = new Uint8Array(sent.length);
  let length = 0;
  const read = lastValueFrom(
    connection.plaintext.pipe(
      tap((bytes) => {
        received.set(bytes, length);
        length += bytes.length;
      }),
      takeWhile(() => length < sent.length),
    ),
    { defaultValue: undefined },
  );
  await lastValueFrom(connection.writeFrom([sent]));
  await read;
  await lastValueFrom(connection.close(), { defaultValue: undefined });
  const isEqual = received.every((byte, at) => byte === sent[at]);
  serving.unsubscribe();
  ends.close();
  return { version: connection.negotiated.version, isEqual, failures };
}
