// Two ends of everything that this package adapts.
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial } from 'node:net';
import { Duplex } from 'node:stream';
import type { ByteDuplex } from '@rxtls/core';
import type { TransportPair } from '@rxtls/testing';
import {
  type DataChannelLike,
  fromDataChannel,
  fromMessagePort,
  fromWebStreams,
  type WebStreamPair,
} from '@rxtls/transport-streams';
import { fromNodeDuplex } from '@rxtls/transport-streams/node';
import { firstValueFrom, type Observable, ReplaySubject } from 'rxjs';

export type Ends = readonly [Observable<ByteDuplex>, Observable<ByteDuplex>];

/** Two pairs of WHATWG streams, crossed over. */
export function webPairs(): readonly [WebStreamPair, WebStreamPair] {
  const [out, back] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()];
  return [
    { readable: back.readable, writable: out.writable },
    { readable: out.readable, writable: back.writable },
  ];
}

export function webEnds(): Ends {
  const [a, b] = webPairs();
  return [fromWebStreams(a), fromWebStreams(b)];
}

export function portEnds(): Ends {
  const { port1, port2 } = new MessageChannel();
  return [fromMessagePort(port1), fromMessagePort(port2)];
}

/**
 * A FAKE of an RTCDataChannel: there is no WebRTC in Node. As in the W3C's text: what was sent is buffered and leaves in tasks of
 * its own, `bufferedAmount` counts bytes that have not left, 'bufferedamountlow' comes when it falls to the threshold,
 * `close()` lets what is buffered leave first and then closes both ends.
 */
export class FakeDataChannel extends EventTarget implements DataChannelLike {
  readyState: 'connecting' | 'open' | 'closing' | 'closed' = 'open';
  ordered = true;
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType = 'blob';
  mostBuffered = 0;
  largest = 0;
  peer: FakeDataChannel | undefined;
  readonly #leaving: (string | ArrayBuffer)[] = [];
  #isLeaving = false;

  static pair(): [FakeDataChannel, FakeDataChannel] {
    const [a, b] = [new FakeDataChannel(), new FakeDataChannel()];
    a.peer = b;
    b.peer = a;
    return [a, b];
  }

  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  send(data: Uint8Array | string): void {
    if (this.readyState !== 'open') throw new DOMException('the channel is not open', 'InvalidStateError');
    const sent = typeof data === 'string' ? data : new Uint8Array(data).buffer;
    const length = typeof sent === 'string' ? sent.length : sent.byteLength;
    if (typeof sent !== 'string') this.largest = Math.max(this.largest, length);
    this.bufferedAmount += length;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
    this.#leaving.push(sent);
    this.#leave();
  }

  close(): void {
    if (this.readyState === 'closed' || this.readyState === 'closing') return;
    this.readyState = 'closing';
    this.#leave();
  }

  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    setImmediate(() => {
      this.#isLeaving = false;
      for (let n = 0; n < 4 && this.#leaving.length > 0; n++) this.#leaveOne(this.#leaving.shift()!);
      if (this.#leaving.length > 0) this.#leave();
      else if (this.readyState === 'closing') this.#closed();
    });
  }

  #leaveOne(data: string | ArrayBuffer): void {
    const before = this.bufferedAmount;
    this.bufferedAmount -= typeof data === 'string' ? data.length : data.byteLength;
    const { peer } = this;
    if (peer !== undefined && peer.readyState !== 'closed') {
      if (typeof data !== 'string' && peer.binaryType !== 'arraybuffer') throw new Error('blobs are not faked');
      peer.dispatchEvent(new MessageEvent('message', { data }));
    }
    const threshold = this.bufferedAmountLowThreshold;
    if (before > threshold && this.bufferedAmount <= threshold) this.dispatchEvent(new Event('bufferedamountlow'));
  }

  #closed(): void {
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
    const { peer } = this;
    if (peer === undefined || peer.readyState === 'closed') return;
    peer.readyState = 'closed';
    peer.dispatchEvent(new Event('close'));
  }
}

export function channelEnds(): Ends {
  const [a, b] = FakeDataChannel.pair();
  return [fromDataChannel(a), fromDataChannel(b)];
}

/** One end of two `stream.Duplex` that are connected: what is written comes out at the other, which holds its callback up. */
class HalfPipe extends Duplex {
  other: HalfPipe | undefined;
  #waiting: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.other!.push(chunk)) done();
    else this.#waiting = done;
  }

  override _final(done: () => void): void {
    this.other!.push(null);
    done();
  }

  override _read(): void {
    const { other } = this;
    if (other === undefined) return;
    const waiting = other.#waiting;
    other.#waiting = undefined;
    waiting?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    done(error);
    if (error !== null) this.other?.destroy(new Error('the other half was destroyed'));
  }
}

export function duplexPair(): [Duplex, Duplex] {
  const [a, b] = [new HalfPipe(), new HalfPipe()];
  a.other = b;
  b.other = a;
  return [a, b];
}

export function duplexEnds(): Ends {
  const [a, b] = duplexPair();
  return [fromNodeDuplex(a), fromNodeDuplex(b)];
}

export async function socketEnds(): Promise<Ends> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = dial((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Duplex];
  server.close();
  return [fromNodeDuplex(socket), fromNodeDuplex(accepted)];
}

/** The duplexes of two ends, which stay subscribed until they are closed. */
export async function pairOf(ends: Ends | Promise<Ends>): Promise<TransportPair> {
  const subjects = [new ReplaySubject<ByteDuplex>(), new ReplaySubject<ByteDuplex>()];
  const subscriptions = (await ends).map((end, index) =>
    end.subscribe({
      next: (duplex) => subjects[index]!.next(duplex),
      error: (error: unknown) => subjects[index]!.error(error), // after the first it finds nobody
    }),
  );
  const [a, b] = await Promise.all(subjects.map((subject) => firstValueFrom(subject)));
  return {
    a: a!,
    b: b!,
    close: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}
