/// <reference types="node" />
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import type { PeerCertificate } from 'node:tls';
import type { ByteDuplex, TlsConnection } from '@rxtls/core';
import { AbortedError } from '@rxtls/core/engine';
import { isObservable, type Observable, type Subscription } from 'rxjs';
import { ChunkPuller } from '../chunk-puller.ts';
import { isTlsConnection, SinkWriter } from '../sink-writer.ts';
import { socketError } from './socket-error.ts';

type Callback = (error?: Error | null) => void;

/** Parts of one write that are less in all go as one. */
const joinedBytes = 16 * 1024;

/** Milliseconds that the peer has to end, when the stream was ended and then destroyed. */
const closeGrace = 5_000;

/** A connection as a stream; see `toNodeDuplex`. Beside what a `Duplex` has, what libraries ask a socket for, as far as it is true here. */
export class ConnectionStream extends Duplex {
  /** There is no connection yet. */
  connecting: boolean;
  /** It is a TLS connection; as on a `TLSSocket`, absent otherwise. */
  encrypted?: true;
  /** The peer was verified; absent without TLS. */
  authorized?: boolean;
  /** The application protocol that was agreed on, `false` for none; absent without TLS. */
  alpnProtocol?: string | false;
  /** The name the client asked for, `false` for none; absent without TLS. */
  servername?: string | false;
  /** The peer's own certificate, as Node describes it (`raw` is its DER), for channel binding; empty where it has shown none, absent without TLS. */
  getPeerCertificate?: () => PeerCertificate;
  remoteAddress?: string;
  remotePort?: number;
  remoteFamily?: 'IPv4' | 'IPv6';
  localAddress?: string;
  localPort?: number;
  /** Milliseconds without traffic before 'timeout'; absent where none is set. */
  timeout?: number;
  bytesRead = 0;
  bytesWritten = 0;
  #duplex: ByteDuplex | undefined;
  #puller: ChunkPuller | undefined;
  #writer: SinkWriter | undefined;
  #owned: Subscription | undefined;
  #hasReadEnd = false;
  #wantsRead = false;
  /** What was asked for before there was a connection: at most one write, or the end. */
  #whenConnected: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isTelling = false;

  constructor(
    connection: ByteDuplex | Observable<ByteDuplex>,
    options: {
      readonly readableHighWaterMark: number;
      readonly writableHighWaterMark: number;
      readonly allowHalfOpen: boolean;
    },
  ) {
    super(options);
    this.connecting = isObservable(connection);
    if (isObservable(connection)) this.#own(connection);
    else this.#attach(connection);
  }

  override _read(): void {
    this.#wantsRead = true;
    this.#puller?.pull();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Callback): void {
    this.#write([chunk], done);
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Callback): void {
    const parts = chunks.map(({ chunk }) => chunk);
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    this.#write(total <= joinedBytes ? [Buffer.concat(parts, total)] : parts, done);
  }

  override _final(done: Callback): void {
    this.#withWriter((writer) => writer.end((error) => done(socketError(error))));
  }

  override _destroy(error: Error | null, done: Callback): void {
    clearTimeout(this.#idle);
    this.#puller?.stop();
    this.#writer?.stop();
    this.#whenConnected = undefined;
    // A connection whose sides have both ended comes to its own end.
    if (!this.#hasReadEnd || !this.writableFinished) this.#letGo(error);
    done(error);
  }

  // ── what libraries ask a socket for ──────────────────────────────────────────────────────────────────────────────────

  /** It connects by itself. Whoever calls this waits for 'connect', and hears it although it may have been before. */
  connect(): this {
    if (!this.connecting) this.#tellConnected();
    return this;
  }

  /** After so many milliseconds without traffic 'timeout' is emitted; 0 for never. Nothing is destroyed by it. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    clearTimeout(this.#idle);
    this.timeout = milliseconds;
    if (listener !== undefined) {
      if (milliseconds === 0) this.off('timeout', listener);
      else this.once('timeout', listener);
    }
    this.#idle = milliseconds > 0 ? setTimeout(() => void this.emit('timeout'), milliseconds).unref() : undefined;
    return this;
  }

  /** That is the transport's, set where it was made. */
  setNoDelay(): this {
    return this;
  }

  /** That is the transport's, set where it was made. */
  setKeepAlive(): this {
    return this;
  }

  /** What keeps the process alive is the transport's. */
  ref(): this {
    return this;
  }

  /** What keeps the process alive is the transport's. */
  unref(): this {
    return this;
  }

  /** Ends, and is destroyed when everything that was written has gone. */
  destroySoon(): void {
    if (!this.writableEnded) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  // ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────────

  #own(connection: Observable<ByteDuplex>): void {
    let isConnected = false;
    this.#owned = connection.subscribe({
      next: (duplex) => {
        if (isConnected) {
          const message = 'toNodeDuplex takes an observable of one connection; this has emitted a second';
          duplex.sink.abort();
          this.#failed(new AbortedError(message, { phase: 'open' }));
          return;
        }
        isConnected = true;
        this.#connected(duplex);
      },
      error: (error: unknown) => {
        if (!isConnected) this.destroy(socketError(error)); // after it, the streams of the connection tell
      },
      complete: () => {
        if (!isConnected) this.#failed(new AbortedError('the observable completed without a connection'));
      },
    });
    if (this.destroyed) this.#owned.unsubscribe();
  }

