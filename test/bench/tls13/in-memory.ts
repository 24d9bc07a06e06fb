// Two engines joined by arrays, as a test joins them: nothing but the engine's own work.
import type { TlsEngine, TlsEngineFactory, TlsEngineSink } from '@rxtls/core/engine';
import { fullClient, host, ping, resumingClient, server, slice, sliceBytes } from './setting.ts';
import type { Subject } from './subject.ts';

/** The most that `receiveCiphertext` takes at once. */
const most = 65_536;

class End implements TlsEngineSink {
  readonly engine: TlsEngine;
  readonly observed = false;
  out: Uint8Array[] = [];
  received = 0;
  resumed: boolean | undefined;

  constructor(factory: TlsEngineFactory) {
    this.engine = factory(this, host);
  }

  /** Hands over what the other end has made; false when there was nothing. */
  takeFrom(other: End): boolean {
    if (other.out.length === 0) return false;
    const arrived = other.out;
    other.out = [];
    for (const bytes of arrived)
      if (bytes.length <= most) this.engine.receiveCiphertext(bytes);
      else for (let at = 0; at < bytes.length; at += most) this.engine.receiveCiphertext(bytes.subarray(at, at + most));
    return true;
  }

  ciphertext(bytes: Uint8Array): void {
    this.out.push(bytes);
  }
  plaintext(bytes: Uint8Array): void {
    this.received += bytes.length;
  }
  negotiated({ resumed }: { readonly resumed: boolean }): void {
    this.resumed = resumed;
  }
  failed(error: Error): void {
    throw error;
  }
  sealed(): void {}
  consumed(): void {}
  readiness(): void {}
  task(): void {}
  event(): void {}
  closeNotify(): void {}
}

function joined(client: TlsEngineFactory<'client'>, isResumed: boolean): readonly [End, End] {
  const ends = [new End(client), new End(server)] as const;
  settle(ends);
  if (ends[0].resumed !== isResumed || ends[1].resumed !== isResumed) throw new Error('not the handshake meant');
  return ends;
}

function settle([client, server_]: readonly [End, End]): void {
  for (let moved = true; moved; ) {
    const up = server_.takeFrom(client);
    moved = client.takeFrom(server_) || up;
  }
}

function close(ends: readonly [End, End]): void {
  for (const { engine } of ends) engine.sendCloseNotify();
  settle(ends);
  for (const { engine } of ends) engine.destroy();
}

export function engineSubject(): Promise<Subject> {
  joined(resumingClient, false);
  const open = joined(fullClient, false);
  const [client, server_] = open;
  const bulk = (bytes: number) => {
    const plaintext = slice(bytes);
    return (count: number) => {
      server_.received = 0;
      for (let n = 0; n < count; n++) {
        client.engine.sendPlaintext(plaintext);
        server_.takeFrom(client);
      }
      if (server_.received !== count * bytes) throw new Error('bytes are missing');
    };
  };
  return Promise.resolve({
    'bulk 16 KiB': bulk(sliceBytes['bulk 16 KiB']),
    'bulk 64 KiB': bulk(sliceBytes['bulk 64 KiB']),
    full(count) {
      for (let n = 0; n < count; n++) close(joined(fullClient, false));
    },
    resumed(count) {
      for (let n = 0; n < count; n++) close(joined(resumingClient, true));
    },
    echo(count) {
      client.received = 0;
      for (let n = 0; n < count; n++) {
        client.engine.sendPlaintext(ping);
        server_.takeFrom(client);
        server_.engine.sendPlaintext(ping);
        client.takeFrom(server_);
      }
      if (client.received !== count * ping.length) throw new Error('bytes are missing');
    },
  });
}