  #connected(duplex: ByteDuplex): void {
    if (this.destroyed) return;
    this.connecting = false;
    this.#attach(duplex);
    this.#tellConnected();
  }

  #tellConnected(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const isSecure = this.encrypted === true;
    process.nextTick(() => {
      this.#isTelling = false;
      for (const event of isSecure ? ['connect', 'secureConnect', 'ready'] : ['connect', 'ready'])
        if (!this.destroyed) this.emit(event);
    });
  }

  #attach(duplex: ByteDuplex): void {
    this.#duplex = duplex;
    this.#describe(duplex);
    this.#writer = new SinkWriter(duplex, (error) => this.#failed(error));
    this.#puller = new ChunkPuller(duplex.source, {
      chunk: (bytes) => this.#received(bytes),
      end: () => {
        this.#hasReadEnd = true;
        this.push(null);
      },
      error: (error) => this.#failed(error),
    });
    if (this.destroyed) {
      this.#puller.stop();
      this.#writer.stop();
      return;
    }
    if (this.#wantsRead) this.#puller.pull();
    const waiting = this.#whenConnected;
    this.#whenConnected = undefined;
    waiting?.();
  }

  #describe(duplex: ByteDuplex): void {
    const [remote, local] = [addressOf(duplex.info.remote), addressOf(duplex.info.local)];
    if (remote !== undefined) {
      this.remoteAddress = remote.address;
      this.remotePort = remote.port;
      this.remoteFamily = isIP(remote.address) === 6 ? 'IPv6' : 'IPv4';
    }
    if (local !== undefined) {
      this.localAddress = local.address;
      this.localPort = local.port;
    }
    if (!isTlsConnection(duplex)) return;
    const { peer, alpnProtocol, serverName } = duplex.negotiated;
    this.encrypted = true;
    this.authorized = peer.verification === 'passed';
    this.alpnProtocol = alpnProtocol ?? false;
    this.servername = serverName ?? false;
    const [leaf] = peer.chain;
    this.getPeerCertificate = () =>
      leaf === undefined ? ({} as PeerCertificate) : new X509Certificate(leaf).toLegacyObject();
  }

  #received(bytes: Uint8Array): void {
    this.bytesRead += bytes.length;
    this.#idle?.refresh();
    this.#wantsRead = false;
    this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #write(parts: readonly Uint8Array[], done: Callback): void {
    this.#withWriter((writer) => {
      for (const part of parts) this.bytesWritten += part.length;
      writer.write(parts, (error) => {
        this.#idle?.refresh();
        done(socketError(error));
      });
    });
  }

  #withWriter(use: (writer: SinkWriter) => void): void {
    if (this.#writer !== undefined) use(this.#writer);
    else this.#whenConnected = () => use(this.#writer!);
  }

  /** Nobody reads or writes any more. Once this side has ended there is nothing to cut: the other side may take its time to end. */
  #letGo(error: Error | null): void {
    const duplex = this.#duplex;
    if (this.#owned !== undefined) return this.#owned.unsubscribe();
    if (duplex === undefined) return;
    if (error !== null || !this.writableFinished)
      return duplex.sink.abort(error ?? new AbortedError('the stream was destroyed', { phase: 'open' }));
    if (isTlsConnection(duplex)) closeWithin(duplex, closeGrace);
  }

  #failed(error: unknown): void {
    this.destroy(socketError(error));
  }
}

/** Closes gracefully, and cuts a peer that goes on sending: `close()` by itself waits as long as something moves. */
function closeWithin(connection: TlsConnection, milliseconds: number): void {
  const timer = setTimeout(() => connection.sink.abort(), milliseconds).unref();
  const settled = (): void => clearTimeout(timer);
  connection.close().subscribe({ complete: settled, error: settled }); // whoever emitted the connection hears of it
}

function addressOf(text: string | undefined): { readonly address: string; readonly port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text ?? '') ?? [];
  const address = bracketed ?? plain;
  return address !== undefined && isIP(address) !== 0 ? { address, port: Number(port) } : undefined;
}
